"""The nets of trained transports: a causal map, and the critics that only training needs.

All work on standardised ordinary dimensions `[batch, frames, dim]`. `TransportNet.forward` wraps the map for whole
feature frames, which is what is exported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.streaming import CausalBlock, StreamingState
from rtvc.features import FeatureStatistics

SLOPE = 0.2
"""Of the critics' LeakyReLU."""


@dataclass(frozen=True)
class TransportConfiguration:
    """Sizes of a map. With the default dilations and kernel, an output depends on 57 frames: 1.14 s."""

    feature_dim: int
    ordinary: tuple[int, ...]
    width: int = 192
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4)

    @property
    def past(self) -> int:
        """Earlier frames that an output depends on."""
        return (self.kernel - 1) * sum(self.dilations)


class TransportNet(nn.Module):
    """A causal residual map of features `[batch, frames, feature_dim]`: the identity at the start.

    Other than ordinary dimensions pass exactly. `InstanceNorm` and `AdaIN` of the papers' nets need the whole
    utterance; a fixed standardisation and LayerNorm over each frame stand in for them.
    """

    centre: Tensor
    scale: Tensor
    place: Tensor
    ordinary: Tensor

    def __init__(self, configuration: TransportConfiguration, population: FeatureStatistics | None = None) -> None:
        super().__init__()
        self.configuration = c = configuration
        count = len(c.ordinary)
        ordinary = np.array(c.ordinary, np.int64)
        mean = np.zeros(count) if population is None else population.mean[ordinary]
        deviation = np.ones(count) if population is None else population.standard_deviation[ordinary]
        # A dimension that never varies is left as it is, in units of the others.
        deviation = np.where(deviation > 0, deviation, deviation.max(initial=1.0))
        self.register_buffer("ordinary", torch.from_numpy(ordinary))
        self.register_buffer("centre", torch.from_numpy(mean).float())
        self.register_buffer("scale", torch.from_numpy(deviation).float())
        self.register_buffer("place", functional.one_hot(self.ordinary, c.feature_dim).float())
        self.receive = nn.Linear(count, c.width)
        self.blocks = nn.ModuleList(
            CausalBlock(f"transport_{index}", c.width, c.kernel, dilation)
            for index, dilation in enumerate(c.dilations)
        )
        self.norm = nn.LayerNorm(c.width)
        self.change = nn.Linear(c.width, count)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def standardise(self, features: Tensor) -> Tensor:
        """Return the ordinary dimensions in units of the population's deviation."""
        standard: Tensor = (features[..., self.ordinary] - self.centre) / self.scale
        return standard

    def layers(self, x: Tensor, state: StreamingState) -> list[Tensor]:
        """Return what standardised frames become at each layer, the last one normalised."""
        outputs = [self.receive(x)]
        for block in self.blocks:
            outputs.append(block(outputs[-1], state))
        outputs[-1] = self.norm(outputs[-1])
        return outputs

    def move(self, x: Tensor, state: StreamingState | None = None) -> Tensor:
        """Map standardised frames `[batch, frames, ordinary]`."""
        moved: Tensor = x + self.change(self.layers(x, state or StreamingState())[-1]).float()
        return moved

    def forward(self, features: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames of `features`."""
        change = self.change(self.layers(self.standardise(features), state)[-1])
        moved: Tensor = features + (change * self.scale) @ self.place
        return moved


class Critic(nn.Module):
    """A score of each stretch of `2 · kernel - 1` frames: the potential f, and the discriminator of CVC.

    Not causal and without normalisation; `[batch, frames, ordinary]` becomes `[batch, frames - 2 (kernel - 1)]`. With
    `kernel` 1 it scores each frame on its own.
    """

    def __init__(self, dim: int, width: int = 256, kernel: int = 5) -> None:
        super().__init__()
        self.kernel = kernel
        self.receive = nn.Linear(kernel * dim, width)
        self.widen = nn.Linear(kernel * width, width)
        self.mix = nn.Linear(width, width)
        self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Score stretches."""
        # Convolutions as matrix products over joined frames, which take half the time on a processor.
        x = functional.leaky_relu(self.receive(_joined(x, self.kernel)), SLOPE)
        x = functional.leaky_relu(self.widen(_joined(x, self.kernel)), SLOPE)
        scores: Tensor = self.score(functional.leaky_relu(self.mix(x), SLOPE))[..., 0].float()
        return scores


class Projections(nn.Module):
    """Two-layer perceptrons that take the layers of a map to unit vectors, for the contrastive loss of CVC."""

    def __init__(self, width: int, layers: int, size: int = 256) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, size), nn.ReLU(), nn.Linear(size, size)) for _ in range(layers)
        )

    def forward(self, outputs: list[Tensor]) -> list[Tensor]:
        """Return vectors `[batch, frames, size]` of length 1 for each layer."""
        return [
            functional.normalize(head(output).float(), dim=-1)
            for head, output in zip(self.heads, outputs, strict=True)
        ]


def _joined(x: Tensor, count: int) -> Tensor:
    """Join each frame of `[batch, frames, dim]` with the next ones, `count` in all.

    The result is `[batch, frames - count + 1, count · dim]`.
    """
    length = x.shape[1] - count + 1
    return torch.cat([x[:, start : start + length] for start in range(count)], dim=-1)
