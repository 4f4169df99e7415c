"""Tones and vowels: sounds with a pitch, for tests of what measures speech."""

from __future__ import annotations

import functools

import numpy as np
from scipy import signal

from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.dsp.stage import Block


def vowel(hertz: float, formants: tuple[float, ...], seconds: float = 2.0, seed: int = 0) -> Block:
    """A buzz of wavering pitch through resonances: enough of a voice for the models to hear one."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wavering = hertz * 2 ** (0.2 * np.sin(2 * np.pi * 1.3 * times))
    phase = np.cumsum(wavering) / SAMPLE_RATE
    audio = np.diff(np.floor(phase), prepend=0.0) + 0.01 * np.random.default_rng(seed).standard_normal(len(times))
    for formant in formants:
        radius = np.exp(-np.pi * 80 / SAMPLE_RATE)
        audio = signal.lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / SAMPLE_RATE), radius**2], audio)
    audio *= 0.6 + 0.4 * np.sin(2 * np.pi * 3 * times)
    return np.asarray(0.5 * audio / np.abs(audio).max(), np.float32)


LOW = functools.partial(vowel, 110, (650, 1080, 2650))
HIGH = functools.partial(vowel, 240, (860, 1550, 3300))


def harmonics(hertz: np.ndarray, rate: int) -> Block:
    """A tone of ten harmonics that follows the pitch given for each sample."""
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    return np.asarray(0.1 * sum(np.sin(number * phase) / number for number in range(1, 11)), np.float32)
