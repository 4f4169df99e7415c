"""The shipped pack, through ONNX Runtime, on a shipped recording."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from rtvc.chain.voice_chain import FileChain
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.transport.mkl import fit_mkl
from rtvc.voices.analysis import analyse
from rtvc.voices.library import shipped_voices

FRAMES = 168


@pytest.fixture(scope="module")
def mini() -> ModelPack:
    return find_pack("mini")


@pytest.fixture(scope="module")
def speech(mini: ModelPack) -> Block:
    recording = shipped_voices()[0].recording
    return resample(recording.read(), recording.rate, mini.sample_rate)[: FRAMES * mini.hop]


def converter(mini: ModelPack) -> VoiceConverter:
    voices = [voice.features(mini).statistics for voice in shipped_voices()[:2]]
    return VoiceConverter(mini, fit_mkl(voices[0], voices[1], mini.defaults.block_size))


@pytest.fixture(scope="module")
def converted(mini: ModelPack, speech: Block) -> Block:
    """The speech, converted at once; to be read only."""
    whole = converter(mini).process(speech)
    whole.setflags(write=False)
    return whole


def in_steps(mini: ModelPack, sound: Block, *steps: int) -> Block:
    """Convert in steps of so many frames, in turn."""
    stage = converter(mini)
    parts = []
    ends = np.cumsum(np.resize(steps, len(sound) // mini.hop)) * mini.hop
    for start, end in pairwise([0, *ends[ends < len(sound)], len(sound)]):
        parts.append(stage.process(sound[start:end]))
    return np.concatenate(parts)


@pytest.mark.parametrize("steps", [(1,), (2,), (3,), (7,), (50,), (1, 5, 2, 9)])
def test_streaming_equals_offline(mini: ModelPack, speech: Block, converted: Block, steps: tuple[int, ...]) -> None:
    assert np.abs(converted).max() > 0.05
    assert np.abs(in_steps(mini, speech, *steps) - converted).max() <= 1e-4


def test_the_future_changes_nothing_before_it(mini: ModelPack, speech: Block, converted: Block) -> None:
    other = speech.copy()
    change = FRAMES // 2 * mini.hop
    other[change:] = np.random.default_rng(0).standard_normal(len(other) - change).astype(np.float32) * 0.1
    after = converter(mini).process(other)
    np.testing.assert_allclose(converted[:change], after[:change], atol=1e-5)
    assert np.abs(converted[change:] - after[change:]).max() > 0.01


def test_reset_equals_fresh(mini: ModelPack, speech: Block, converted: Block) -> None:
    stage = converter(mini)
    stage.process(speech)
    stage.reset()
    np.testing.assert_allclose(stage.process(speech), converted, atol=1e-5)


def test_the_delay_of_sound_is_the_latency_that_the_chain_declares(mini: ModelPack, speech: Block) -> None:
    """Resynthesised speech lies behind its source by the chain's latency: their envelopes match best there."""
    stage = FileChain(48_000, VoiceConverter(mini), 48_000)
    rate = 48_000
    source = resample(speech, mini.sample_rate, rate)
    source = source[: len(source) // (3 * mini.hop) * 3 * mini.hop]
    result = stage.process(source)

    def envelope(sound: Block) -> Block:
        smooth = np.hanning(rate // 100)
        power = np.log(np.convolve(sound**2, smooth / smooth.sum(), "same") + 1e-5)
        centred: Block = (power - power.mean()).astype(np.float32)
        return centred

    a, b = envelope(source), envelope(result)
    lags = range(0, rate // 10, 24)
    best = max(lags, key=lambda lag: float(np.dot(a[: len(a) - lag], b[lag:])) / (len(a) - lag))
    assert best / rate == pytest.approx(float(stage.latency_seconds), abs=0.006)


def test_the_latency_is_within_the_goal(mini: ModelPack) -> None:
    chain = FileChain(48_000, VoiceConverter(mini), 48_000)
    one_step = mini.hop / mini.sample_rate
    assert float(chain.latency_seconds) + one_step <= 0.060


def test_pitch_follows_the_speaker(mini: ModelPack, speech: Block) -> None:
    """A recording played faster has a pitch as much higher, in the dimension that the card names."""
    pitch = mini.roles.pitch
    plain = analyse(speech, mini).statistics.mean[pitch]
    for ratio in (Fraction(5, 6), Fraction(6, 5)):
        played = resample(speech, mini.sample_rate * ratio.numerator, mini.sample_rate * ratio.denominator)
        moved = analyse(played, mini).statistics.mean[pitch] - plain
        assert moved == pytest.approx(np.log(float(ratio)), abs=0.06)


def test_silence_stays_silent(mini: ModelPack) -> None:
    quiet = converter(mini).process(np.zeros(100 * mini.hop, np.float32))
    assert np.sqrt(np.mean(quiet**2)) < 10 ** (-45 / 20)
    assert np.isfinite(quiet).all()


@pytest.mark.parametrize("sound", ["full scale", "noise", "clicks"])
def test_strange_sound_gives_finite_sound(mini: ModelPack, sound: str) -> None:
    random = np.random.default_rng(0)
    samples = {
        "full scale": np.sign(np.sin(np.arange(50 * mini.hop) / 20)),
        "noise": random.standard_normal(50 * mini.hop),
        "clicks": (random.random(50 * mini.hop) > 0.999) * 1.0,
    }[sound]
    result = FileChain(mini.sample_rate, converter(mini), mini.sample_rate).process(samples.astype(np.float32))
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= 1


def test_the_pack_is_small_enough(mini: ModelPack) -> None:
    assert sum(path.stat().st_size for path in mini.folder.iterdir()) <= 25_000_000
