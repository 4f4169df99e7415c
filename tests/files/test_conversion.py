"""Conversion of files, measured through a pack whose features are the audio itself, and its command."""

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.app.effects import RACKS
from rtvc.audio_file import AudioFile
from rtvc.chain.voice_chain import block_length
from rtvc.dsp.effects import Effect, Rack
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import shipped_voices
from rtvc.voices.voice import Voice
from tests.support.libraries import needs_rnnoise
from tests.support.sounds import babble, write
from tests.support.transports import KERNEL, LOOKAHEAD, QUICK_FLOW, Smoother

STILL = Conversion(MapChoice(strength=0.0))


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice("target", write(tmp_path / "target.wav", babble(5, 16_000, seed=1), 16_000))


def read(path: Path) -> Block:
    sound: Block = soundfile.read(path, dtype="float32")[0]
    return sound


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_the_output_is_as_long_as_the_source_and_aligned_with_it(
    pack: ModelPack, voice: Voice, tmp_path: Path, rate: int
) -> None:
    sound = np.zeros(rate * 2 + 123, np.float32)
    pulse = np.hanning(rate // 400) * 0.5
    centres = [rate // 3, rate, rate * 2 - rate // 50]
    for centre in centres:
        start = centre - len(pulse) // 2
        sound[start : start + len(pulse)] += pulse
    source = write(tmp_path / "source.wav", sound, rate)
    convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    result = read(tmp_path / "out.wav")
    assert len(result) == len(sound)
    for centre in centres:
        near = slice(centre - rate // 20, min(centre + rate // 20, len(result)))
        assert np.argmax(result[near]) + near.start == pytest.approx(centre, abs=max(2, rate // 10_000))


def test_another_rate_of_the_output(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(1.5, 44_100), 44_100)
    convert_file(source, voice, tmp_path / "out.flac", pack, Conversion(sample_rate=48_000))
    result = AudioFile(tmp_path / "out.flac")
    assert (result.rate, result.frames) == (48_000, 72_000)


def test_steps_of_any_size_give_the_same_samples(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    results = []
    for step in (1, 25, None):
        output = tmp_path / f"out-{step}.wav"
        convert_file(source, voice, output, pack, Conversion(step=step))
        results.append(read(output))
    # 16 bits: one unit of rounding.
    assert max(np.abs(results[0] - other).max() for other in results[1:]) <= 1e-4


def test_effects_are_on_the_result_in_steps_of_any_size(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    results = []
    for number, conversion in enumerate(
        [Conversion(step=1, effects=RACKS["Cave"]), Conversion(effects=RACKS["Cave"]), Conversion()]
    ):
        convert_file(source, voice, tmp_path / f"{number}.wav", pack, conversion)
        results.append(read(tmp_path / f"{number}.wav"))
    assert np.abs(results[0] - results[1]).max() <= 1e-4
    assert len(results[1]) == 3 * len(results[2])
    assert np.std(results[1][::3] - results[2]) > 0.3 * np.std(results[2])


def test_effects_reach_above_the_packs_rate(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    rack = Rack("", (Effect("distortion", (("drive_db", 30.0),)),))
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(effects=rack))
    power = np.abs(np.fft.rfft(read(tmp_path / "out.wav"))) ** 2
    assert len(power) == 48_001
    assert power[20_000:40_000].sum() > 1e-4 * power.sum()


def test_noise_is_taken_away_in_steps_of_any_size(pack: ModelPack, tmp_path: Path) -> None:
    needs_rnnoise()
    speech = AudioFile(shipped_voices()[0].reference).read(16_000)[:48_000]
    noisy = speech + 0.02 * np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    source = write(tmp_path / "source.wav", noisy, 16_000)
    strong = NoiseSuppression.STRONG
    results = []
    for number, conversion in enumerate(
        [
            replace(STILL, noise_suppression=strong),
            replace(STILL, noise_suppression=strong, step=1),
            STILL,
        ]
    ):
        convert_file(source, shipped_voices()[1], tmp_path / f"{number}.wav", pack, conversion)
        results.append(read(tmp_path / f"{number}.wav"))
    # Of samples in 16 bits, one may be rounded the other way.
    assert np.abs(results[0] - results[1]).max() <= 1e-4
    settled = slice(16_000, None)
    errors = [float(np.std((result - speech)[settled])) for result in (results[0], results[2])]
    assert errors[0] < 0.7 * errors[1]


def test_the_mode_live_comes_to_what_two_passes_give(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    """Learning from a level and statistics that are not the speaker's, the sound nears that of the whole file."""
    source = write(tmp_path / "source.wav", babble(12, 16_000) * 0.3, 16_000)
    results = []
    for mode in (Mode.TWO_PASS, Mode.LIVE):
        convert_file(source, voice, tmp_path / f"{mode}.wav", pack, Conversion(mode=mode))
        results.append(read(tmp_path / f"{mode}.wav"))
    error = [np.std(part) for part in np.split(results[1] - results[0], 12)]
    assert error[-1] < 0.2 * np.std(results[0])
    assert error[-1] < 0.5 * error[0]


@pytest.mark.parametrize("mode", [Mode.TWO_PASS, Mode.LIVE])
def test_a_map_with_state_and_lookahead_stays_aligned_in_steps_of_any_size(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """Its features being the audio itself, the map is a filter over three frames, known beforehand."""
    monkeypatch.setitem(FITS, "smooth", lambda source, target: Smoother())
    sound = babble(2, 16_000) * 0.3
    source = write(tmp_path / "source.wav", sound, 16_000, subtype="FLOAT")
    frames = np.pad(sound.reshape(-1, pack.hop), ((1, 1), (0, 0)))
    expected = sum(weight * frames[at : at + 100] for at, weight in enumerate(KERNEL)).reshape(-1)
    for step in (1, 7, None):
        outcome = convert_file(
            source,
            voice,
            tmp_path / "out.wav",
            pack,
            Conversion(MapChoice("smooth"), mode=mode, step=step),
            overwrite=True,
        )
        assert outcome.latency == Fraction(2 + LOOKAHEAD, pack.frame_rate)
        # While the level is learnt, it differs a little from frame to frame.
        np.testing.assert_allclose(read(tmp_path / "out.wav"), expected, atol=0.01 if mode is Mode.LIVE else 1e-4)


def test_the_source_s_level_is_kept(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    quiet = babble(2, 16_000) * 0.1
    source = write(tmp_path / "source.wav", quiet, 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion())
    assert np.std(read(tmp_path / "out.wav")) == pytest.approx(np.std(quiet), rel=0.15)


def test_the_map_moves_the_source_onto_the_voice(pack: ModelPack, tmp_path: Path) -> None:
    """Through features that are the audio itself, a target twice as loud in its second half frame is heard so."""
    shape = np.repeat([1.0, 2.0], pack.hop // 2)
    target = babble(6, 16_000, seed=1) * np.tile(shape, 300)
    voice = Voice("shaped", write(tmp_path / "shaped.wav", target.astype(np.float32), 16_000))
    source = write(tmp_path / "source.wav", babble(6, 16_000), 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(MapChoice(block_size=1)))
    frames = read(tmp_path / "out.wav")[: 299 * pack.hop].reshape(-1, pack.hop)
    halves = np.std(frames[:, : pack.hop // 2]), np.std(frames[:, pack.hop // 2 :])
    assert halves[1] / halves[0] == pytest.approx(2, rel=0.1)


def test_memory_does_not_grow_with_the_length(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak while converting 3 minutes, silence included, is that of 1 minute; an hour takes the same path."""
    peaks = []
    monkeypatch.setattr("rtvc.files.streamed_conversion.MOST_SOURCE_SECONDS", 10)
    voice.features(pack)
    for minutes in (1, 3):
        source = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(source, "w", 16_000, 1) as file:
            for second in range(60 * minutes):
                file.write(babble(1, 16_000, second) * (second % 20 < 15))
        tracemalloc.start()
        convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(), overwrite=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000


def test_silence_converts_to_silence_with_a_warning(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    outcome = convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    assert not read(tmp_path / "out.wav").any()
    assert any("silent.wav: contains no speech" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("transport", FITS)
def test_silence_converts_by_every_transport(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    source = write(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(MapChoice(transport)))
    assert len(read(tmp_path / "out.wav")) == 16_000


def test_a_fit_tells_its_progress_and_can_be_given_up(
    pack: ModelPack, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    source = write(tmp_path / "source.wav", babble(2, 16_000), 16_000)
    output = tmp_path / "out.wav"
    told: list[float] = []
    convert_file(source, voice, output, pack, Conversion(MapChoice("flow")), fitting=told.append)
    assert told == [0.5, 1.0]
    before = output.read_bytes()

    class Enough(Exception):  # noqa: N818 - not an error
        pass

    def refuse(share: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        convert_file(source, voice, output, pack, Conversion(MapChoice("flow")), overwrite=True, fitting=refuse)
    assert output.read_bytes() == before
    convert_file(source, voice, output, pack, Conversion(MapChoice("mkl")), overwrite=True, fitting=refuse)


def test_clipping_is_counted_and_warned_of(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    source = write(tmp_path / "clipped.wav", np.clip(babble(2, 16_000) * 30, -1, 1), 16_000)
    outcome = convert_file(source, voice, tmp_path / "out.wav", pack, STILL)
    assert any("samples are clipped" in warning for warning in outcome.warnings)


def test_a_failure_leaves_the_old_output(pack: ModelPack, voice: Voice, tmp_path: Path) -> None:
    sound = babble(2, 16_000)
    sound[30_000] = np.nan
    source = write(tmp_path / "nan.wav", sound, 16_000, subtype="FLOAT")
    output = write(tmp_path / "out.wav", babble(0.1, 16_000), 16_000)
    before = output.read_bytes()
    with pytest.raises(RtvcError, match="NaN or infinite samples, the first at"):
        convert_file(source, voice, output, pack, Conversion(), overwrite=True)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_odd_rates_get_blocks_that_are_whole_everywhere(pack: ModelPack) -> None:
    assert block_length(48_000, 48_000, pack, 1) == 960
    assert block_length(44_100, 48_000, pack, 3) == 3 * 882
    assert block_length(11_025, 16_000, pack, 1) == 441
    assert block_length(16_000, 11_025, pack, 1) == 640


def test_a_sample_that_is_less_than_one_of_the_output_becomes_one(
    pack: ModelPack, voice: Voice, tmp_path: Path
) -> None:
    source = write(tmp_path / "source.wav", babble(0.1, 192_000)[:1], 192_000)
    convert_file(source, voice, tmp_path / "out.wav", pack, Conversion(sample_rate=8000))
    assert AudioFile(tmp_path / "out.wav").frames == 1
