"""Loudness as broadcasters measure it (ITU-R BS.1770-4), of a whole recording. Runs on the calling thread."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from rtvc.stage import Block

BLOCK_SECONDS = 0.4
BLOCKS_PER_LENGTH = 4
"""Blocks begin after each quarter of one."""

SILENCE_LUFS = -70.0
QUIET_LU = -10.0
OFFSET = -0.691

Filter = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def loudness(audio: Block, rate: int) -> float | None:
    """Return the integrated loudness in LUFS of one channel `[samples]`; None where nothing is loud enough."""
    weighted = audio.astype(np.float64)
    for numerator, denominator in (_shelf(rate), _high_pass(rate)):
        weighted = lfilter(numerator, denominator, weighted)
    length = round(BLOCK_SECONDS * rate)
    if len(weighted) < length:
        return None
    blocks = np.lib.stride_tricks.sliding_window_view(weighted, length)[:: length // BLOCKS_PER_LENGTH]
    power = np.mean(np.square(blocks), axis=1)
    power = power[power > 10 ** ((SILENCE_LUFS - OFFSET) / 10)]
    if not len(power):
        return None
    power = power[power > power.mean() * 10 ** (QUIET_LU / 10)]
    return OFFSET + 10 * math.log10(power.mean())


def _shelf(rate: int) -> Filter:
    """Return the head's gain of 4 dB above 1.5 kHz (a shelf of Bristow-Johnson's cookbook)."""
    a, angle = 10 ** (4 / 40), 2 * math.pi * 1500 / rate
    cosine, slope = math.cos(angle), 2 * math.sqrt(a) * math.sin(angle) / math.sqrt(2)
    numerator = a * np.array(
        [(a + 1) + (a - 1) * cosine + slope, -2 * ((a - 1) + (a + 1) * cosine), (a + 1) + (a - 1) * cosine - slope]
    )
    denominator = np.array(
        [(a + 1) - (a - 1) * cosine + slope, 2 * ((a - 1) - (a + 1) * cosine), (a + 1) - (a - 1) * cosine - slope]
    )
    return numerator, denominator


def _high_pass(rate: int) -> Filter:
    """Return the ear's deafness below 38 Hz."""
    angle = 2 * math.pi * 38 / rate
    cosine, width = math.cos(angle), math.sin(angle)
    return (1 + cosine) / 2 * np.array([1.0, -2.0, 1.0]), np.array([1 + width, -2 * cosine, 1 - width])
