"""Sounds that are made up for tests."""

from pathlib import Path

import numpy as np
import soundfile

from rtvc.dsp.stage import Block


def babble(seconds: float, rate: int, seed: int = 0) -> Block:
    """Return noise that rises and falls four times a second, as the level of speech does, at about -26 dBFS."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.7 + 0.3 * np.sin(2 * np.pi * 4 * time)
    return (0.07 * swell * random.standard_normal(len(time))).astype(np.float32)


def write(path: Path, sound: Block, rate: int, **options: str) -> Path:
    """Write a sound file, and return its path."""
    soundfile.write(path, sound, rate, **options)
    return path
