"""Streaming WavLM: the last frames are recomputed with every new frame, earlier ones kept as keys and values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.product import ConvolutionProduct
from models.streaming import StreamingState
from models.wavlm import PositionalConvolution, TransformerLayer, WavLM, WavLMConfiguration

FEW_ROWS = 16


@dataclass(frozen=True)
class EncoderSettings:
    """How WavLM streams, in frames.

    Attributes
    ----------
    lookahead
        Frames of future that a feature waits for.
    window
        Frames that are recomputed with each new one, so that they see all of their future that is known by then. At
        least `lookahead` + 1.
    past
        Frames before the window that are still attended to, with the keys and values that they had when they left it.

    A long window without a past is the *windowed* encoder; a window of `lookahead` + 1 with a past is the
    *incremental* one.
    """

    lookahead: int = 2
    window: int = 3
    past: int = 100

    def __post_init__(self) -> None:
        """Raise `ValueError` for settings that cannot stream."""
        if self.lookahead < 0 or self.window <= self.lookahead or self.past < 0:
            raise ValueError(f"the window must exceed the lookahead, and both be counts of frames: {self}")


class _FrontEnd(nn.Module):
    """The front end as matrix products: audio `[samples]`, with the overlap before it, to `[1, frames, width]`."""

    def __init__(self, model: WavLM) -> None:
        super().__init__()
        front, configuration = model.front, model.configuration
        if not front.by_frame:
            raise ValueError("a front end that normalises over the whole utterance cannot stream")
        self.norms, self.norm, self.project = front.norms, front.norm, front.project
        self.products = nn.ModuleList()
        self.rows: list[tuple[int, int]] = []
        """Outputs of each convolution: per frame, and in addition once per step."""
        each, besides = configuration.hop, configuration.overlap
        for convolution in front.convolutions:
            assert isinstance(convolution, nn.Conv1d)
            taps, stride = convolution.weight.detach().permute(2, 1, 0), int(convolution.stride[0])
            self.products.append(ConvolutionProduct(taps, stride=stride))
            each, besides = each // stride, (besides - len(taps)) // stride + 1
            self.rows.append((each, besides))

    def forward(self, audio: Tensor, count: int) -> Tensor:
        """Return `count` frames."""
        x = audio[:, None]
        for product, norm, (each, besides) in zip(self.products, self.norms, self.rows, strict=True):
            x = functional.gelu(norm(product(x, each * count + besides)))
        frames: Tensor = self.project(self.norm(x)[None])
        return frames


class _UnfoldedPositions(nn.Module):
    """Adds position embeddings to the rows of each step's window, with one matrix product per convolution group.

    Taps that lie beyond the newest frame for every row are left out.
    """

    offsets: Tensor
    known: Tensor

    def __init__(self, positions: PositionalConvolution, window: int) -> None:
        super().__init__()
        convolution = positions.convolution
        self.before, self.groups = positions.before, convolution.groups
        self.width = convolution.in_channels
        self.carried = self.before + window - 1
        taps = min(convolution.kernel_size[0], self.carried + 1)
        groups = convolution.weight.detach()[..., :taps].chunk(self.groups)
        # One matrix [taps * inputs, outputs] for each group.
        self.weights = nn.ParameterList(nn.Parameter(part.permute(2, 1, 0).flatten(0, 1)) for part in groups)
        self.bias = convolution.bias
        offsets = torch.arange(window)[:, None] + torch.arange(taps)
        self.register_buffer("offsets", offsets)
        self.register_buffer("known", offsets <= self.carried)

    def forward(self, frames: Tensor, step: Tensor, state: StreamingState) -> Tensor:
        """Take new frames `[1, frames, width]`; return their windows `[1, frames * window, width]`."""
        parts = frames.reshape(-1, self.groups, self.width // self.groups).transpose(0, 1)
        # The last row stands for frames that are not known yet.
        whole = functional.pad(state.extend("frames", parts, self.carried, dim=-2), (0, 0, 0, 1))
        seen = whole[:, torch.where(self.known, step[:, None, None] + self.offsets, -1)]
        stretches = seen.reshape(self.groups, -1, len(self.weights[0])).unbind()
        placed = torch.cat([part @ weight for part, weight in zip(stretches, self.weights, strict=True)], dim=-1)
        assert self.bias is not None
        rows = seen[:, :, :, self.before].permute(1, 2, 0, 3).reshape(1, -1, self.width)
        return rows + functional.gelu(placed + self.bias)


class _FoldedPositions(nn.Module):
    """The same for windows of many rows: the convolution over each window."""

    def __init__(self, positions: PositionalConvolution, window: int) -> None:
        super().__init__()
        self.positions = positions
        self.carried = positions.before + window - 1

    def forward(self, frames: Tensor, step: Tensor, state: StreamingState) -> Tensor:
        """Take new frames `[1, frames, width]`; return their windows `[1, frames * window, width]`."""
        whole = state.extend("frames", frames[0], self.carried, dim=-2)
        windows = whole[step[:, None] + torch.arange(self.carried + 1, device=step.device)]
        placed = self.positions(functional.pad(windows, (0, 0, 0, self.positions.after)))
        rows: Tensor = windows[:, self.positions.before :] + placed
        return rows.flatten(0, 1)[None]


@dataclass(frozen=True)
class _AttentionContext:
    """The bias of a key's distance, and an additive mask: 0, or minus infinity where a query may not see a key."""

    bias: Tensor
    mask: Tensor


