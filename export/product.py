"""Convolutions as matrix products over rows of time: for the few rows of a step, the fastest form in ONNX Runtime.

ONNX Runtime splits a matrix product among threads whatever its shape, packs its weights once, and can quantise them
to 8 bits. It does none of this for a convolution over a few samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvolutionProduct(nn.Module):
    """A convolution without padding: rows `[time, inputs]` to rows `[fewer, outputs]`.

    Parameters
    ----------
    taps
        A matrix for each row that an output depends on, the oldest first: `[taps, inputs, outputs]`.
    bias
        `[outputs]`, or None.
    stride, dilation
        Rows from one output to the next, and from one tap to the next.
    """

    offsets: Tensor

    def __init__(self, taps: Tensor, bias: Tensor | None = None, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.reach = (len(taps) - 1) * dilation
        """Rows before the present one that an output depends on."""
        self.weight = nn.Parameter(taps.detach().flatten(0, 1).contiguous())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.register_buffer("offsets", torch.arange(len(taps)) * dilation)

    def forward(self, x: Tensor, count: int) -> Tensor:
        """Return the first `count` outputs; the caller knows their number, and the graph need not compute it."""
        if len(self.offsets) > 1:
            rows = torch.arange(0, count * self.stride, self.stride, device=x.device)
            x = x[rows[:, None] + self.offsets].flatten(1)
        y: Tensor = x @ self.weight
        return y if self.bias is None else y + self.bias
