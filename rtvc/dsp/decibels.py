"""Conversion between amplitudes and decibels. Pure functions, callable from any thread."""

from __future__ import annotations

import math

SILENCE_DBFS = -120.0
"""The lowest level reported. The noise floor of 16-bit audio is at -96 dBFS."""


def amplitude(decibels: float) -> float:
    """Return a level or gain in dB as an amplitude factor: 20 dB is a factor of 10."""
    return float(10 ** (decibels / 20))


def decibels(amplitude: float, floor: float = SILENCE_DBFS) -> float:
    """Return an amplitude (0 or more) in dB relative to 1, at least `floor`."""
    return max(floor, 20 * math.log10(amplitude)) if amplitude > 0 else floor
