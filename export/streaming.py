"""Export a torch net written on `StreamingState` as a streaming ONNX graph whose state is input and output."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.streaming import StreamingState
from rtvc.dsp.stage import Block
from rtvc.packs.graph import METADATA_KEY, GraphDescription, GraphStage, Kind
from rtvc.packs.runtime import Runtime

EXAMPLE_FRAMES = 3


class StreamingStep(nn.Module):
    """One step of a net as a function of its input and its state: `(input, *state) -> (output, *next)`."""

    def __init__(self, net: nn.Module, example: Tensor) -> None:
        super().__init__()
        self.net = net
        streaming = StreamingState()
        with torch.no_grad():
            net(example, streaming)
        self.state = {name: torch.zeros_like(value) for name, value in streaming.next.items()}

    def forward(self, block: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Advance by one step."""
        streaming = StreamingState(dict(zip(self.state, state, strict=True)))
        output = self.net(block, streaming)
        return (output, *(streaming.next[name] for name in self.state))


def export_streaming(
    net: nn.Module,
    path: Path,
    kind: Kind,
    *,
    sample_rate: int,
    hop: int,
    feature_dim: int,
    lookahead_frames: int,
    delay_samples: int,
) -> GraphDescription:
    """Write `net` as a streaming graph that takes steps of any number of frames; return what its metadata say.

    `net(block [1, …], streaming)` must compute its states in evaluation mode from zeros.
    """
    net = net.eval()
    described = GraphDescription(kind, sample_rate, hop, feature_dim, lookahead_frames, delay_samples, {})
    source, result = described.input_name, described.output_name
    example = torch.randn(described.shape(source, EXAMPLE_FRAMES)) * 0.1
    step = StreamingStep(net, example)
    names = list(step.state)
    torch.onnx.export(
        step,
        (example, *step.state.values()),
        path,
        input_names=[source, *(f"state.{name}" for name in names)],
        output_names=[result, *(f"next.{name}" for name in names)],
        dynamic_axes={source: {1: "length"}, result: {1: "out_length"}},
        opset_version=18,
        dynamo=False,
    )
    description = replace(described, state={name: tuple(value.shape) for name, value in step.state.items()})
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    onnx.save(model, path)
    return description


def verify_streaming(net: nn.Module, path: Path, kind: Kind, frames: int = 24) -> float:
    """Return the largest difference between torch over a whole stretch and ONNX Runtime frame by frame."""
    stage = GraphStage(path.read_bytes(), str(path), kind, Runtime(provider="cpu"))
    description = stage.description
    random = np.random.default_rng(0)
    shape = description.shape(description.input_name, frames)[1:]
    block: Block = (0.1 * random.standard_normal(shape)).astype(np.float32)
    with torch.no_grad():
        whole = net.eval()(torch.from_numpy(block)[None], StreamingState())[0].numpy()
    streamed = np.concatenate([stage.process(part) for part in np.split(block, frames)])
    return float(np.abs(whole - streamed).max())
