"""`import rtvc`: what it offers, what importing it costs, the streaming converter, and the examples."""

import json
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
    ("block", "message"), [([np.nan], "finite"), (np.zeros((2, 2, 2)), "must contain"), ([[np.inf, 0]], "finite")]
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
