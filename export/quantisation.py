"""Weights of 8 bits for large matrix products: a quarter of the size, and about a third of the time on a CPU."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

BLOCK = 128
SMALLEST = 2**16
"""Weights of the smallest product that is worth an error: smaller ones take little time as they are."""
WHOLE = ".float32"


def quantise(path: Path, blockwise: bool = False, keep: str = "$^") -> None:
    """Replace a graph by one whose matrix products have weights and activations of 8 bits.

    A scale serves an output's weights, and all activations of a step. With `blockwise` it serves 128 inputs each,
    of weights as of activations: an outlier then spoils its own block only, and many rows at once take longer.
    Products of few weights, those whose name has the pattern `keep` in it, and everything else stay as they are.
    """
    model = onnx.load(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    sizes = {value.name: math.prod(value.dims) for value in model.graph.initializer}
    kept = [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and (sizes.get(node.input[1], 0) < SMALLEST or re.search(keep, node.name))
    ]
    with _quiet():
        if blockwise:
            quantizer = MatMulNBitsQuantizer(
                model, bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4, nodes_to_exclude=kept
            )
            quantizer.process()
            model = quantizer.model.model
        else:
            whole = path.rename(path.with_name(path.name + WHOLE))
            quantize_dynamic(
                whole, path, ["MatMul"], per_channel=True, weight_type=QuantType.QInt8, nodes_to_exclude=kept
            )
            whole.unlink()
            model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the quantisers say of every matrix, and of a preparation that is for convolutions."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
