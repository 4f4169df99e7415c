"""Go on from a pack's weights: the nets of `mini` out of its graphs."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from rtvc.packs.card import ENCODER, VOCODER
from rtvc.packs.pack import ModelPack

FORMER_NAMES = {
    "receive": "in_proj",
    "widen": "fc1",
    "narrow": "fc2",
    "straight": "from_cepstra",
    "refine": "upsample",
}
"""Layers that packs exported earlier hold under another name."""


def load_pack(folder: Path, nets: nn.ModuleDict) -> int:
    """Load the parameters of `nets` (`encoder` and `vocoder`) from the pack in `folder`; return its training steps.

    The exporter keeps a parameter's name, except where it transposed a linear layer's weight for a matrix product:
    there the product's own name gives the layer. Raises `RtvcError` for a broken pack, `SystemExit` for one of other
    sizes.
    """
    pack = ModelPack(folder)  # checks the digests
    for name, file in (("encoder", ENCODER), ("vocoder", VOCODER)):
        net = nets[name]
        weights = _weights(folder / file)
        for key, parameter in net.named_parameters():
            found = weights.get(key)
            if found is None or found.shape != parameter.shape:
                raise SystemExit(f"{folder / file} has no parameter {key} of shape {tuple(parameter.shape)}.")
            with torch.no_grad():
                parameter.copy_(found)
    return int(pack.card.values["training_steps"])


def _weights(path: Path) -> dict[str, Tensor]:
    graph = onnx.load(path).graph
    tensors = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    weights = {name.removeprefix("net."): tensor for name, tensor in tensors.items()}
    for node in graph.node:
        # Such as /net/blocks.0/fc1/MatMul; modules in a list appear as /net/blocks.0/….
        layer = re.fullmatch(r"/net/(.+)/MatMul", node.name)
        if layer and node.input[1] in tensors:
            weights[layer.group(1).replace("/", ".") + ".weight"] = tensors[node.input[1]].T
    return {".".join(FORMER_NAMES.get(part, part) for part in name.split(".")): weights[name] for name in weights}
