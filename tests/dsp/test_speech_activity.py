import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.dsp.level import KNEE, Gain, Limiter, speech_level
from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block

HOP = 320


def tone(seconds: float, level_dbfs: float) -> Block:
    time = np.arange(round(seconds * 16_000)) / 16_000
    sound: Block = (np.sqrt(2) * 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    return sound


def test_frame_levels_are_root_mean_squares() -> None:
    np.testing.assert_allclose(frame_levels(tone(0.2, -20), HOP), -20, atol=0.01)


def test_silence_is_not_speech_and_a_pause_is_masked() -> None:
    sound = np.concatenate([np.zeros(16_000, np.float32), tone(1, -20), tone(1, -65), tone(1, -30)])
    active = SpeechActivity(HOP, 16_000).process(sound)
    assert list(active) == [False] * 50 + [True] * 50 + [False] * 50 + [True] * 50


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 2**31))
def test_the_mask_does_not_depend_on_the_blocks(cuts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    levels = 10 ** (random.uniform(-90, 0, sum(cuts)) / 20)
    sound = (np.repeat(levels, HOP) * random.standard_normal(sum(cuts) * HOP)).astype(np.float32)
    whole = SpeechActivity(HOP, 16_000).process(sound)
    activity = SpeechActivity(HOP, 16_000)
    ends = np.cumsum(cuts) * HOP
    parts = [activity.process(sound[end - cut * HOP : end]) for cut, end in zip(cuts, ends, strict=True)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_speech_level_is_that_of_the_speech_alone(rate: int) -> None:
    loud = np.full(rate, 0.1, np.float32)
    blocks = [np.zeros(rate, np.float32), loud[: rate // 3], loud[rate // 3 :], np.zeros(rate * 2, np.float32)]
    assert speech_level(blocks, rate) == pytest.approx(-20, abs=0.2)


def test_there_is_no_level_without_speech() -> None:
    assert speech_level([np.zeros(16_000, np.float32)], 16_000) is None
    assert speech_level([], 16_000) is None


def test_the_limiter_leaves_quiet_sound_alone_and_never_reaches_full_scale() -> None:
    limiter = Limiter(16_000)
    quiet = tone(0.1, -10)
    np.testing.assert_array_equal(limiter.process(quiet), quiet)
    ramp = np.linspace(-20, 20, 10_001, dtype=np.float32)
    bent = limiter.process(ramp)
    assert np.abs(bent).max() <= 1
    assert (np.diff(bent) >= 0).all()
    inside = np.abs(ramp) <= KNEE
    np.testing.assert_array_equal(bent[inside], ramp[inside])


def test_gain() -> None:
    np.testing.assert_allclose(Gain(16_000, 0.5).process(np.array([1, -0.5], np.float32)), [0.5, -0.25])