class _StreamingLayer(nn.Module):
    """A transformer layer over the windows of a step: `[1, frames * window, width]` to the same.

    The keys are those of all windows, then the past, then those that leave a window in this step and become past.
    Without a past, each window attends to itself only. Queries, keys and values come from one matrix product.
    """

    def __init__(self, name: str, layer: TransformerLayer, settings: EncoderSettings) -> None:
        super().__init__()
        self.name, self.layer, self.settings = name, layer, settings
        attention = layer.attention
        query, key, value = attention.query, attention.key, attention.value
        scale = attention.head_width**-0.5
        self.weight = nn.Parameter(
            torch.cat([query.weight * scale, key.weight, value.weight]).detach().T.contiguous()
        )
        self.bias = nn.Parameter(torch.cat([query.bias * scale, key.bias, value.bias]).detach())
        # The gates are sums of four outputs each: the sums are taken in the weights.
        self.gate_weight = nn.Parameter(attention.gate.weight.detach().reshape(2, 4, -1).sum(dim=1).T.contiguous())
        self.gate_bias = nn.Parameter(attention.gate.bias.detach().reshape(2, 4).sum(dim=1))

    def forward(
        self, x: Tensor, context: _AttentionContext, state: StreamingState, only: int | None = None
    ) -> Tensor:
        """Advance; return all rows, or of each window the one at `only`."""
        window, attention = self.settings.window, self.layer.attention
        shape = (attention.heads, attention.head_width)
        lead = (1, -1) if self.settings.past else (-1, window)
        seen = self.layer.before(x)
        projected = (seen @ self.weight + self.bias).reshape(*lead, 3, *shape).permute(2, 0, 3, 1, 4)
        query, keys, values = projected.unbind()
        if self.settings.past:
            keys, values = self._with_past("keys", keys, state), self._with_past("values", values, state)
        bias, mask = context.bias, context.mask
        if only is not None:
            rows = slice(only, None, window)
            x, seen, query = x[:, rows], seen[:, rows], query[:, :, rows]
            bias, mask = bias[:, :, rows], mask[:, :, rows]
            lead = (1, -1) if self.settings.past else (-1, 1)
        factors = torch.sigmoid(seen.reshape(*lead, *shape).transpose(1, 2) @ self.gate_weight + self.gate_bias)
        gates = factors[..., :1] * (factors[..., 1:] * attention.gate_scale - 1) + 2
        scores = query @ keys.transpose(2, 3) + gates * bias + mask
        attended = (torch.softmax(scores, dim=-1) @ values).transpose(1, 2).reshape(1, -1, x.shape[2])
        return self.layer.after(x, attention.output(attended))

    def _with_past(self, kind: str, new: Tensor, state: StreamingState) -> Tensor:
        """Return `new` `[1, heads, rows, head_width]` followed by the past, and keep what the next step needs."""
        past, name = self.settings.past, f"{kind}_{self.name}"
        before = state.recall(name, torch.zeros_like(new[:, :, :1]).expand(-1, -1, past, -1))
        whole = torch.cat([new, before, new[:, :, :: self.settings.window]], dim=2)
        state.keep(name, whole[:, :, -past:])
        return whole


