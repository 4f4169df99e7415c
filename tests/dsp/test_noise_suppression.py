import numpy as np
import pytest

from rtvc.audio_file import AudioFile
from rtvc.dsp.gate import SPEECH_OPENS
from rtvc.dsp.noise_suppression import FRAME, RATE, NoiseSuppression, NoiseSuppressor, load_rnnoise, suppress_noise
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.voices.library import shipped_voices
from tests.support.libraries import needs_rnnoise

ON = (NoiseSuppression.LIGHT, NoiseSuppression.STRONG)


@pytest.fixture(scope="module")
def speech() -> Block:
    """Two seconds of a shipped voice at 48 kHz."""
    return AudioFile(shipped_voices()[0].reference).read(RATE)[: 2 * RATE]


@pytest.fixture(autouse=True)
def rnnoise() -> None:
    needs_rnnoise()


def fan(samples: int) -> Block:
    return (0.01 * np.random.default_rng(1).standard_normal(samples)).astype(np.float32)


def level(sound: Block) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-12))


def lag(before: Block, after: Block) -> int:
    spectrum = np.fft.rfft(after, 2 * len(after)) * np.conj(np.fft.rfft(before, 2 * len(before)))
    return int(np.argmax(np.fft.irfft(spectrum)[: len(before)]))


@pytest.mark.parametrize("chosen", NoiseSuppression)
def test_streaming_equals_offline(speech: Block, chosen: NoiseSuppression) -> None:
    whole = NoiseSuppressor(chosen).process(speech)
    streamed = NoiseSuppressor(chosen)
    parts, start = [], 0
    for frames in 10 * [2, 4, 6, 3, 1, 4]:
        parts.append(streamed.process(speech[start : start + frames * FRAME]))
        start += frames * FRAME
    np.testing.assert_array_equal(np.concatenate(parts), whole[:start])


@pytest.mark.parametrize("chosen", NoiseSuppression)
def test_the_latency_is_the_delay(speech: Block, chosen: NoiseSuppression) -> None:
    stage = NoiseSuppressor(chosen)
    assert lag(speech, stage.process(speech)) == stage.latency


def test_a_fan_goes_and_speech_stays(speech: Block) -> None:
    noise, settled = fan(3 * RATE), slice(RATE, None)
    left = {chosen: level(NoiseSuppressor(chosen).process(noise)[settled]) for chosen in NoiseSuppression}
    assert left[NoiseSuppression.OFF] == pytest.approx(level(noise[settled]))
    assert left[NoiseSuppression.LIGHT] == pytest.approx(left[NoiseSuppression.OFF] - 10, abs=1)
    assert left[NoiseSuppression.STRONG] < left[NoiseSuppression.OFF] - 20
    assert level(NoiseSuppressor(NoiseSuppression.STRONG).process(speech)) == pytest.approx(level(speech), abs=2)


def test_speech_is_told_from_a_fan(speech: Block) -> None:
    stage = NoiseSuppressor(NoiseSuppression.OFF)
    stage.process(fan(2 * RATE))
    assert len(stage.speech) == 200
    assert stage.speech[100:].max() < SPEECH_OPENS
    stage.process(speech)
    assert np.mean(stage.speech > SPEECH_OPENS) > 0.5


def test_reset_equals_fresh(speech: Block) -> None:
    stage = NoiseSuppressor(NoiseSuppression.STRONG)
    fresh = stage.process(speech)
    stage.reset()
    np.testing.assert_array_equal(stage.process(speech), fresh)


def test_from_light_to_strong_fades(speech: Block) -> None:
    stage = NoiseSuppressor(NoiseSuppression.LIGHT)
    half = len(speech) // 2 // FRAME * FRAME
    light = stage.process(speech[:half])
    stage.level = NoiseSuppression.STRONG
    heard = np.concatenate((light, stage.process(speech[half : half + 10 * FRAME])))
    steady = NoiseSuppressor(NoiseSuppression.LIGHT).process(speech[: half + 10 * FRAME])
    # 10 ms after the change: before it, nothing differs; the change itself is no step.
    np.testing.assert_array_equal(heard[:half], steady[:half])
    assert np.abs(heard[half : half + 5] - steady[half : half + 5]).max() < 1e-3


@pytest.mark.parametrize("chosen", ON)
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_cleaned_recording_stays_in_its_place(speech: Block, rate: int, chosen: NoiseSuppression) -> None:
    recording = AudioFile(shipped_voices()[0].reference).read(rate)[: rate + 7]
    cleaned = suppress_noise(recording, rate, chosen)
    assert cleaned.shape == recording.shape
    assert lag(recording, cleaned) == 0


def test_without_rnnoise_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    load_rnnoise.cache_clear()
    with pytest.raises(RtvcError, match="pip install"):
        NoiseSuppression.STRONG.check()
    NoiseSuppression.OFF.check()
    load_rnnoise.cache_clear()
