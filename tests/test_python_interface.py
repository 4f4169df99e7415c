"""`import rtvc`: what it offers, what importing it costs, the streaming converter, and the examples."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest
import sounddevice
import soundfile

import rtvc
from rtvc.dsp.stage import Block
from rtvc.live.file_port import FilePort
from tests.support.libraries import needs_rnnoise
from tests.support.sounds import babble, write

EXAMPLES = Path(__file__).parent.parent / "examples"
RATE = 48_000


@pytest.fixture
def voice(tmp_path: Path) -> str:
    return str(write(tmp_path / "voice.wav", babble(5, 16_000, seed=1), 16_000))


def test_importing_loads_no_library_and_starts_no_thread() -> None:
    """Time differs from machine to machine; what is imported does not."""
    script = """
import json, sys, threading
import rtvc
libraries = {"numpy", "scipy", "onnxruntime", "soundfile", "sounddevice", "rich"}
print(json.dumps([sorted(libraries & set(sys.modules)), threading.active_count()]))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [[], 1]


def test_every_name_can_be_had_and_no_other() -> None:
    for name in rtvc.__all__:
        assert getattr(rtvc, name).__name__ == name
        assert name in dir(rtvc)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rtvc.nothing


@pytest.mark.parametrize(
    ("rate", "level"), [(16_000, "off"), (44_100, "off"), (48_000, "off"), (16_000, "light"), (48_000, "light")]
)
def test_a_stream_is_late_by_its_latency_however_it_is_cut(
    pack: rtvc.ModelPack, voice: str, rate: int, level: str
) -> None:
    """`light` leaves 30 % of a click, which is no speech."""
    suppression = rtvc.NoiseSuppression(level)
    if suppression is not rtvc.NoiseSuppression.OFF:
        needs_rnnoise()
    still = rtvc.MapChoice(strength=0.0)
    convert = rtvc.StreamingConverter(voice, rate, pack=pack, map=still, noise_suppression=suppression)
    sound = np.zeros(rate, np.float32)
    sound[rate // 2 - 40 : rate // 2 + 41] = 0.5 * np.hanning(81)
    random = np.random.default_rng(0)
    results = []
    for _ in range(2):
        cuts = np.sort(random.integers(0, rate, 60))
        blocks = [convert(block) for block in np.split(sound, cuts)]
        assert [len(block) for block in blocks] == [len(block) for block in np.split(sound, cuts)]
        results.append(np.concatenate([*blocks, convert.flush()]))
    assert len(results[0]) == rate + convert.latency_samples
    assert convert.latency == pytest.approx(convert.latency_samples / rate, abs=1 / rate)
    assert np.argmax(results[0]) == pytest.approx(rate // 2 + convert.latency_samples, abs=2)
    np.testing.assert_array_equal(results[0], results[1])


def test_a_stream_of_an_enrolled_speaker_comes_out_in_the_voice_from_the_first_word(
    pack: rtvc.ModelPack, tmp_path: Path
) -> None:
    """The features are the audio itself: a target that is louder in the second half of each frame is heard so."""
    shape = np.tile(np.repeat([1.0, 2.0], pack.hop // 2), 300)
    voice = write(tmp_path / "shaped.wav", (babble(6, 16_000, seed=1) * shape).astype(np.float32), 16_000)
    speaker = write(tmp_path / "speaker.wav", babble(6, 16_000), 16_000)
    sound = babble(2, 16_000)
    ratios = []
    for known in (None, speaker):
        convert = rtvc.StreamingConverter(str(voice), 16_000, pack=pack, map=rtvc.MapChoice("mkl", 1), speaker=known)
        frames = np.concatenate([convert(sound), convert.flush()])[convert.latency_samples :][: len(sound)]
        halves = np.std(frames.reshape(-1, 2, pack.hop // 2)[:50], axis=(0, 2))
        ratios.append(halves[1] / halves[0])
    assert ratios[1] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ([np.nan], "infinite"),
        ([[np.inf, 0]], "infinite"),
        (np.zeros((2, 2, 2)), "has the shape"),
        (np.zeros((2, 960)), r"\[samples, channels\], not \[channels, samples\]"),
        (np.zeros(960, complex), "of the type complex128"),
    ],
)
def test_blocks_that_are_no_sound_are_refused(pack: rtvc.ModelPack, voice: str, block: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(rtvc.RtvcError, match=message):
        rtvc.StreamingConverter(voice, RATE, pack=pack)(block)


def test_a_converter_that_cannot_be_is_refused(pack: rtvc.ModelPack, voice: str) -> None:
    with pytest.raises(rtvc.RtvcError, match="sample rate must be from 8000 to 192000 Hz, not 4000"):
        rtvc.StreamingConverter(voice, 4000, pack=pack)
    with pytest.raises(rtvc.RtvcError, match="must hear the whole recording"):
        rtvc.StreamingConverter(voice, RATE, pack=pack, map=rtvc.MapChoice("flow"))


def test_an_array_is_converted_as_its_file_is(pack: rtvc.ModelPack, voice: str, tmp_path: Path) -> None:
    sound = babble(2, 16_000)
    soundfile.write(tmp_path / "in.wav", sound, 16_000, subtype="FLOAT")
    rtvc.convert_file(tmp_path / "in.wav", tmp_path / "out.wav", voice, pack=pack)
    stereo = np.stack([sound, sound], axis=1)
    for audio in (sound, stereo):
        result = rtvc.convert_array(audio, 16_000, voice, pack=pack)
        np.testing.assert_allclose(result, soundfile.read(tmp_path / "out.wav")[0], atol=1e-4)
    with pytest.raises(rtvc.RtvcError, match=r"has the shape \(2, 2, 2\)"):
        rtvc.convert_array(np.zeros((2, 2, 2)), 16_000, voice, pack=pack)
    with pytest.raises(rtvc.RtvcError, match="NaN"):
        rtvc.convert_array([np.nan], 16_000, voice, pack=pack)
    with pytest.raises(rtvc.RtvcError, match="contains no samples"):
        rtvc.convert_array([], 16_000, voice, pack=pack)


@pytest.mark.parametrize(("kind", "offset"), [("int16", 0), ("int32", 0), ("uint8", 128)])
def test_integers_are_scaled_as_those_of_a_file(pack: rtvc.ModelPack, voice: str, kind: str, offset: int) -> None:
    """As `scipy.io.wavfile` returns them."""
    full_scale = np.iinfo(kind).max - offset + 1
    integers = (np.rint(0.5 * babble(1, 16_000) * full_scale) + offset).clip(0 if offset else None).astype(kind)
    floats = ((integers.astype(np.float64) - offset) / full_scale).astype(np.float32)
    whole, streamed = [], []
    for audio in (floats, integers, np.stack([integers, integers], axis=1)):
        whole.append(rtvc.convert_array(audio, 16_000, voice, pack=pack))
        convert = rtvc.StreamingConverter(voice, 16_000, pack=pack)
        streamed.append(np.concatenate([convert(audio), convert.flush()]))
    for results in (whole, streamed):
        np.testing.assert_allclose(results, [results[0]] * 3, atol=1e-5)


@pytest.mark.parametrize("kind", [complex, np.int64, bool, str])
def test_samples_of_which_no_full_scale_is_known_are_refused(
    pack: rtvc.ModelPack, voice: str, kind: type[np.generic]
) -> None:
    with pytest.raises(rtvc.RtvcError, match="is of the type"):
        rtvc.convert_array(np.zeros(16_000, kind), 16_000, voice, pack=pack)


def test_channels_before_samples_are_refused(pack: rtvc.ModelPack, voice: str) -> None:
    """As torchaudio and librosa return them."""
    with pytest.raises(rtvc.RtvcError, match=r"\(2, 16000\): .*\[samples, channels\], not \[channels, samples\]"):
        rtvc.convert_array(np.zeros((2, 16_000)), 16_000, voice, pack=pack)


def test_what_there_is_to_know_of_an_array_is_a_warning(pack: rtvc.ModelPack, voice: str) -> None:
    with pytest.warns(UserWarning, match="The array: contains no speech"):
        rtvc.convert_array(np.zeros(16_000), 16_000, voice, pack=pack)
    loud = np.rint(np.clip(babble(2, 16_000) * 30, -1, 1) * 32_767).astype(np.int16)
    with pytest.warns(UserWarning, match="samples are clipped"):
        rtvc.convert_array(loud, 16_000, voice, pack=pack)


def test_enumerations_may_be_given_by_their_values(pack: rtvc.ModelPack, voice: str) -> None:
    by_value: dict[str, Any] = {"mode": "whole-file", "noise_suppression": "strong", "enhancer": "none"}
    assert rtvc.Conversion(**by_value) == rtvc.Conversion(
        mode=rtvc.Mode.WHOLE_FILE, noise_suppression=rtvc.NoiseSuppression.STRONG, enhancer=rtvc.Enhancer.NONE
    )
    level: Any = "strong"
    assert rtvc.Settings(noise_suppression=level).noise_suppression is rtvc.NoiseSuppression.STRONG
    live: Any = "live"
    sound = babble(2, 16_000)
    results = [
        rtvc.convert_array(sound, 16_000, voice, pack=pack, conversion=rtvc.Conversion(mode=mode))
        for mode in (live, rtvc.Mode.LIVE, rtvc.Mode.TWO_PASS)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "life"}, "no mode 'life': choose one of two-pass, live, whole-file. Did you mean live?"),
        ({"mode": None}, "no mode None"),
        ({"enhancer": "magic"}, "no enhancer 'magic'"),
        ({"noise_suppression": "loud"}, "no level of noise suppression 'loud': choose one of off, light, strong"),
        ({"step": -3}, "at least 1 frame, not -3"),
        ({"sample_rate": 7}, "sample rate of the output must be from 8000 to 192000 Hz, not 7"),
        ({"sample_rate": 0}, "sample rate of the output must be from 8000"),
        ({"sample_rate": 1_000_000}, "to 192000 Hz, not 1000000"),
    ],
)
def test_values_that_cannot_be_are_refused(
    pack: rtvc.ModelPack, voice: str, tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    output = tmp_path / "out.wav"
    with pytest.raises(rtvc.RtvcError, match=re.escape(message)):
        rtvc.convert_file(voice, output, voice, pack=pack, conversion=rtvc.Conversion(**values))
    with pytest.raises(rtvc.RtvcError, match=re.escape(message)):
        rtvc.convert_array(np.zeros(16_000), 16_000, voice, pack=pack, conversion=rtvc.Conversion(**values))
    assert not output.exists()


def test_a_voice_a_pack_and_recordings_may_be_any_path(
    pack: rtvc.ModelPack, voice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path, sound = Path(voice), babble(1, 16_000)
    np.testing.assert_array_equal(
        rtvc.convert_array(sound, 16_000, path, pack=Path(pack.folder)),
        rtvc.convert_array(sound, 16_000, voice, pack=str(pack.folder)),
    )
    several: list[Any] = [path, voice, [voice], (path, path)]
    for number, recordings in enumerate(several):
        assert rtvc.add_voice(f"any path {number}", recordings, pack=pack).name == f"any path {number}"
        rtvc.StreamingConverter(path, 16_000, pack=pack, speaker=recordings)


def test_a_stream_takes_what_a_conversion_takes(pack: rtvc.ModelPack, voice: str) -> None:
    level: Any = "off"
    rtvc.StreamingConverter(voice, RATE, pack=pack, noise_suppression=level)
    level = "loud"
    with pytest.raises(rtvc.RtvcError, match="no level of noise suppression 'loud'"):
        rtvc.StreamingConverter(voice, RATE, pack=pack, noise_suppression=level)
    with pytest.raises(rtvc.RtvcError, match="at least 1 frame, not 0"):
        rtvc.StreamingConverter(voice, RATE, pack=pack, step=0)


def test_examples_have_fewer_than_forty_lines() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in EXAMPLES.glob("*.py")}
    assert len(lengths) == 5
    assert max(lengths.values()) < 40


class TestExamples:
    @pytest.fixture(autouse=True)
    def source(self, tmp_path: Path) -> None:
        self.path = write(tmp_path / "speech.wav", babble(1.5, 16_000), 16_000)

    def example(self, name: str) -> dict[str, Any]:
        return runpy.run_path(str(EXAMPLES / f"{name}.py"))

    @pytest.mark.parametrize("name", ["convert_file", "convert_array"])
    def test_a_recording(self, tmp_path: Path, name: str) -> None:
        self.example(name)["main"](str(self.path), str(tmp_path / "out.wav"))
        assert soundfile.info(tmp_path / "out.wav").frames == soundfile.info(self.path).frames

    def test_blends(self, tmp_path: Path) -> None:
        self.example("blend_voices")["main"](str(self.path), str(tmp_path))
        assert len(list(tmp_path.glob("willow-*.wav"))) == 3

    def test_the_microphone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sounddevice, "Stream", FakeStream)
        self.example("stream_microphone")["main"]()
        assert FakeStream.written == [960] * 20

    def test_the_live_engine(self, tmp_path: Path) -> None:
        port = FilePort(self.path, tmp_path / "out.wav")
        engine = rtvc.open_live(rtvc.LiveSetup(), rtvc.Settings(voice="Willow"), port=port)
        states: list[str] = []
        self.example("live_engine")["follow"](engine, lambda now: states.append(now.state))
        assert "running" in states
        assert states[-1] == "stopped"
        assert soundfile.info(tmp_path / "out.wav").frames > 0


class FakeStream:
    """A microphone that gives twenty blocks, and then Ctrl-C."""

    written: list[int]

    def __init__(self, **options: object) -> None:
        assert options["samplerate"] == RATE
        type(self).written = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def read(self, frames: int) -> tuple[Block, bool]:
        if len(self.written) == 20:
            raise KeyboardInterrupt
        return np.zeros((frames, 1), np.float32), False

    def write(self, block: Block) -> None:
        self.written.append(len(block))


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "IPython", "resemblyzer", "pocketsphinx"):
        pytest.importorskip(module, reason="the notebook needs Jupyter and the extra `benchmark`")
    monkeypatch.setenv("MPLBACKEND", "agg")
    cells = json.loads((EXAMPLES / "block_size.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["similarities"]) == len(names["errors"]) == len(names["converted"])
    assert all(0 < value < 1 for value in names["similarities"])
