"""WavLM as a stream: the last frames computed anew with every frame, those before them kept as keys and values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.streaming import Memory
from models.wavlm import Past, PositionalConvolution, Reach, TransformerLayer, WavLM

FEW_ROWS = 16


@dataclass(frozen=True)
class EncoderSettings:
    """How WavLM streams, in frames.

    Attributes
    ----------
    lookahead
        Frames of future that a feature waits for.
    window
        Frames that are computed anew with each new one, so that they see all that is known of their future.
        At least `lookahead` + 1.
    past
        Frames before the window that are still attended to, by the keys and values that they had when they left it.

    A long window without past is the *windowed* encoder; a window of `lookahead` + 1 with a past the *incremental*.
    """

    lookahead: int = 2
    window: int = 3
    past: int = 100

    def __post_init__(self) -> None:
        """Raise `ValueError` for settings that make no stream."""
        if self.lookahead < 0 or self.window <= self.lookahead or self.past < 0:
            raise ValueError(f"the window must exceed the lookahead, and both be counts of frames: {self}")


class UnfoldedPositions(nn.Module):
    """The positional convolution as one matrix product a group: for few rows, less than half the time on a CPU.

    Unlike a grouped convolution it also gains from 8-bit weights.
    """

    def __init__(self, positions: PositionalConvolution) -> None:
        super().__init__()
        convolution = positions.convolution
        self.before, self.after = positions.before, positions.after
        self.kernel, self.groups = convolution.kernel_size[0], convolution.groups
        weight = convolution.weight.detach().reshape(self.groups, -1, *convolution.weight.shape[1:])
        # One matrix [kernel * inputs, outputs] for each group.
        self.weights = nn.ParameterList(nn.Parameter(part.permute(2, 1, 0).flatten(0, 1)) for part in weight)
        self.bias = convolution.bias

    def forward(self, frames: Tensor) -> Tensor:
        """Return what `PositionalConvolution` returns."""
        batch, length, width = frames.shape
        rows = length - self.kernel + 1
        steps = torch.arange(rows, device=frames.device)[:, None] + torch.arange(self.kernel, device=frames.device)
        stretches = frames[:, steps].reshape(batch, rows, self.kernel, self.groups, width // self.groups)
        parts = stretches.permute(3, 0, 1, 2, 4).reshape(self.groups, batch, rows, -1).unbind()
        products = [part @ weight for part, weight in zip(parts, self.weights, strict=True)]
        assert self.bias is not None
        return functional.gelu(torch.cat(products, dim=-1) + self.bias)


class StreamingWavLM(nn.Module):
    """Audio `[1, frames·hop]` to features `[1, frames, width]`, late by the lookahead and the front end's overlap.

    With frame t come the rows t - window + 1 … t; they attend to one another and to the past, and the row
    t - lookahead is the output. Frames that come in one step are computed as if one by one, so features do not
    depend on the size of steps. Before the first frame there is nothing to attend to, and its features are zeros.
    """

    near_bias: Tensor
    far_bias: Tensor

    def __init__(self, model: WavLM, settings: EncoderSettings) -> None:
        super().__init__()
        if not model.front.by_frame:
            raise ValueError("a front end that normalises over the whole utterance cannot stream")
        self.model = model
        self.settings = s = settings
        few = s.window <= FEW_ROWS
        self.positions = UnfoldedPositions(model.positions) if few else model.positions
        rows = torch.arange(s.window)
        with torch.no_grad():
            near, far = model.distances(rows[None] - rows[:, None]), model.distances(-torch.arange(s.past + s.window))
        self.register_buffer("near_bias", near)
        self.register_buffer("far_bias", far)

    def forward(self, audio: Tensor, memory: Memory) -> Tensor:
        """Advance by the frames in `audio`."""
        s, model = self.settings, self.model
        new = model.front(memory.extend("audio", audio, model.configuration.overlap))
        count = new.shape[1]
        heard = memory.recall("heard", torch.zeros(1, dtype=torch.int64, device=audio.device))
        memory.keep("heard", (heard + count).clamp(max=s.past + s.window))
        step = torch.arange(count, device=audio.device)
        x = self._rows(new, step, memory)
        reach = self._reach(step, heard)
        output = s.window - 1 - s.lookahead
        for index, layer in enumerate(model.layers):
            assert isinstance(layer, TransformerLayer)
            seen = layer.before(x)
            query, keys, values = layer.attention.project(seen)
            past = self._past(index, keys, values, memory) if s.past else None
            if index == len(model.layers) - 1:
                only = slice(output, output + 1)
                x, seen, query = x[:, only], seen[:, only], query[:, :, only]
                reach = Reach(reach.bias[..., only, :], self._allowed(reach)[..., only, :])
            x = layer.after(x, layer.attention.attend(seen, query, keys, values, reach, past))
        started = (heard + step >= s.lookahead)[:, None, None]
        return torch.where(started, x, torch.zeros_like(x)).transpose(0, 1)

    def _rows(self, new: Tensor, step: Tensor, memory: Memory) -> Tensor:
        """Return for each new frame its window, positions convolved in: `[frames, window, width]`."""
        positions = self.positions
        carried = positions.before + self.settings.window - 1
        frames = memory.extend("frames", new.transpose(1, 2), carried)[0].transpose(0, 1)
        windows = frames[step[:, None] + torch.arange(carried + 1, device=step.device)]
        placed = positions(functional.pad(windows, (0, 0, 0, positions.after)))
        rows: Tensor = self.model.norm(windows[:, positions.before :] + placed)
        return rows

    def _reach(self, step: Tensor, heard: Tensor) -> Reach:
        """Return which keys of past and window each row sees, and the bias of their distance."""
        s = self.settings
        row = torch.arange(s.window, device=step.device)
        exists = row >= s.window - 1 - heard - step[:, None]
        # Every row sees itself, lest a softmax be empty.
        near = exists[:, None] | (row[:, None] == row)
        bias = self.near_bias.expand(step.shape[0], -1, -1, -1)
        if not s.past:
            return Reach(bias, near[:, None])
        # Key i of the past is frame `heard - window - past + 1 + i`; frame g of the step sees `past` of them. (The
        # last key is for nobody yet: hiding it costs less than cutting it off.)
        key = torch.arange(s.past + step.shape[0], device=step.device)
        distance = s.past + step[:, None, None] + row[:, None] - key
        far_bias = self.far_bias[:, distance.clamp(0, s.past + s.window - 1)].transpose(0, 1)
        seen = (key >= step[:, None]) & (key < step[:, None] + s.past) & (key >= s.past + s.window - 1 - heard)
        far = seen[:, None].expand(-1, s.window, -1)
        return Reach(torch.cat([far_bias, bias], dim=-1), torch.cat([far, near], dim=-1)[:, None])

    def _past(self, index: int, keys: Tensor, values: Tensor, memory: Memory) -> Past:
        """Return the past of a layer, and keep what now leaves the window."""
        kept = (
            memory.extend(f"{name}_{index}", leaving[..., 0].permute(1, 2, 0), self.settings.past)
            for name, leaving in (("keys", keys), ("values", values))
        )
        return Past(*kept)

    @staticmethod
    def _allowed(reach: Reach) -> Tensor:
        assert reach.allowed is not None
        return reach.allowed
