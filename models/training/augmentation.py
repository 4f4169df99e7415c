"""Random changes that a microphone and a room make: reverberation, equalisation, level, noise, other speakers.

The encoder hears the result and must still find the words; the target stays clean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.training.prepare import SAMPLE_RATE

EQUALISER_POINTS = 8
EQUALISER_DB = 8.0
LEVEL_DB = 12.0
NOISY_SHARE = 0.35
REVERBERANT_SHARE = 0.4
REVERBERATION_SECONDS = (0.1, 0.6)
"""In which a room's echoes fall by 60 dB."""
DIRECT_TO_REVERBERANT_DB = (0.0, 18.0)


def augment(audio: Tensor, noise: Tensor, random: torch.Generator) -> Tensor:
    """Return `audio` `[batch, samples]` as another microphone might have heard it; `noise` has the same shape."""
    batch, samples = audio.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=random) * (high - low) + low

    audio = reverberate(audio, random)
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


def reverberate(audio: Tensor, random: torch.Generator) -> Tensor:
    """Return `audio` `[batch, samples]`, some rows of it as heard in a room, the direct sound where it was.

    The echoes are white noise that decays exponentially (Polack, 1988).
    """
    batch, samples = audio.shape
    low, high = REVERBERATION_SECONDS
    seconds = low + (high - low) * torch.rand(batch, 1, generator=random)
    time = torch.arange(round(high * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = torch.randn(batch, len(time), generator=random) * 10 ** (-3 * time / seconds)
    low, high = DIRECT_TO_REVERBERANT_DB
    ratio = low + (high - low) * torch.rand(batch, 1, generator=random)
    wanted = torch.rand(batch, 1, generator=random) < REVERBERANT_SHARE
    response = wanted * 10 ** (-ratio / 20) * echoes / torch.linalg.vector_norm(echoes, dim=1, keepdim=True)
    response[:, 0] = 1.0
    length = samples + len(time)
    spectrum = torch.fft.rfft(audio, n=length) * torch.fft.rfft(response.to(audio.device), n=length)
    reverberant: Tensor = torch.fft.irfft(spectrum, n=length)[:, :samples]
    return reverberant


def _level(audio: Tensor) -> Tensor:
    level: Tensor = audio.square().mean(dim=-1).sqrt().cpu() + 1e-5
    return level
