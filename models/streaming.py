"""Causal layers with explicit streaming state: one code trains on whole utterances and streams frame by frame.

A layer takes the past it needs from the `StreamingState` it is given, and leaves there what the next step will need.
A new state holds silence (zeros), so one step over a whole utterance and many steps over its parts give the same
result, by construction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class StreamingState:
    """What causal layers carry from one step to the next, by name.

    `past` comes from the last step (nothing at the start); `next` collects what goes to the next one.
    """

    def __init__(self, past: dict[str, Tensor] | None = None) -> None:
        self.past = past or {}
        self.next: dict[str, Tensor] = {}

    def extend(self, name: str, new: Tensor, length: int, dim: int = -1) -> Tensor:
        """Prepend the last `length` instants of the past to `new`, and keep as many for the next step.

        Time is the dimension `dim`, counted from the last one.
        """
        past = self.past.get(name)
        if past is None:
            shape = list(new.shape)
            shape[dim] = length
            past = new.new_zeros(shape)
        whole = torch.cat([past, new], dim=dim)
        # Counted from the end, so that an exported graph need not compute lengths at every step.
        kept = slice(-length, None) if length else slice(0)
        self.next[name] = whole[(..., kept, *(slice(None),) * (-1 - dim))]
        return whole

    def recall(self, name: str, initial: Tensor) -> Tensor:
        """Return what the last step kept under `name`, or `initial` at the start."""
        return self.past.get(name, initial)

    def keep(self, name: str, value: Tensor) -> None:
        """Keep a value for the next step's `recall`."""
        self.next[name] = value


class CausalBlock(nn.Module):
    """A causal ConvNeXt block (Liu et al., 2022), `[batch, time, width]` to the same.

    A depthwise convolution over time and a two-layer perceptron on every frame, added to the input.
    """

    def __init__(self, name: str, width: int, kernel: int, dilation: int = 1, expansion: int = 2) -> None:
        super().__init__()
        self.name = name
        self.length = (kernel - 1) * dilation
        # A two-dimensional convolution of height 1 is ten times faster in ONNX Runtime than a one-dimensional one.
        self.depthwise = nn.Conv2d(width, width, (1, kernel), dilation=(1, dilation), groups=width)
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * expansion)
        self.fc2 = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames of `x`."""
        # Depthwise convolutions gain nothing from half precision, and their gradient is many times slower in it.
        with torch.autocast(x.device.type, enabled=False):
            past = state.extend(self.name, x.float().transpose(1, 2), self.length)
            y = self.depthwise(past[:, :, None])[:, :, 0].transpose(1, 2)
        change: Tensor = self.scale * self.fc2(functional.gelu(self.fc1(self.norm(y))))
        return x + change
