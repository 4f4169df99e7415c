"""Controls while it runs: none clicks, and each does what it says at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.audio_file import AudioFile
from rtvc.dsp.effects import Effect, Rack
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.packs.pack import ModelPack
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import enrol_audio
from rtvc.voices.library import shipped_voices
from tests.support.libraries import needs_rnnoise
from tests.support.simulation import OPEN, OWN, RATE, Simulate, SimulatedPort, clicks, delays, told, tone
from tests.support.sounds import babble

QUIETER = Rack("quieter", (Effect("gain", (("gain_db", -12.0),)),))


CHANGES = [
    {"mute": True},
    {"bypass": True},
    {"input_gain_db": 12.0},
    {"output_gain_db": -12.0},
    {"gate_threshold_dbfs": 0.0},
    {"push_to_talk": True},
    {"effects": QUIETER},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_no_control_makes_a_click(simulate: Simulate, voice: str, change: dict[str, object]) -> None:
    simulation = simulate(tone(4), replace(OPEN, voice=voice))
    # So that converted and original sound are not the same.
    simulation.fitter.transport, simulation.fitter.work = np.negative, lambda: None  # type: ignore[method-assign,assignment]
    simulation.run(2)
    simulation.settings = replace(OPEN, voice=voice, **change)  # type: ignore[arg-type]
    simulation.run(1)
    simulation.settings = replace(OPEN, voice=voice)
    simulation.run(1)
    heard = simulation.heard[RATE:]
    steepest = 2 * np.pi * 200 / RATE * np.abs(heard).max()
    glide = 0.2 / (0.002 * RATE)
    assert np.abs(np.diff(heard)).max() < steepest + glide
    period = RATE // 200
    before, during = heard[RATE // 2 :][:period], heard[RATE + RATE // 2 :][:period]
    assert np.abs(during - before).max() > 0.05


@pytest.mark.parametrize("change", ["voice", "strength", "block_size"])
def test_neither_a_voice_nor_its_strength_nor_k_makes_a_click(
    simulate: Simulate, pack: ModelPack, voice: str, tmp_path: Path, change: str
) -> None:
    soundfile.write(tmp_path / "other.wav", 0.5 * babble(5, 16_000, seed=8) + 0.05, 16_000)
    chosen = {"strength": MapChoice(strength=0.2), "block_size": MapChoice(block_size=8)}.get(change, MapChoice())
    other = str(tmp_path / "other.wav") if change == "voice" else voice
    # A pitch at which frames end anywhere in a period.
    sound = (0.1 * np.sin(2 * np.pi * 213 * np.arange(4 * RATE) / RATE)).astype(np.float32)
    enrolment = enrol_audio(babble(5, RATE), RATE, pack, "microphone")
    simulation = simulate(sound, replace(OPEN, voice=voice), enrolment=enrolment)
    simulation.run(2)
    before = simulation.fitter.transport
    simulation.settings = replace(simulation.settings, voice=other, map=chosen)
    simulation.run(2)
    jumps = np.abs(np.diff(simulation.heard))
    usual = max(jumps[RATE : round(1.9 * RATE)].max(), jumps[3 * RATE :].max())
    assert jumps[round(1.9 * RATE) : 3 * RATE].max() < 1.1 * usual
    if change == "strength":
        assert np.std(simulation.heard[3 * RATE :]) < 0.8 * np.std(simulation.heard[RATE : 2 * RATE])
    else:
        assert simulation.fitter.transport is not before


def test_noise_suppression_is_switched_while_it_runs(simulate: Simulate) -> None:
    """On and off change the delay, and the delay that is told follows."""
    needs_rnnoise()
    random = np.random.default_rng(0)
    simulation = simulate((0.02 * random.standard_normal(9 * RATE)).astype(np.float32), OWN)
    levels, told = [], []
    for chosen in (NoiseSuppression.OFF, NoiseSuppression.STRONG, NoiseSuppression.OFF):
        simulation.settings = replace(simulation.settings, noise_suppression=chosen)
        simulation.run(3)
        levels.append(float(np.std(simulation.heard[-RATE:])))
        told.append(float(simulation.pipeline.latency))
    assert levels[1] < 0.1 * levels[0]
    assert levels[2] == pytest.approx(levels[0], rel=0.05)
    assert told[1] - told[0] == pytest.approx(0.02, abs=1e-6)
    assert told[2] == told[0]


def test_the_gate_opens_for_speech_and_not_for_noise(simulate: Simulate) -> None:
    needs_rnnoise()
    speech = AudioFile(shipped_voices()[0].reference).read(RATE)[: 3 * RATE]
    noise = (0.02 * np.random.default_rng(0).standard_normal(3 * RATE)).astype(np.float32)
    simulation = simulate(np.concatenate((noise, speech)), replace(OWN, speech_gate=True))
    simulation.run(3)
    assert np.abs(simulation.heard[RATE:]).max() < 1e-3
    simulation.run(3)
    assert np.std(simulation.heard[-2 * RATE :]) == pytest.approx(np.std(speech), rel=0.3)


def test_bypass_takes_the_effects_away_too(simulate: Simulate) -> None:
    simulation = simulate(tone(4), replace(OWN, effects=QUIETER))
    simulation.run(2)
    simulation.settings = replace(simulation.settings, bypass=True)
    simulation.run(2)
    changed, own = simulation.heard[RATE : 2 * RATE], simulation.heard[3 * RATE :]
    assert np.std(changed) / np.std(own) == pytest.approx(10 ** (-12 / 20), rel=0.05)


def test_the_bypassed_sound_comes_exactly_as_late(simulate: Simulate, voice: str) -> None:
    simulation = simulate(clicks(4), replace(OPEN, voice=voice, bypass=True))
    simulation.run(4)
    measured = [delay for heard, delay in delays(simulation) if heard > 0.3]
    assert measured == pytest.approx([told(simulation)] * len(measured), abs=3e-4)
    assert len(measured) >= 6


def test_mute_is_silence_at_once(simulate: Simulate) -> None:
    simulation = simulate(tone(3))
    simulation.run(1)
    simulation.settings = replace(OWN, mute=True)
    simulation.run(1)
    waiting = simulation.pipeline.output.delay + 0.03
    assert not simulation.heard[round((1 + waiting) * RATE) :].any()
    simulation.settings = OWN
    simulation.run(1)
    assert np.abs(simulation.heard[-RATE // 2 :]).max() > 0.05


def test_push_to_talk_sends_what_was_said_while_talking_and_nothing_else(simulate: Simulate) -> None:
    quiet = replace(OWN, push_to_talk=True)
    simulation = simulate(tone(3), quiet)
    simulation.run(1)
    simulation.settings = replace(quiet, talking=True)
    simulation.run(1)
    simulation.settings = quiet
    simulation.run(1)
    heard = np.flatnonzero(np.abs(simulation.heard) > 0.01) / RATE + 0.005 - told(simulation)
    assert 1 - 0.03 <= heard.min() <= 1.03
    assert 2 - 0.03 <= heard.max() <= 2.03


def test_the_monitor_has_its_own_gain_and_switch(simulate: Simulate) -> None:
    settings = replace(OWN, monitor=True, monitor_gain_db=-6.0)
    simulation = simulate(tone(3), settings, port=SimulatedPort(monitored=True))
    simulation.run(2)
    ratio = np.std(simulation.monitored[RATE:]) / np.std(simulation.heard[RATE:])
    assert ratio == pytest.approx(10 ** (-6 / 20), rel=0.01)
    simulation.settings = OWN
    simulation.run(1)
    assert not simulation.monitored[round(2.2 * RATE) :].any()
    assert np.std(simulation.heard[round(2.2 * RATE) :]) > 0.05


def test_a_clip_is_heard_to_the_sample_though_the_voice_is_muted(simulate: Simulate) -> None:
    simulation = simulate(tone(4), replace(OWN, mute=True))
    simulation.run(1)
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, RATE).astype(np.float32)
    for board in simulation.pipeline.soundboards:
        board.play(clip)
    simulation.run(2)
    start = np.flatnonzero(simulation.heard)[0]
    np.testing.assert_array_equal(simulation.heard[start : start + len(clip)], clip)
