"""WavLM (Chen et al., 2022, arXiv 2110.13900): speech to features, by a convolutional front end and a transformer.

Only what features need: the first `layers` layers, without masking and dropout. `export.wavlm` makes it stream.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class WavLMConfiguration:
    """Sizes of a WavLM.

    Attributes
    ----------
    convolutions
        Channels, kernel and stride of each convolution of the front end.
    front_norm
        `layer`: each frame on its own (Large), so the front end streams exactly; `group`: each channel of the first
        convolution over the whole utterance (Base+).
    pre_norm
        Whether layers normalise their input (Large) or their output (Base+).
    layers
        Number of layers to keep, of the `checkpoint_layers` that the checkpoint has.
    """

    sample_rate: int = 16000
    convolutions: tuple[tuple[int, int, int], ...] = ((512, 10, 5), *((512, 3, 2),) * 4, *((512, 2, 2),) * 2)
    front_norm: Literal["layer", "group"] = "layer"
    pre_norm: bool = True
    width: int = 1024
    heads: int = 16
    feed_forward: int = 4096
    layers: int = 6
    checkpoint_layers: int = 24
    position_kernel: int = 128
    position_groups: int = 16
    buckets: int = 320
    max_distance: int = 800

    @property
    def hop(self) -> int:
        """Samples between the starts of two frames."""
        return math.prod(stride for _, _, stride in self.convolutions)

    @property
    def overlap(self) -> int:
        """Samples that a frame shares with the next."""
        receptive, hop = 1, 1
        for _, kernel, stride in self.convolutions:
            receptive, hop = receptive + (kernel - 1) * hop, hop * stride
        return receptive - hop


LARGE = WavLMConfiguration()


class FrontEnd(nn.Module):
    """Audio `[batch, samples]` to frames `[batch, frames, width]`: convolutions, a norm, a projection."""

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        self.by_frame = configuration.front_norm == "layer"
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        inputs = 1
        for index, (channels, kernel, stride) in enumerate(configuration.convolutions):
            self.convolutions.append(nn.Conv1d(inputs, channels, kernel, stride, bias=False))
            if self.by_frame:
                self.norms.append(nn.LayerNorm(channels))
            elif index == 0:
                self.norms.append(nn.GroupNorm(channels, channels))
            inputs = channels
        self.norm = nn.LayerNorm(inputs)
        self.project = nn.Linear(inputs, configuration.width)

    def forward(self, audio: Tensor) -> Tensor:
        """Return the frames whose receptive field lies within `audio`."""
        x = audio[:, None, None]
        for index, convolution in enumerate(self.convolutions):
            assert isinstance(convolution, nn.Conv1d)
            # ONNX Runtime is much faster on few samples in the two-dimensional form.
            x = functional.conv2d(x, convolution.weight[:, :, None], stride=(1, *convolution.stride))
            if self.by_frame:
                x = self.norms[index](x.squeeze(2).transpose(1, 2)).transpose(1, 2).unsqueeze(2)
            elif index == 0:
                x = self.norms[0](x)
            x = functional.gelu(x)
        frames: Tensor = self.project(self.norm(x.squeeze(2).transpose(1, 2)))
        return frames


class PositionalConvolution(nn.Module):
    """The convolutional position embedding: a grouped convolution over frames, half of its kernel in the future."""

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        width, kernel = configuration.width, configuration.position_kernel
        self.before = kernel // 2
        self.after = kernel - 1 - self.before
        self.convolution = nn.Conv1d(width, width, kernel, groups=configuration.position_groups)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the embedding of `frames[:, before : -after]`: `[batch, frames - before - after, width]`."""
        return functional.gelu(self.convolution(frames.transpose(1, 2)).transpose(1, 2))


class RelativePositions(nn.Module):
    """The relative position bias, one table for all layers, with the buckets of T5 (arXiv 1910.10683)."""

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        self.buckets, self.max_distance = configuration.buckets, configuration.max_distance
        self.table = nn.Embedding(configuration.buckets, configuration.heads)

    def forward(self, distance: Tensor) -> Tensor:
        """Return the bias `[heads, …]` for distances `[…]` in frames, key minus query."""
        half = self.buckets // 2
        exact = half // 2
        size = distance.abs()
        scale = (half - exact) / math.log(self.max_distance / exact)
        far = exact + (torch.log(size.clamp(min=1).float() / exact) * scale).long()
        bucket = torch.where(size < exact, size, far.clamp(max=half - 1)) + half * (distance > 0).long()
        bias: Tensor = self.table(bucket)
        return bias.movedim(bias.dim() - 1, 0)


