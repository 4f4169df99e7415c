import numpy as np
import pytest

from rtvc.audio.loudness import loudness
from rtvc.stage import Block


def tone(hertz: float, seconds: float, rate: int, amplitude: float = 1.0) -> Block:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_full_scale_tone_has_the_loudness_of_the_standard(rate: int) -> None:
    # BS.1770-4: 997 Hz at 0 dBFS on one channel reads -3.01 LKFS.
    assert loudness(tone(997, 3, rate), rate) == pytest.approx(-3.01, abs=0.1)
    assert loudness(tone(997, 3, rate, 0.1), rate) == pytest.approx(-23.01, abs=0.1)


def test_high_tones_count_more_and_the_lowest_hardly() -> None:
    middle, high, low = (loudness(tone(hertz, 2, 16_000, 0.1), 16_000) for hertz in (500, 4000, 15))
    assert middle is not None
    assert high is not None
    assert low is not None
    assert 3 < high - middle < 5
    assert low < middle - 10


def test_pauses_do_not_count() -> None:
    speech = tone(997, 5, 16_000, 0.1)
    paused = np.concatenate([speech, np.zeros(160_000, np.float32), 0.01 * speech])
    assert loudness(paused, 16_000) == pytest.approx(loudness(speech, 16_000), abs=0.2)


def test_silence_and_a_blink_have_no_loudness() -> None:
    assert loudness(np.zeros(16_000, np.float32), 16_000) is None
    assert loudness(tone(997, 0.3, 16_000), 16_000) is None
