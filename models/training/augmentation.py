"""Random changes that a microphone and a room make: equalisation, level, noise, other speakers.

The encoder hears the result and must still find the words; the target stays clean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUALISER_POINTS = 8
EQUALISER_DB = 8.0
LEVEL_DB = 12.0
NOISY_SHARE = 0.35


def augment(audio: Tensor, noise: Tensor, random: torch.Generator) -> Tensor:
    """Return `audio` `[batch, samples]` as another microphone might have heard it; `noise` has the same shape."""
    batch, samples = audio.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=random) * (high - low) + low

    wanted = torch.rand(batch, generator=random) < NOISY_SHARE
    ratio = 10 ** (-uniform(3.0, 30.0, batch) / 20) * wanted
    audio = audio + noise * (ratio * _level(audio) / _level(noise)).to(audio.device)[:, None]
    gain = uniform(-EQUALISER_DB, EQUALISER_DB, batch, EQUALISER_POINTS) * uniform(0.0, 1.0, batch, 1)
    gain = gain + uniform(-LEVEL_DB, LEVEL_DB, batch, 1)
    # Points evenly spaced on the square root of frequency: closer together where speech has its formants.
    bins = samples // 2 + 1
    place = torch.sqrt(torch.linspace(0, 1, bins)) * (EQUALISER_POINTS - 1)
    below = place.long().clamp(max=EQUALISER_POINTS - 2)
    part = place - below
    curve = gain[:, below] * (1 - part) + gain[:, below + 1] * part
    amplitude = torch.exp(curve * (math.log(10) / 20)).to(audio.device)
    augmented: Tensor = torch.fft.irfft(torch.fft.rfft(audio) * amplitude, n=samples)
    return augmented


def _level(audio: Tensor) -> Tensor:
    level: Tensor = audio.square().mean(dim=-1).sqrt().cpu() + 1e-5
    return level
