"""The offset and the range that a user adds to the pitch, on features and through `mini` to the sound."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtvc
from rtvc.audio_file import AudioFile
from rtvc.benchmark.pitch import track_pitch
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.settings import Settings
from rtvc.transport import FITS, TransportStage, fit
from rtvc.transport.pitch import PitchControl, PitchTransport
from rtvc.voices.library import shipped_voices
from tests.support.packs import identity_pack
from tests.support.simulation import Simulation
from tests.support.transports import QUICK

ROLES = FeatureRoles(4, 5)
SEMITONE = math.log(2) / 12
OPTIONS = {"mkl": {"block_size": 2}, "flow": QUICK}
RATE = 16_000
LOW_VOICE = "Rowan"
"""About 100 Hz: an octave above is within the pitch tracker's 65 to 450 Hz."""


@pytest.fixture(scope="module")
def mini() -> ModelPack:
    return find_pack("mini")


@pytest.fixture(scope="module")
def speech() -> Block:
    voice = next(voice for voice in shipped_voices() if voice.name != LOW_VOICE)
    return AudioFile(voice.reference).read(RATE)[: 4 * RATE]


def voice(seed: int, mean: float) -> FeatureSet:
    generator = np.random.default_rng(seed)
    frames = generator.normal(size=(300, 6))
    frames[:, 4], frames[:, 5] = mean + 0.1 * generator.normal(size=300), 1.0
    return FeatureSet.of(frames.astype(np.float32), roles=ROLES)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_offset_and_range_change_pitch_around_its_mean_and_nothing_else(name: str, strength: float) -> None:
    source, target = voice(1, -0.2), voice(2, 0.5)
    transport = fit(name, source, target, **OPTIONS.get(name, {}))
    plain = TransportStage(transport, strength, 50).process(source.frames)
    control = PitchControl(3.0, 1.5)
    changed = TransportStage(transport, strength, 50, pitch=control).process(source.frames)
    np.testing.assert_array_equal(np.delete(changed, 4, axis=1), np.delete(plain, 4, axis=1))
    assert changed[:, 4].mean() == pytest.approx(plain[:, 4].mean() + 3 * SEMITONE, abs=1e-3)
    assert changed[:, 4].std() == pytest.approx(1.5 * plain[:, 4].std(), rel=1e-3)


def test_a_neutral_pitch_leaves_every_bit_as_the_map_gives_it() -> None:
    source, target = voice(1, -0.2), voice(2, 0.5)
    transport = fit("mkl", source, target, block_size=2)
    moved = TransportStage(transport, 0.7, 50, pitch=PitchControl(0.0, 1.0)).process(source.frames)
    expected = source.frames + np.float32(0.7) * (transport(source.frames) - source.frames)
    np.testing.assert_array_equal(moved, expected)


def test_a_change_while_running_glides_over_five_frames() -> None:
    stage = TransportStage(PitchTransport(4), 1.0, 50)
    frames = np.zeros((20, 6), np.float32)
    stage.process(frames)
    stage.set(PitchTransport(4), 1.0, PitchControl(12.0))
    pitch = np.concatenate([stage.process(part)[:, 4] for part in np.split(frames, [3, 4])])
    np.testing.assert_allclose(pitch[:5], 12 * SEMITONE * np.arange(1, 6) / 5, rtol=1e-5)
    np.testing.assert_allclose(pitch[5:], 12 * SEMITONE, rtol=1e-5)
    stage.reset()
    np.testing.assert_allclose(stage.process(frames)[:, 4], 12 * SEMITONE, rtol=1e-5)


def median_pitch(sound: Block) -> float:
    return float(np.nanmedian(track_pitch(sound, RATE)))


def median_ratio(before: Block, after: Block) -> float:
    """Return the ratio of the median pitches, over what the tracker finds voiced in both."""
    pitches = np.stack([track_pitch(sound, RATE) for sound in (before, after)])
    low, high = np.median(pitches[:, np.isfinite(pitches).all(axis=0)], axis=1)
    return float(high / low)


@pytest.mark.parametrize("mode", [rtvc.Mode.TWO_PASS, rtvc.Mode.LIVE])
def test_twelve_semitones_double_the_pitch_of_a_recording(mini: ModelPack, speech: Block, mode: rtvc.Mode) -> None:
    plain, octave = (
        rtvc.convert_array(
            speech, RATE, LOW_VOICE, pack=mini, conversion=rtvc.Conversion(mode=mode, pitch_semitones=semitones)
        )
        for semitones in (0.0, 12.0)
    )
    assert median_ratio(plain, octave) == pytest.approx(2, rel=0.03)


