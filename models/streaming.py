"""Causal layers whose past is in the open: the same code trains on whole utterances and streams frame by frame.

A layer asks the `Memory` it is handed for the past it needs and leaves there what the next step will need. A new
`Memory` answers with silence (zeros), so a whole utterance in one step and the same utterance in many steps give
the same result, by construction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Memory:
    """What causal layers carry from one step to the next, by name.

    `past` holds what the last step left (nothing at the start), `next` collects what this step leaves.
    """

    def __init__(self, past: dict[str, Tensor] | None = None) -> None:
        self.past = past or {}
        self.next: dict[str, Tensor] = {}

    def extend(self, name: str, new: Tensor, length: int, dim: int = -1) -> Tensor:
        """Put the last `length` instants of the past before `new`; keep as many for the next step.

        Time is the dimension `dim`, counted from the last one.
        """
        past = self.past.get(name)
        if past is None:
            shape = list(new.shape)
            shape[dim] = length
            past = new.new_zeros(shape)
        whole = torch.cat([past, new], dim=dim)
        # Counted from the end, lest an exported graph compute lengths at every step.
        kept = slice(-length, None) if length else slice(0)
        self.next[name] = whole[(..., kept, *(slice(None),) * (-1 - dim))]
        return whole

    def recall(self, name: str, initial: Tensor) -> Tensor:
        """Return what was kept under `name`, at the start `initial`."""
        return self.past.get(name, initial)

    def keep(self, name: str, value: Tensor) -> None:
        """Keep a value for the next step's `recall`."""
        self.next[name] = value


class CausalBlock(nn.Module):
    """A ConvNeXt block (Liu et al., 2022) that sees only the past: `[batch, time, width]` to the same.

    A depthwise convolution over time, then a two-layer perceptron on every frame, added to the input.
    """

    def __init__(self, name: str, width: int, kernel: int, dilation: int = 1, expansion: int = 2) -> None:
        super().__init__()
        self.name = name
        self.length = (kernel - 1) * dilation
        # Over two dimensions, one of them 1: ONNX Runtime is ten times quicker so than over one.
        self.depthwise = nn.Conv2d(width, width, (1, kernel), dilation=(1, dilation), groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width * expansion)
        self.narrow = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """Advance by the frames of `x`."""
        # Depthwise convolutions gain nothing from half precision, and their gradient is many times slower in it.
        with torch.autocast(x.device.type, enabled=False):
            past = memory.extend(self.name, x.float().transpose(1, 2), self.length)
            y = self.depthwise(past[:, :, None])[:, :, 0].transpose(1, 2)
        change: Tensor = self.scale * self.narrow(functional.gelu(self.widen(self.norm(y))))
        return x + change
