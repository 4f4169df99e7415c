"""Checkpoints of the published names and shapes with random weights: `python -m export.synthetic_checkpoint`.

The published files are not available everywhere; these replace them wherever only the code is under test.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from models.checkpoints import HIFIGAN, original_names, translate
from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.wavlm import LARGE, WavLM, WavLMConfiguration
from rtvc.packs.catalogue import WAVLM_LARGE

Model = TypeVar("Model", bound=nn.Module)

RESIDUAL_GAIN = 0.5
LAST_GAIN = 0.05


@torch.no_grad()
def randomize(model: Model, seed: int = 0) -> Model:
    """Give every parameter a random value of a scale that keeps a signal's power through the net."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        kind = name.rsplit(".", 1)[-1]
        owner = model.get_submodule(name.rsplit(".", 1)[0])
        noise = torch.randn(parameter.shape, generator=random)
        if kind == "weight" and parameter.dim() > 1 and not isinstance(owner, nn.Embedding):
            inputs = parameter[0].numel()
            if isinstance(owner, nn.ConvTranspose1d):
                inputs = parameter.shape[0] * parameter.shape[2] // owner.stride[0]
            gain = RESIDUAL_GAIN if ".plain." in name else LAST_GAIN if name == "last.weight" else 1.4
            parameter.copy_(noise * (gain if isinstance(model, HiFiGAN) else 1.0) / math.sqrt(inputs))
        elif kind == "bias":
            parameter.copy_(0.1 * noise)
        elif isinstance(owner, nn.Embedding):
            parameter.copy_(noise)
        else:
            parameter.copy_(1 + 0.1 * noise)
    return model.eval()


def wavlm_checkpoint(model: WavLM) -> dict[str, Any]:
    """Return what Microsoft's checkpoint of this model would hold: `cfg` and `model`."""
    names = original_names(model.configuration)
    weights = {translate(name, names): value for name, value in model.state_dict().items()}
    convolution = "encoder.pos_conv.0.weight"
    weights |= _weight_norm(convolution, weights.pop(convolution), over=(0, 1))
    weights["mask_emb"] = torch.zeros(model.configuration.width)
    if model.configuration.pre_norm:
        for kind, value in (("weight", 1.0), ("bias", 0.0)):
            weights[f"encoder.layer_norm.{kind}"] = torch.full((model.configuration.width,), value)
    return {"cfg": _published_configuration(model.configuration), "model": weights}


def _published_configuration(c: WavLMConfiguration) -> dict[str, Any]:
    """Return what `cfg` says of this configuration, so that other programs too can load the checkpoint."""
    return {
        "extractor_mode": "layer_norm" if c.front_norm == "layer" else "default",
        "encoder_layers": c.layers,
        "encoder_embed_dim": c.width,
        "encoder_ffn_embed_dim": c.feed_forward,
        "encoder_attention_heads": c.heads,
        "activation_fn": "gelu",
        "layer_norm_first": c.pre_norm,
        "conv_feature_layers": str(list(c.convolutions)),
        "conv_bias": False,
        "normalize": c.front_norm == "layer",
        "conv_pos": c.position_kernel,
        "conv_pos_groups": c.position_groups,
        "relative_position_embedding": True,
        "num_buckets": c.buckets,
        "max_distance": c.max_distance,
        "gru_rel_pos": True,
    }


def hifigan_checkpoint(model: HiFiGAN) -> dict[str, Any]:
    """Return what kNN-VC's checkpoint of this model would hold: `generator`, with weight norm."""
    weights: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        translated = translate(name, HIFIGAN)
        plain = value.dim() != 3
        weights |= {translated: value} if plain else _weight_norm(translated, value, over=(1, 2))
    return {"generator": weights}


def _weight_norm(name: str, weight: Tensor, over: tuple[int, int]) -> dict[str, Tensor]:
    return {f"{name}_g": torch.linalg.vector_norm(weight, dim=over, keepdim=True), f"{name}_v": weight}


def main() -> None:
    """Write both files under their published names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the two files (1.3 GB)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    wavlm = randomize(WavLM(replace(LARGE, layers=LARGE.checkpoint_layers)), arguments.seed)
    encoder, vocoder = (arguments.output / file.name for file in WAVLM_LARGE.files)
    torch.save(wavlm_checkpoint(wavlm), encoder)
    torch.save(hifigan_checkpoint(randomize(HiFiGAN(HiFiGANConfiguration()), arguments.seed)), vocoder)
    print(f"{encoder}\n{vocoder}")


if __name__ == "__main__":
    main()
