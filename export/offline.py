"""Export graphs that process whole utterances of any length."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import nn

from rtvc.packs.graph import METADATA_KEY, GraphDescription, Kind

EXAMPLE_FRAMES = 20


def export_offline(net: nn.Module, path: Path, kind: Kind, *, sample_rate: int, hop: int, feature_dim: int) -> None:
    """Write `net` as a graph of `audio [1, samples]` to `features [1, frames, feature_dim]`, or the reverse."""
    example, source, result = (
        (torch.randn(1, EXAMPLE_FRAMES * hop), "audio", "features")
        if kind == "encoder"
        else (torch.randn(1, EXAMPLE_FRAMES, feature_dim), "features", "audio")
    )
    torch.onnx.export(
        net.eval(),
        (example,),
        path,
        input_names=[source],
        output_names=[result],
        dynamic_axes={source: {1: "length"}, result: {1: "out_length"}},
        opset_version=18,
        dynamo=False,
    )
    model = onnx.load(path)
    description = GraphDescription(kind, sample_rate, hop, feature_dim, 0, 0, {})
    onnx.helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    onnx.save(model, path)