@dataclass(frozen=True)
class AttentionContext:
    """Which keys each query may attend to, and the bias of their distance.

    Attributes
    ----------
    bias
        Broadcasts to `[batch, heads, queries, keys]`.
    mask
        Broadcasts to the same; true where a query may attend to a key. `None`: everywhere.
    """

    bias: Tensor
    mask: Tensor | None = None


class Attention(nn.Module):
    """Multi-head attention with a relative position bias, gated by the query (section 3.2 of the paper)."""

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        width, self.heads = configuration.width, configuration.heads
        self.head_width = width // self.heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.gate = nn.Linear(self.head_width, 8)
        self.gate_scale = nn.Parameter(torch.ones(1, self.heads, 1, 1))

    def split(self, x: Tensor) -> Tensor:
        """Return `[batch, rows, width]` as `[batch, heads, rows, head_width]`."""
        return x.reshape(*x.shape[:-1], self.heads, self.head_width).transpose(1, 2)

    def gates(self, x: Tensor) -> Tensor:
        """Return the factor of the bias for each query: `[batch, heads, rows, 1]`."""
        logits = self.gate(self.split(x))
        one, other = torch.sigmoid(logits.reshape(*logits.shape[:-1], 2, 4).sum(-1)).chunk(2, dim=-1)
        gates: Tensor = one * (other * self.gate_scale - 1) + 2
        return gates

    def forward(self, x: Tensor, context: AttentionContext) -> Tensor:
        """Attend from all rows of `x` `[batch, rows, width]` to all rows that the mask allows."""
        query, key, value = (self.split(projection(x)) for projection in (self.query, self.key, self.value))
        scores = query @ key.transpose(2, 3) * self.head_width**-0.5 + self.gates(x) * context.bias
        if context.mask is not None:
            scores = scores.masked_fill(~context.mask, -math.inf)
        attended = torch.softmax(scores, dim=-1) @ value
        output: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return output


class TransformerLayer(nn.Module):
    """Attention and a two-layer perceptron, each with a residual connection and a norm before or after it."""

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        self.pre_norm = configuration.pre_norm
        self.attention = Attention(configuration)
        self.attention_norm = nn.LayerNorm(configuration.width)
        self.fc1 = nn.Linear(configuration.width, configuration.feed_forward)
        self.fc2 = nn.Linear(configuration.feed_forward, configuration.width)
        self.norm = nn.LayerNorm(configuration.width)

    def before(self, x: Tensor) -> Tensor:
        """Return the input of the attention."""
        return self.attention_norm(x) if self.pre_norm else x

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        """Return the layer's output from its input and the attention's output."""
        x = x + attended
        if self.pre_norm:
            output: Tensor = x + self.fc2(functional.gelu(self.fc1(self.norm(x))))
        else:
            x = self.attention_norm(x)
            output = self.norm(x + self.fc2(functional.gelu(self.fc1(x))))
        return output

    def forward(self, x: Tensor, context: AttentionContext) -> Tensor:
        """Return the layer's output `[batch, rows, width]`."""
        return self.after(x, self.attention(self.before(x), context))


class WavLM(nn.Module):
    """Audio `[batch, samples]` to features `[batch, frames, width]`: the output after `layers` layers.

    Frame t covers the `hop + overlap` samples from `hop · t` on. The features are those of kNN-VC and MKL-VC: without
    a final norm, and from a waveform that is not normalised.
    """

    def __init__(self, configuration: WavLMConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        self.front = FrontEnd(configuration)
        self.positions = PositionalConvolution(configuration)
        self.distances = RelativePositions(configuration)
        # Post-norm models normalise before the first layer; pre-norm models after the last, which is left out.
        self.norm = nn.Identity() if configuration.pre_norm else nn.LayerNorm(configuration.width)
        self.layers = nn.ModuleList(TransformerLayer(configuration) for _ in range(configuration.layers))

    def forward(self, audio: Tensor) -> Tensor:
        """Encode a whole utterance."""
        frames = self.front(audio)
        padded = functional.pad(frames, (0, 0, self.positions.before, self.positions.after))
        x: Tensor = self.norm(frames + self.positions(padded))
        place = torch.arange(x.shape[1], device=x.device)
        context = AttentionContext(self.distances(place[None] - place[:, None]))
        for layer in self.layers:
            x = layer(x, context)
        return x
