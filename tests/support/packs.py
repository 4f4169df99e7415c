"""A tiny model pack whose features are the audio itself: through it, impulses and delays can be measured exactly."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtvc.dsp.stage import Block
from rtvc.features import FeatureRoles, FeatureStatistics
from rtvc.packs.card import CARD, ENCODER, FORMAT, STATISTICS, VOCODER
from rtvc.packs.graph import METADATA_KEY, GraphDescription, Kind
from rtvc.packs.pack import ModelPack

LEVEL_DBFS = -26.0
PITCH = 5.0


def identity_pack(folder: Path, sample_rate: int = 16_000, hop: int = 320, roles: bool = True) -> ModelPack:
    """Write a pack into `folder` and open it.

    A frame's features are its `hop` samples, one frame late (its lookahead); the vocoder gives them back, another
    frame late (its overlap-add delay). With `roles`, two more dimensions follow: log pitch, always 5, and voicing,
    always 1. Without a map, sound comes out as it went in, two frames late, bit by bit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dim = hop + 2 if roles else hop
    weight = np.eye(hop, dim, dtype=np.float32)
    bias = np.zeros(dim, np.float32)
    if roles:
        bias[hop:] = PITCH, 1.0
    assigned = FeatureRoles(hop, hop + 1) if roles else FeatureRoles()
    population = FeatureStatistics(
        assigned, 10_000.0, 10_000.0, bias.astype(np.float64), np.diag((bias == 0) * 10 ** (LEVEL_DBFS / 10))
    )
    (folder / ENCODER).write_bytes(_graph("encoder", sample_rate, hop, dim, weight, bias))
    (folder / VOCODER).write_bytes(_graph("vocoder", sample_rate, hop, dim, weight.T, np.zeros(hop, np.float32)))
    np.savez(folder / STATISTICS, **population.to_arrays())  # type: ignore[arg-type]
    card = {
        "format": FORMAT,
        "name": "identity",
        "files": {
            name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
            for name in (ENCODER, VOCODER, STATISTICS)
        },
        "roles": {"pitch": assigned.pitch, "voicing": assigned.voicing} if roles else {},
        "defaults": {"block_size": 2},
        "level_dbfs": LEVEL_DBFS,
    }
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    return ModelPack(folder)


def _graph(kind: Kind, sample_rate: int, hop: int, dim: int, weight: Block, bias: Block) -> bytes:
    """Return a graph that delays by one frame and multiplies each frame by `weight`."""
    encodes = kind == "encoder"
    source, result = ("audio", "features") if encodes else ("features", "audio")
    shapes: dict[str, list[str | int | None]] = {"audio": [1, "samples"], "features": [1, "frames", dim]}
    width = hop if encodes else dim
    state = [1, 1, width]
    constants = {
        "frame_shape": np.array([1, -1, width]),
        "audio_shape": np.array([1, -1]),
        "weight": weight,
        "bias": bias,
        "start": np.array([0]),
        "last": np.array([-1]),
        "end": np.array([2**62]),
        "axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Reshape", [source, "frame_shape"], ["frames"]),
        helper.make_node("Concat", ["state.past", "frames"], ["joined"], axis=1),
        helper.make_node("Slice", ["joined", "start", "last", "axis"], ["late"]),
        helper.make_node("Slice", ["joined", "last", "end", "axis"], ["next.past"]),
        helper.make_node("MatMul", ["late", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["features" if encodes else "sum"]),
    ]
    if not encodes:
        nodes.append(helper.make_node("Reshape", ["sum", "audio_shape"], ["audio"]))
    graph = helper.make_graph(
        nodes,
        kind,
        [
            helper.make_tensor_value_info(source, TensorProto.FLOAT, shapes[source]),
            helper.make_tensor_value_info("state.past", TensorProto.FLOAT, state),
        ],
        [
            helper.make_tensor_value_info(result, TensorProto.FLOAT, shapes[result]),
            helper.make_tensor_value_info("next.past", TensorProto.FLOAT, state),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    description = GraphDescription(
        kind, sample_rate, hop, dim, 1 if encodes else 0, 0 if encodes else hop, {"past": (1, 1, width)}
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