class StreamingWavLM(nn.Module):
    """Audio `[1, frames·hop]` to features `[1, frames, width]`, late by the lookahead and the front end's overlap.

    For frame t the rows t - window + 1 … t are computed; they attend to one another and to the past, and row
    t - lookahead is the output. The frames of one step are computed as if they came one by one, so features do not
    depend on the step size. Before the first frame there is nothing to attend to, and features are zeros.
    """

    bias: Tensor

    def __init__(self, model: WavLM, settings: EncoderSettings) -> None:
        super().__init__()
        self.configuration: WavLMConfiguration = model.configuration
        self.settings = s = settings
        self.front, self.norm = _FrontEnd(model), model.norm
        positions = _UnfoldedPositions if s.window <= FEW_ROWS else _FoldedPositions
        self.positions = positions(model.positions, s.window)
        self.layers = nn.ModuleList()
        for index, layer in enumerate(model.layers):
            assert isinstance(layer, TransformerLayer)
            self.layers.append(_StreamingLayer(str(index), layer, s))
        # The bias of every distance from the oldest past frame to the end of the window.
        with torch.no_grad():
            self.register_buffer("bias", model.distances(torch.arange(1 - s.past - s.window, s.window)))

    def forward(self, audio: Tensor, state: StreamingState) -> Tensor:
        """Advance by the frames in `audio`."""
        s, c = self.settings, self.configuration
        count = audio.shape[1] // c.hop
        step = torch.arange(count, device=audio.device)
        heard = state.recall("heard", torch.zeros(1, dtype=torch.int64, device=audio.device))
        state.keep("heard", (heard + count).clamp(max=s.past + s.window))
        frames = self.front(state.extend("audio", audio, c.overlap)[0], count)
        x = self.norm(self.positions(frames, step, state))
        context = self._context(step, heard)
        for index, layer in enumerate(self.layers):
            last = index == len(self.layers) - 1
            x = layer(x, context, state, s.window - 1 - s.lookahead if last else None)
        started = (heard + step >= s.lookahead)[:, None]
        return torch.where(started, x, torch.zeros(1, device=x.device))

    def _context(self, step: Tensor, heard: Tensor) -> _AttentionContext:
        """Return bias and mask of each step's rows; row r of step t is frame t + r, counted from the oldest row."""
        s = self.settings
        furthest = s.past + s.window - 1
        if not s.past:
            row = torch.arange(s.window, device=step.device)
            exists = row >= furthest - heard - step[:, None]
            # Every row sees itself: a softmax over nothing would not be finite.
            near = (exists[:, None] | (row[:, None] == row))[:, None]
            return _AttentionContext(self._bias(row - row[:, None]), _additive(near))
        number = torch.arange(step.shape[0] * s.window, device=step.device)
        now, row = number // s.window, number % s.window
        exists = row >= s.window - 1 - heard - now
        near = ((now[:, None] == now) & exists) | (number[:, None] == number)
        # Key i of the past is frame i - past; frame t of the step sees `past` of them.
        key = torch.arange(s.past + step.shape[0], device=step.device)
        since = key - now[:, None]
        far = (since >= 0) & (since < s.past) & (key >= furthest - heard)
        frame = now + row
        distance = torch.cat([frame, key - s.past]) - frame[:, None]
        return _AttentionContext(self._bias(distance), _additive(torch.cat([near, far], dim=1)[None, None]))

    def _bias(self, distance: Tensor) -> Tensor:
        s = self.settings
        furthest = s.past + s.window - 1
        # Keys further away, at either end, belong to another step and are masked.
        return self.bias[:, distance.clamp(-furthest, s.window - 1) + furthest][None]


def _additive(mask: Tensor) -> Tensor:
    return torch.where(mask, 0.0, -math.inf)
