"""Pitch and voicing of `mini`'s encoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.mini.configuration import MiniConfiguration
from models.streaming import CausalBlock, StreamingState


class PitchTracker(nn.Module):
    """Finds pitch and voicing from a short-time autocorrelation and the encoder's hidden features.

    The autocorrelation is that of the long window's low bins with compressed magnitudes (Tolonen & Karjalainen,
    2000), taken at the periods of `pitch_classes` pitches evenly spaced on a logarithmic scale. A causal net turns
    it into a likelihood of each; the pitch is the mean around the most likely one.
    """

    periods: Tensor
    classes: Tensor

    def __init__(self, configuration: MiniConfiguration) -> None:
        super().__init__()
        c = configuration
        low, high = (math.log(hertz / c.pitch_unit) for hertz in c.pitch_range)
        classes = torch.linspace(low, high, c.pitch_classes, dtype=torch.float64)
        cycles = c.sample_rate / (c.pitch_unit * torch.exp(classes)) / c.pitch_window
        angle = 2 * math.pi * torch.outer(torch.arange(c.pitch_bins, dtype=torch.float64), cycles)
        self.register_buffer("periods", angle.cos().float())
        self.register_buffer("classes", classes.float())
        self.in_proj = nn.Linear(c.pitch_classes + c.pitch_bins + c.encoder_width, c.pitch_width)
        self.blocks = nn.ModuleList(CausalBlock(f"pitch_{index}", c.pitch_width, 5) for index in range(3))
        self.norm = nn.LayerNorm(c.pitch_width)
        self.likelihood = nn.Linear(c.pitch_width, c.pitch_classes)
        self.voicing = nn.Linear(c.pitch_width, 1)

    def forward(self, power: Tensor, hidden: Tensor, state: StreamingState) -> tuple[Tensor, Tensor]:
        """Return logits `[batch, frames, pitch_classes]` and the voicing's `[batch, frames]`."""
        magnitude = (power + 1e-6) ** 0.25
        correlation = (magnitude @ self.periods) / magnitude.sum(dim=-1, keepdim=True)
        x = self.in_proj(torch.cat([correlation, torch.log(power + 1e-5) * 0.25 + 1.0, hidden], dim=-1))
        for block in self.blocks:
            x = block(x, state)
        x = self.norm(x)
        return self.likelihood(x).float(), self.voicing(x).float()[..., 0]

    def read(self, logits: Tensor) -> Tensor:
        """Return the pitch `[batch, frames]`, as the logarithm of its ratio to `pitch_unit`."""
        place = torch.arange(len(self.classes), device=logits.device)
        near = (place - logits.argmax(dim=-1, keepdim=True)).abs() <= 3
        weight = torch.exp(logits - logits.amax(dim=-1, keepdim=True)) * near
        return (weight * self.classes).sum(dim=-1) / weight.sum(dim=-1)
