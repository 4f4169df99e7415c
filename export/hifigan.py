"""Streaming HiFi-GAN, in two forms: a window that is rendered again with every step, or a cache in every layer.

Its convolutions look about eleven frames ahead. The window holds less future than that. In the cached net each layer
has a delay, and a layer whose delay is shorter than its lookahead loses its last taps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.product import ConvolutionProduct
from models.hifigan import LAST_SLOPE, SLOPE, HiFiGAN, HiFiGANConfiguration, ResidualBlock
from models.streaming import StreamingState

LEFT_FRAMES = 12
"""Frames of past that the output depends on (the receptive field, rounded up)."""

Order = Literal["coarse", "fine"]
Missing = Literal["zeros", "edge"]


class WindowedHiFiGAN(nn.Module):
    """Features `[1, frames, feature_dim]` to audio `[1, frames·hop]`, late by `right` frames and the fade.

    Each step renders its frames with their past and `right` frames of future. Where two steps meet, their renderings
    of the same samples are crossfaded over `fade` samples.
    """

    rise: Tensor

    def __init__(self, model: HiFiGAN, right: int, fade: int) -> None:
        super().__init__()
        self.model, self.right, self.fade = model, right, fade
        self.left = LEFT_FRAMES + math.ceil(fade / model.configuration.hop)
        self.register_buffer("rise", (torch.arange(fade) + 0.5) / max(fade, 1))

    def forward(self, features: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames of `features`."""
        hop = self.model.configuration.hop
        seen = state.extend("features", features.transpose(1, 2), self.left + self.right).transpose(1, 2)
        audio: Tensor = self.model(seen)
        start, end = self.left * hop - self.fade, (seen.shape[1] - self.right) * hop - self.fade
        if not self.fade:
            return audio[:, start:end]
        last = state.recall("fading", torch.zeros_like(audio[:, : self.fade]))
        state.keep("fading", audio[:, end : end + self.fade])
        met = audio[:, start : start + self.fade] * self.rise + last * (1 - self.rise)
        return torch.cat([met, audio[:, start + self.fade : end]], dim=1)


@dataclass
class _Layer:
    """A convolution's lookahead in taps, and the delay that it is given."""

    taps: int
    tap_samples: int
    given: int = 0

    @property
    def samples(self) -> int:
        """The delay in samples of audio."""
        return self.given * self.tap_samples