def test_intonation_sets_the_range_and_keeps_the_middle(mini: ModelPack, speech: Block) -> None:
    spread, middle = [], []
    for intonation in (0.0, 1.0, 1.6):
        conversion = rtvc.Conversion(intonation=intonation)
        pitch = track_pitch(rtvc.convert_array(speech, RATE, LOW_VOICE, pack=mini, conversion=conversion), RATE)
        low, high = np.nanpercentile(12 * np.log2(pitch), (15, 85))
        spread.append(high - low)
        middle.append(np.nanmedian(pitch))
    assert spread[0] < 0.4 * spread[1] < spread[1] < spread[2]
    np.testing.assert_allclose(middle, middle[1], rtol=0.08)


def test_steps_of_any_size_give_the_same_sound(mini: ModelPack, speech: Block) -> None:
    results = [
        rtvc.convert_array(
            speech[: 2 * RATE],
            RATE,
            LOW_VOICE,
            pack=mini,
            conversion=rtvc.Conversion(step=step, pitch_semitones=-3.0, intonation=1.4),
        )
        for step in (2, 50)
    ]
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def test_a_stream_has_the_pitch_of_its_settings(mini: ModelPack, speech: Block) -> None:
    plain, octave = (
        rtvc.StreamingConverter(LOW_VOICE, RATE, pack=mini, pitch_semitones=semitones)(speech)
        for semitones in (0.0, 12.0)
    )
    assert median_ratio(plain, octave) == pytest.approx(2, rel=0.03)


def test_a_change_in_the_middle_of_a_stream_makes_no_click(monkeypatch: pytest.MonkeyPatch, mini: ModelPack) -> None:
    times = np.arange(4 * 48_000) / 48_000
    harmonics = np.arange(1, 12)[:, None]
    sound = (0.1 / harmonics * np.sin(2 * np.pi * 123 * harmonics * times)).sum(axis=0).astype(np.float32)
    settings = Settings(voice=LOW_VOICE, gate_threshold_dbfs=None)
    simulation = Simulation(monkeypatch, mini, sound, settings, step=2)
    simulation.run(2)
    simulation.settings = replace(settings, pitch_semitones=5.0, intonation=0.5)
    simulation.run(2)
    jumps = np.abs(np.diff(simulation.heard, n=2))
    usual = max(jumps[48_000:91_000].max(), jumps[3 * 48_000 :].max())
    assert jumps[91_000 : 3 * 48_000].max() < 1.2 * usual
    low, high = (median_pitch(part[::3]) for part in (simulation.heard[48_000:91_000], simulation.heard[144_000:]))
    assert 12 * np.log2(high / low) == pytest.approx(5, abs=1.0)


@pytest.mark.parametrize(
    ("control", "roles", "sentence"),
    [
        (PitchControl(3.0), FeatureRoles(), "no pitch dimension"),
        (PitchControl(intonation=1.2), FeatureRoles(), "no pitch dimension"),
        (PitchControl(25.0), ROLES, "from -24 to 24 semitones, not 25"),
        (PitchControl(intonation=-0.1), ROLES, "from 0 to 3, not -0.1"),
        (PitchControl(math.nan), ROLES, "not nan"),
    ],
)
def test_what_cannot_be_is_refused(control: PitchControl, roles: FeatureRoles, sentence: str) -> None:
    with pytest.raises(RtvcError, match=sentence):
        control.check(roles, "some pack")


def test_a_pack_without_pitch_converts_files_only_with_the_pitch_left_alone(tmp_path: Path, speech: Block) -> None:
    pack = identity_pack(tmp_path / "pack", roles=False)
    assert len(rtvc.convert_array(speech, RATE, LOW_VOICE, pack=pack)) == len(speech)
    with pytest.raises(RtvcError, match="no pitch dimension"):
        rtvc.convert_array(speech, RATE, LOW_VOICE, pack=pack, conversion=rtvc.Conversion(pitch_semitones=1.0))
    with pytest.raises(RtvcError, match="no pitch dimension"):
        rtvc.StreamingConverter(LOW_VOICE, pack=pack, intonation=0.5)


def test_a_live_engine_on_a_pack_without_pitch_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, speech: Block
) -> None:
    pack = identity_pack(tmp_path / "pack", roles=False)
    settings = Settings(voice=LOW_VOICE, pitch_semitones=2.0)
    simulation = Simulation(monkeypatch, pack, np.repeat(speech, 3)[:48_000], settings)
    simulation.run(1)
    assert np.abs(simulation.heard).max() > 0
    engine = rtvc.Engine(pack, simulation.port, settings)
    assert "no pitch dimension" in engine.snapshot().message
