import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.dsp.effects import Effect, Rack
from rtvc.dsp.stage import Block
from rtvc.live.pipeline import History, Pipeline
from rtvc.live.recorder import Recorder
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import enrol_audio
from tests.support.simulation import OPEN, OWN, RATE, Simulate, SimulatedPort, clicks, delays, told, tone
from tests.support.sounds import babble
from tests.support.transports import LOOKAHEAD, Smoother


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("rates", [(48_000, 48_000), (48_000, 44_100), (16_000, 96_000)])
def test_the_delay_that_is_told_is_the_delay_there_is(simulate: Simulate, step: int, rates: tuple[int, int]) -> None:
    sound = clicks(3)[:: RATE // rates[0]] if rates[0] < RATE else clicks(3)
    rack = Rack("", (Effect("highpass", (("cutoff_frequency_hz", 20.0),)), Effect("distortion")))
    simulation = simulate(sound, replace(OWN, effects=rack), port=SimulatedPort(*rates), step=step)
    simulation.run(3)
    measured = delays(simulation)
    assert len(measured) == 6
    assert [delay for _, delay in measured] == pytest.approx([told(simulation)] * 6, abs=3e-4)
    assert simulation.pipeline.counts.underruns == 0


@pytest.mark.parametrize("drift_ppm", [-300.0, 300.0])
def test_two_clocks_that_drift_leave_the_queue_as_long_as_it_was(simulate: Simulate, drift_ppm: float) -> None:
    sound = tone(65)
    sound[12 * RATE : 13 * RATE] = 0  # The first extra block is trimmed.
    simulation = simulate(sound, drift_ppm=drift_ppm)
    simulation.run(25)
    before = simulation.pipeline.output.delay
    shortest, longest = 1.0, 0.0

    def look() -> None:
        nonlocal shortest, longest
        delay = simulation.pipeline.output.delay
        shortest, longest = min(shortest, delay), max(longest, delay)

    simulation.run(40, look)
    assert simulation.pipeline.counts.underruns == 0
    assert simulation.pipeline.counts.dropped_frames == 0
    assert longest - shortest < 0.002
    assert abs(simulation.pipeline.output.delay - before) < 0.001
    assert simulation.pipeline.output.drift_ppm == pytest.approx(drift_ppm, abs=60)


@pytest.mark.parametrize("stall", [0.06, 0.3, 3.0])
def test_after_a_stall_the_delay_is_back_to_normal_within_a_second(simulate: Simulate, stall: float) -> None:
    simulation = simulate(clicks(12))
    simulation.run(3)
    usual = told(simulation)
    simulation.stalled = True
    simulation.run(stall)
    simulation.stalled = False
    over = simulation.elapsed
    simulation.run(11 - over)
    output = simulation.pipeline.output
    later = [delay for heard, delay in delays(simulation) if heard > over + 1]
    assert len(later) >= 8
    assert max(later) <= usual + (output.target - 0.01) + 0.006
    assert later[-1] == pytest.approx(told(simulation), abs=5e-4)
    counts = simulation.pipeline.counts
    assert counts.underruns == 1
    assert counts.overruns == (stall > 2)
    # Whatever came late is counted, in frames of 20 ms; what was still of use was not dropped.
    assert stall - 0.1 <= counts.dropped_frames * 0.02 <= stall + 0.1


def test_a_server_that_rearranges_its_buffers_costs_no_sound(simulate: Simulate) -> None:
    # Words and pauses of changing lengths, so that pauses end at any place of a step.
    words = [np.pad(tone(0.2 + 0.003 * index), (0, round(0.05 * RATE))) for index in range(40)]
    sound = np.concatenate(words)
    simulation = simulate(sound)
    simulation.run(2)
    usual = simulation.pipeline.output.delay
    simulation.hold_back(0.015)
    simulation.run(2)
    simulation.hold_back(0.04)
    simulation.run(4)
    assert simulation.pipeline.counts.underruns == simulation.pipeline.counts.dropped_frames == 0
    assert simulation.pipeline.output.delay == pytest.approx(usual, abs=0.006)
    lengths = [len(word) - round(0.05 * RATE) for word in words]
    heard = np.abs(simulation.heard) > 0.01
    edges = np.flatnonzero(np.diff(np.convolve(heard, np.ones(480), "same") > 0))
    spoken = [end - begin - 479 for begin, end in zip(edges[::2], edges[1::2], strict=False)]
    assert len(spoken) > 20
    np.testing.assert_allclose(spoken, lengths[: len(spoken)], atol=100)


def test_without_a_voice_the_speaker_is_heard_as_they_are(simulate: Simulate) -> None:
    sound = babble(4, RATE)
    simulation = simulate(sound)
    simulation.run(4)
    delay = int((told(simulation) - 0.005) * RATE)
    original = low(sound)[RATE : 3 * RATE]
    heard = [low(simulation.heard)[RATE + late : 3 * RATE + late] for late in (delay - 1, delay)]
    assert max(np.corrcoef(original, one)[0, 1] for one in heard) > 0.99


def low(sound: Block) -> Block:
    """Return what is below 2 kHz, where no resampler takes anything away, nor does half a sample's delay."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) > 2000] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


@pytest.mark.parametrize("bypass", [False, True])
def test_a_map_with_lookahead_makes_the_told_delay_grow_as_much_as_the_real_one(
    simulate: Simulate, voice: str, monkeypatch: pytest.MonkeyPatch, bypass: bool
) -> None:
    """From then on a map without lookahead comes as late; a pipeline that begins anew needs no more than its map.

    What the map makes of the frames beside a click's is too quiet to be taken for one.
    """
    monkeypatch.setitem(FITS, "smooth", lambda source, target: Smoother())
    simulation = simulate(clicks(9), replace(OWN, bypass=bypass))
    simulation.run(2)
    before = simulation.pipeline.chain.latency_seconds
    for settings in (OWN, replace(OPEN, voice=voice, map=MapChoice("smooth")), replace(OWN, voice=voice)):
        simulation.settings = replace(settings, bypass=bypass)
        simulation.run(1)
        simulation.clear()
        begun = simulation.elapsed
        simulation.run(1)
        measured = [(heard + begun - 0.1) % 0.5 for heard, _ in delays(simulation)]
        grown = Fraction(0) if begun < 4 else Fraction(LOOKAHEAD, 50)
        assert simulation.pipeline.chain.latency_seconds == before + grown
        assert measured == pytest.approx([told(simulation)] * 2, abs=6e-4)
    again = Pipeline(simulation.pipeline.chain.converter, simulation.fitter, SimulatedPort(), 1, OWN)
    assert again.chain.latency_seconds == before


def test_a_recording_holds_both_sides_and_the_clips(simulate: Simulate, tmp_path: Path) -> None:
    simulation = simulate(tone(2), replace(OWN, mute=True))
    recorder = simulation.pipeline.recorder = Recorder(tmp_path / "in.wav", tmp_path / "out.wav")
    simulation.run(1)
    simulation.pipeline.soundboards[0].play(tone(0.5, 0.3))
    simulation.run(1)
    recorder.close()
    (heard, rate), (sent, _) = (soundfile.read(tmp_path / name, dtype="float32") for name in ("in.wav", "out.wav"))
    assert rate == RATE
    assert len(heard) == pytest.approx(2 * RATE, abs=3)
    assert len(sent) == pytest.approx(len(heard), abs=3)
    assert np.std(heard[RATE // 2 :]) == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    assert not sent[:RATE].any()
    assert np.std(sent[RATE + 960 : RATE + RATE // 2]) == pytest.approx(0.3 / np.sqrt(2), rel=0.01)


def test_a_voice_is_reached_and_one_that_is_missing_leaves_the_map_as_it_was(simulate: Simulate, voice: str) -> None:
    sound = babble(20, RATE)
    simulation = simulate(sound, replace(OPEN, voice=voice))
    simulation.run(4)
    transport = simulation.fitter.transport
    assert transport is not None
    assert simulation.fitter.voice == voice
    simulation.settings = replace(OPEN, voice="nobody")
    simulation.run(0.5)
    assert "nobody" in simulation.fitter.error
    assert simulation.fitter.transport is transport
    simulation.settings = replace(OPEN, voice=voice)
    simulation.run(0.5)
    assert simulation.fitter.error == ""


def test_a_quiet_microphone_reaches_the_model_at_its_level_and_comes_back_quiet(
    simulate: Simulate, pack: ModelPack
) -> None:
    sound = 0.2 * babble(6, RATE)
    simulation = simulate(sound)
    levels: list[float] = []
    process = simulation.pipeline.chain.converter.process

    def listen(block: Block) -> Block:
        levels.append(float(np.sqrt(np.mean(block**2))))
        return process(block)

    simulation.pipeline.chain.converter.process = listen  # type: ignore[method-assign]
    simulation.run(6)
    reached = 20 * np.log10(np.sqrt(np.mean(np.square(levels[-100:]))))
    assert reached == pytest.approx(pack.level_dbfs, abs=1.5)
    inner = slice(4 * RATE, 5 * RATE)
    assert np.std(low(simulation.heard)[inner]) == pytest.approx(np.std(low(sound)[inner]), rel=0.05)


def test_an_enrolment_sets_level_and_statistics_and_stops_the_learning(simulate: Simulate, pack: ModelPack) -> None:
    enrolment = enrol_audio(0.1 * babble(5, RATE), RATE, pack, "microphone")
    simulation = simulate(babble(3, RATE), enrolment=enrolment)
    simulation.run(3)
    assert simulation.speaker.speech_frames == 0
    assert simulation.speaker.features() is enrolment.features
    assert simulation.pipeline.chain.normaliser.level_dbfs == enrolment.level_dbfs


def test_a_model_that_breaks_gives_silence_and_is_counted(simulate: Simulate) -> None:
    simulation = simulate(tone(3))
    simulation.run(1)
    vocoder = simulation.pipeline.chain.converter.vocoder
    process = vocoder.process
    vocoder.process = lambda block: np.full_like(process(block), np.nan)  # type: ignore[method-assign]
    simulation.run(1)
    vocoder.process = process  # type: ignore[method-assign]
    simulation.run(1)
    assert np.isfinite(simulation.heard).all()
    assert simulation.pipeline.counts.dropped_frames == 50
    assert np.std(simulation.heard[-RATE // 2 :]) > 0.05


def test_history_gives_the_last_samples_in_order() -> None:
    history = History(10)
    history.add(np.arange(4, dtype=np.float32))
    np.testing.assert_array_equal(history.latest(6), [0, 0, 0, 1, 2, 3])
    history.add(np.arange(4, 17, dtype=np.float32))
    np.testing.assert_array_equal(history.latest(10), np.arange(7, 17))


def test_nothing_piles_up_however_long_it_runs(simulate: Simulate, voice: str) -> None:
    port = SimulatedPort(monitored=True)
    simulation = simulate(0.3 * babble(60, RATE), replace(OPEN, voice=voice, monitor=True), port=port, drift_ppm=100)
    simulation.run(10)
    tracemalloc.start()
    simulation.run(5)
    grown = []
    for _ in range(2):
        simulation.clear()
        before = tracemalloc.get_traced_memory()[0]
        simulation.run(10)
        simulation.clear()
        grown.append(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert max(grown) < 100_000
