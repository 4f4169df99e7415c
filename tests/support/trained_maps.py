"""A trained map without training: its graph doubles every ordinary dimension and adds the frame before."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtvc.dsp.stage import Block
from rtvc.features import FeatureStatistics
from rtvc.packs.card import CARD, STATISTICS
from rtvc.packs.graph import METADATA_KEY, GraphDescription
from rtvc.packs.pack import ModelPack
from rtvc.transport.trained import GRAPH


def expected(features: Block, pack: ModelPack) -> Block:
    """Return what the graph of `write_trained_map` gives for whole speech `[n, dim]`."""
    late = np.concatenate([np.zeros_like(features[:1]), features[:-1]])
    moved = features.copy()
    ordinary = pack.roles.ordinary(pack.feature_dim)
    moved[:, ordinary] = 2 * features[:, ordinary] + late[:, ordinary]
    return moved


def write_trained_map(
    folder: Path,
    pack: ModelPack,
    /,
    gain: float = 2.0,
    target: FeatureStatistics | None = None,
    **values: Any,  # noqa: ANN401
) -> Path:
    """Write a map for the pack, behind MKL if `target` is given; `values` replace those of its card."""
    folder.mkdir(parents=True)
    content = _graph(pack, gain)
    (folder / GRAPH).write_bytes(content)
    card = {
        "format": 1,
        "kind": "transport",
        "system": "not",
        "voice": "Iris",
        "weight": 1.0,
        "seconds": 600.0,
        "steps": 1000,
        "licence": "CC0",
        "pack": {"name": pack.name, "digest": pack.digest},
        "graph": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
    }
    if target is not None:
        np.savez(folder / STATISTICS, **target.to_arrays())  # type: ignore[arg-type]
        card["statistics"] = {"sha256": hashlib.sha256((folder / STATISTICS).read_bytes()).hexdigest()}
    (folder / CARD).write_text(json.dumps({**card, **values}), encoding="utf-8")
    return folder


def _graph(pack: ModelPack, gain: float) -> bytes:
    dim = pack.feature_dim
    ordinary = np.isin(np.arange(dim), pack.roles.ordinary(dim))
    constants = {
        "now": np.where(ordinary, np.float32(gain), np.float32(1)),
        "before": ordinary.astype(np.float32),
        "start": np.array([0]),
        "last": np.array([-1]),
        "end": np.array([2**62]),
        "axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Concat", ["state.past", "features"], ["joined"], axis=1),
        helper.make_node("Slice", ["joined", "start", "last", "axis"], ["late"]),
        helper.make_node("Slice", ["joined", "last", "end", "axis"], ["next.past"]),
        helper.make_node("Mul", ["features", "now"], ["present"]),
        helper.make_node("Mul", ["late", "before"], ["added"]),
        helper.make_node("Add", ["present", "added"], ["moved"]),
    ]
    shapes: dict[str, list[str | int | None]] = {"features": [1, "frames", dim], "state.past": [1, 1, dim]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outputs = [
        helper.make_tensor_value_info("moved", TensorProto.FLOAT, shapes["features"]),
        helper.make_tensor_value_info("next.past", TensorProto.FLOAT, shapes["state.past"]),
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "transport", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    described = GraphDescription("transport", pack.sample_rate, pack.hop, dim, 0, 0, {"past": (1, 1, dim)})
    helper.set_model_props(model, {METADATA_KEY: described.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
