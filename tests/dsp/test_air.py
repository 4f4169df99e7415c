"""Bandwidth extension."""

import numpy as np
import pytest

from rtvc.dsp.air import Air
from rtvc.dsp.stage import Block

RATE = 48_000


def band(sound: Block, low: int, high: int) -> float:
    """Return the level of a band in dB; one second of sound has bins of 1 Hz."""
    return 10 * float(np.log10(np.sum(np.abs(np.fft.rfft(sound))[low:high] ** 2) + 1e-12))


def consonant() -> Block:
    """A second of noise from 4 to 7.8 kHz."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(RATE))
    spectrum[:4_000] = spectrum[7_800:] = 0
    return np.fft.irfft(spectrum, RATE).astype(np.float32) * 0.1


@pytest.mark.parametrize("level_db", [-12.0, 0.0])
def test_the_band_above_is_as_loud_as_the_level_says(level_db: float) -> None:
    sound = consonant()
    result = Air(RATE, level_db).process(sound)
    assert band(result, 8_000, 13_500) - band(sound, 4_000, 7_800) == pytest.approx(level_db, abs=1.5)
    assert band(result - sound, 0, 6_000) < band(sound, 4_000, 7_800) - 20


def test_a_vowel_gets_none() -> None:
    vowel = (0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)).astype(np.float32)
    assert band(Air(RATE, 0.0).process(vowel)[RATE // 10 :], 8_000, 13_500) < band(vowel, 100, 300) - 40


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_where_the_rate_has_no_room_the_voice_passes(rate: int) -> None:
    np.testing.assert_array_equal(Air(rate, 0.0).process(consonant()), consonant())