class _Plan:
    """The delay of every layer: `first`, and for each stage `upsampler` and `blocks[kernel][pair]`, and `last`."""

    def __init__(self, configuration: HiFiGANConfiguration) -> None:
        self.configuration = c = configuration
        hop = c.hop
        self.first = _Layer(c.edge_kernel // 2, hop)
        self.upsamplers: list[_Layer] = []
        self.blocks: list[list[list[_Layer]]] = []
        for factor, kernel in c.upsampling:
            hop //= factor
            self.upsamplers.append(_Layer((kernel - factor) // 2, hop))
            self.blocks.append(
                [
                    [_Layer(size // 2, step * hop) for dilation in c.dilations for step in (dilation, 1)]
                    for size in c.kernels
                ]
            )
        self.last = _Layer(c.edge_kernel // 2, hop)

    @property
    def samples(self) -> int:
        """The total delay in samples of audio."""
        own = [self.first, *self.upsamplers, self.last]
        return sum(layer.samples for layer in own) + sum(map(self.stage_samples, range(len(self.blocks))))

    def stage_samples(self, stage: int) -> int:
        """The delay of the residual blocks of a stage, which is that of the slowest."""
        return max(sum(layer.samples for layer in block) for block in self.blocks[stage])

    def parts(self) -> Iterator[list[list[_Layer]]]:
        """Yield the parts in series, coarse before fine: a layer, or the parallel blocks of a stage."""
        yield [[self.first]]
        for upsampler, blocks in zip(self.upsamplers, self.blocks, strict=True):
            yield [[upsampler]]
            yield blocks
        yield [[self.last]]

    def share(self, samples: int, order: Order) -> None:
        """Give each part in turn the delay that it needs, or what is left."""
        parts = list(self.parts())
        for part in parts if order == "coarse" else reversed(parts):
            samples -= max(self._fill(block, samples) for block in part)

    @staticmethod
    def _fill(layers: list[_Layer], samples: int) -> int:
        """Give taps to layers in series, always to the one with the smallest share; return the samples used."""
        left = samples
        while fitting := [layer for layer in layers if layer.given < layer.taps and layer.tap_samples <= left]:
            chosen = min(fitting, key=lambda layer: (layer.given / layer.taps, layer.tap_samples))
            chosen.given += 1
            left -= chosen.tap_samples
        return samples - left


class _Causal(nn.Module):
    """A convolution with its past in the streaming state: `[time, inputs]` to `[time, outputs]`."""

    def __init__(self, name: str, product: ConvolutionProduct) -> None:
        super().__init__()
        self.name, self.product = name, product

    def forward(self, x: Tensor, count: int, state: StreamingState) -> Tensor:
        """Advance by the `count` rows of `x`."""
        reach = self.product.reach
        y: Tensor = self.product(state.extend(self.name, x, reach, dim=-2) if reach else x, count)
        return y


def _convolution(name: str, convolution: nn.Conv1d, ahead: int, missing: Missing) -> _Causal:
    """Return a centred convolution that keeps `ahead` of its future taps and delays by as many."""
    kept = convolution.kernel_size[0] // 2 + 1 + ahead
    taps = convolution.weight.detach().permute(2, 1, 0).clone()
    if missing == "edge":
        taps[kept - 1] += taps[kept:].sum(dim=0)
    dilation = int(convolution.dilation[0])
    return _Causal(name, ConvolutionProduct(taps[:kept], convolution.bias, dilation=dilation))


def _upsampler(name: str, convolution: nn.ConvTranspose1d, ahead: int, missing: Missing) -> _Causal:
    """Return a transposed convolution whose output is delayed by `ahead` samples of its lookahead.

    Each row of its output holds the `factor` samples of one input row in sequence.
    """
    factor = int(convolution.stride[0])
    cut = int(convolution.padding[0]) - ahead
    weight = convolution.weight.detach().permute(2, 0, 1).clone()
    if missing == "edge":
        weight[factor : factor + cut] += weight[:cut]
    weight = functional.pad(weight[cut:], (0, 0, 0, 0, 0, (cut - len(weight)) % factor))
    taps = weight.reshape(-1, factor, *weight.shape[1:]).flip(0).transpose(1, 2).flatten(2)
    assert convolution.bias is not None
    return _Causal(name, ConvolutionProduct(taps, convolution.bias.repeat(factor)))


def _delayed(name: str, x: Tensor, samples: int, state: StreamingState) -> Tensor:
    return state.extend(name, x, samples, dim=-2)[:-samples] if samples else x


class _CausalBlock(nn.Module):
    """A residual block whose skip connections are delayed as its convolutions are."""

    def __init__(self, name: str, block: ResidualBlock, plan: list[_Layer], missing: Missing) -> None:
        super().__init__()
        self.name = name
        self.layers = nn.ModuleList()
        self.delays: list[int] = []
        pairs = zip(block.dilated, block.plain, strict=True)
        for index, convolution in enumerate(convolution for pair in pairs for convolution in pair):
            assert isinstance(convolution, nn.Conv1d)
            ahead = plan[index].given
            self.layers.append(_convolution(f"{name}_{index}", convolution, ahead, missing))
            self.delays.append(ahead * int(convolution.dilation[0]))

    def forward(self, x: Tensor, count: int, state: StreamingState) -> Tensor:
        for index in range(0, len(self.layers), 2):
            y = self.layers[index](functional.leaky_relu(x, SLOPE), count, state)
            y = self.layers[index + 1](functional.leaky_relu(y, SLOPE), count, state)
            x = _delayed(f"{self.name}_skip_{index}", x, sum(self.delays[index : index + 2]), state) + y
        return x


class CachedHiFiGAN(nn.Module):
    """Features `[1, frames, feature_dim]` to audio `[1, frames·hop]`, late by `delay` samples, at most the budget.

    Every layer keeps its past and computes new samples only. The budget goes to the layers in `order`; future that a
    layer cannot wait for is replaced by zeros or by its newest sample (`missing`). At a budget of `exact_delay`,
    nothing is missing and the interior of an utterance is exact. Which order and which replacement gives the smaller
    error depends on the weights; with random ones, fine layers first have half the error of coarse ones first.
    """

    def __init__(self, model: HiFiGAN, budget: int, order: Order = "fine", missing: Missing = "zeros") -> None:
        super().__init__()
        self.model = model
        plan = _Plan(model.configuration)
        plan.share(budget, order)
        self.delay = plan.samples
        self.first = _convolution("first", model.first, plan.first.given, missing)
        self.upsamplers, self.blocks = nn.ModuleList(), nn.ModuleList()
        self.waits: list[list[int]] = []
        count = len(model.configuration.kernels)
        for stage, (upsampler, blocks) in enumerate(zip(plan.upsamplers, plan.blocks, strict=True)):
            convolution = model.upsamplers[stage]
            assert isinstance(convolution, nn.ConvTranspose1d)
            self.upsamplers.append(_upsampler(f"upsampler_{stage}", convolution, upsampler.given, missing))
            slowest, hop = plan.stage_samples(stage), upsampler.tap_samples
            self.waits.append([(slowest - sum(layer.samples for layer in block)) // hop for block in blocks])
            for index, block in enumerate(blocks):
                original = model.blocks[stage * count + index]
                assert isinstance(original, ResidualBlock)
                self.blocks.append(_CausalBlock(f"block_{stage}_{index}", original, block, missing))
        self.last = _convolution("last", model.last, plan.last.given, missing)

    def forward(self, features: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames of `features`."""
        count = features.shape[1]
        x = self.first(self.model.in_proj(features)[0], count, state)
        for stage, (upsampler, waits) in enumerate(zip(self.upsamplers, self.waits, strict=True)):
            x = upsampler(functional.leaky_relu(x, SLOPE), count, state)
            factor = self.model.configuration.upsampling[stage][0]
            count, x = count * factor, x.reshape(-1, x.shape[1] // factor)
            blocks = self.blocks[stage * len(waits) : (stage + 1) * len(waits)]
            outputs = [
                _delayed(f"wait_{stage}_{index}", block(x, count, state), wait, state)
                for index, (block, wait) in enumerate(zip(blocks, waits, strict=True))
            ]
            x = sum(outputs[1:], outputs[0]) / len(outputs)
        return torch.tanh(self.last(functional.leaky_relu(x, LAST_SLOPE), count, state)).reshape(1, -1)


def exact_delay(configuration: HiFiGANConfiguration) -> int:
    """Return the samples of future that a sample of audio depends on."""
    plan = _Plan(configuration)
    for part in plan.parts():
        for block in part:
            for layer in block:
                layer.given = layer.taps
    return plan.samples
