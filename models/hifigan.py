"""HiFi-GAN (Kong et al., 2020, arXiv 2010.05646) in the form that kNN-VC trained: features to audio.

A linear layer, then transposed convolutions that upsample, each followed by residual blocks of several kernel sizes
whose outputs are averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1
LAST_SLOPE = 0.01


@dataclass(frozen=True)
class HiFiGANConfiguration:
    """Sizes of a HiFi-GAN; `upsampling` gives the factor and kernel of each stage."""

    sample_rate: int = 16000
    feature_dim: int = 1024
    input_width: int = 512
    width: int = 512
    edge_kernel: int = 7
    upsampling: tuple[tuple[int, int], ...] = ((10, 20), (8, 16), (2, 4), (2, 4))
    kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return math.prod(factor for factor, _ in self.upsampling)


class ResidualBlock(nn.Module):
    """Pairs of convolutions with one kernel size, the first of each pair dilated, each with a residual connection."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv1d(width, width, kernel, dilation=dilation, padding=(kernel - 1) // 2 * dilation)
            for dilation in dilations
        )
        self.plain = nn.ModuleList(nn.Conv1d(width, width, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[batch, width, time]` to the same shape."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            x = x + plain(functional.leaky_relu(dilated(functional.leaky_relu(x, SLOPE)), SLOPE))
        return x


class HiFiGAN(nn.Module):
    """Features `[batch, frames, feature_dim]` to audio `[batch, frames·hop]` in -1…1."""

    def __init__(self, configuration: HiFiGANConfiguration) -> None:
        super().__init__()
        self.configuration = c = configuration
        self.in_proj = nn.Linear(c.feature_dim, c.input_width)
        self.first = nn.Conv1d(c.input_width, c.width, c.edge_kernel, padding=c.edge_kernel // 2)
        self.upsamplers = nn.ModuleList()
        self.blocks = nn.ModuleList()
        width = c.width
        for factor, kernel in c.upsampling:
            self.upsamplers.append(
                nn.ConvTranspose1d(width, width // 2, kernel, factor, padding=(kernel - factor) // 2)
            )
            width //= 2
            self.blocks.extend(ResidualBlock(width, size, c.dilations) for size in c.kernels)
        self.last = nn.Conv1d(width, 1, c.edge_kernel, padding=c.edge_kernel // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Synthesise a whole utterance."""
        x = self.first(self.in_proj(features).transpose(1, 2))
        count = len(self.configuration.kernels)
        for index, upsampler in enumerate(self.upsamplers):
            x = upsampler(functional.leaky_relu(x, SLOPE))
            blocks = self.blocks[index * count : (index + 1) * count]
            x = torch.stack([block(x) for block in blocks]).mean(dim=0)
        return torch.tanh(self.last(functional.leaky_relu(x, LAST_SLOPE)))[:, 0]
