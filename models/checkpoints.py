"""Load published checkpoints into our models: parameter names are mapped and weight norm is folded.

Only tensors and plain values are read; nothing in a checkpoint is executed.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.wavlm import LARGE, WavLM, WavLMConfiguration
from rtvc.errors import RtvcError

Model = TypeVar("Model", bound=nn.Module)
Names = tuple[tuple[str, str], ...]

ORIGINAL_WAVLM: Names = (
    (r"front\.convolutions\.(\d+)\.", r"feature_extractor.conv_layers.\1.0."),
    (r"front\.norms\.(\d+)\.", r"feature_extractor.conv_layers.\1.2.1."),
    (r"front\.norm\.", "layer_norm."),
    (r"front\.project\.", "post_extract_proj."),
    (r"positions\.convolution\.", "encoder.pos_conv.0."),
    (r"distances\.table\.", "encoder.layers.0.self_attn.relative_attention_bias."),
    (r"norm\.", "encoder.layer_norm."),
    (r"layers\.(\d+)\.attention\.query\.", r"encoder.layers.\1.self_attn.q_proj."),
    (r"layers\.(\d+)\.attention\.key\.", r"encoder.layers.\1.self_attn.k_proj."),
    (r"layers\.(\d+)\.attention\.value\.", r"encoder.layers.\1.self_attn.v_proj."),
    (r"layers\.(\d+)\.attention\.output\.", r"encoder.layers.\1.self_attn.out_proj."),
    (r"layers\.(\d+)\.attention\.gate\.", r"encoder.layers.\1.self_attn.grep_linear."),
    (r"layers\.(\d+)\.attention\.gate_scale", r"encoder.layers.\1.self_attn.grep_a"),
    (r"layers\.(\d+)\.attention_norm\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"layers\.(\d+)\.fc1\.", r"encoder.layers.\1.fc1."),
    (r"layers\.(\d+)\.fc2\.", r"encoder.layers.\1.fc2."),
    (r"layers\.(\d+)\.norm\.", r"encoder.layers.\1.final_layer_norm."),
)
"""Patterns of our parameter names' prefixes, and the prefixes in Microsoft's checkpoints.

If the first convolution has a group norm, its original name lacks the last `1.`.
"""

HUGGING_FACE_WAVLM: Names = (
    (r"front\.convolutions\.(\d+)\.", r"feature_extractor.conv_layers.\1.conv."),
    (r"front\.norms\.(\d+)\.", r"feature_extractor.conv_layers.\1.layer_norm."),
    (r"front\.norm\.", "feature_projection.layer_norm."),
    (r"front\.project\.", "feature_projection.projection."),
    (r"positions\.convolution\.", "encoder.pos_conv_embed.conv."),
    (r"distances\.table\.", "encoder.layers.0.attention.rel_attn_embed."),
    (r"norm\.", "encoder.layer_norm."),
    (r"layers\.(\d+)\.attention\.query\.", r"encoder.layers.\1.attention.q_proj."),
    (r"layers\.(\d+)\.attention\.key\.", r"encoder.layers.\1.attention.k_proj."),
    (r"layers\.(\d+)\.attention\.value\.", r"encoder.layers.\1.attention.v_proj."),
    (r"layers\.(\d+)\.attention\.output\.", r"encoder.layers.\1.attention.out_proj."),
    (r"layers\.(\d+)\.attention\.gate\.", r"encoder.layers.\1.attention.gru_rel_pos_linear."),
    (r"layers\.(\d+)\.attention\.gate_scale", r"encoder.layers.\1.attention.gru_rel_pos_const"),
    (r"layers\.(\d+)\.attention_norm\.", r"encoder.layers.\1.layer_norm."),
    (r"layers\.(\d+)\.fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
    (r"layers\.(\d+)\.fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
    (r"layers\.(\d+)\.norm\.", r"encoder.layers.\1.final_layer_norm."),
)

HIFIGAN: Names = (
    (r"in_proj\.", "lin_pre."),
    (r"first\.", "conv_pre."),
    (r"upsamplers\.(\d+)\.", r"ups.\1."),
    (r"blocks\.(\d+)\.dilated\.(\d+)\.", r"resblocks.\1.convs1.\2."),
    (r"blocks\.(\d+)\.plain\.(\d+)\.", r"resblocks.\1.convs2.\2."),
    (r"last\.", "conv_post."),
)

NAMED_AT_MOST = 5


def load_wavlm(path: Path, configuration: WavLMConfiguration = LARGE) -> WavLM:
    """Load WavLM's first layers from Microsoft's `.pt`, or a `.safetensors` or `.bin` of Hugging Face.

    Raises
    ------
    RtvcError
        If the file is missing, damaged, holds code, is not this model, or has weights that are not finite.
    """
    whole = read_checkpoint(path)
    values = whole.get("model", whole)
    hugging_face = isinstance(values, Mapping) and "feature_projection.projection.weight" in values
    weights = _fold_weight_norm(_tensors(values, path))
    kept = f"(?!(?:{'|'.join(map(str, range(configuration.layers)))})\\.)"
    unused = [r"encoder\.layers\." + kept, "mask_emb$", "masked_spec_embed$"]
    if configuration.pre_norm:
        unused.append(r"encoder\.layer_norm\.")
    names = HUGGING_FACE_WAVLM if hugging_face else original_names(configuration)
    return _load(WavLM(configuration), names, weights, unused, path)


def load_hifigan(path: Path, configuration: HiFiGANConfiguration | None = None) -> HiFiGAN:
    """Load the generator of kNN-VC's HiFi-GAN; raise `RtvcError` as `load_wavlm` does."""
    whole = read_checkpoint(path)
    weights = _fold_weight_norm(_tensors(whole.get("generator", whole), path))
    return _load(HiFiGAN(configuration or HiFiGANConfiguration()), HIFIGAN, weights, (), path)


def original_names(configuration: WavLMConfiguration) -> Names:
    """Return the names of Microsoft's checkpoint of this configuration."""
    if configuration.front_norm == "layer":
        return ORIGINAL_WAVLM
    return tuple((ours, theirs.replace(".2.1.", ".2.")) for ours, theirs in ORIGINAL_WAVLM)


def translate(name: str, names: Names) -> str:
    """Return the checkpoint's name of our parameter `name`."""
    for ours, theirs in names:
        translated, found = re.subn("^" + ours, theirs, name)
        if found:
            return translated
    raise KeyError(name)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read the dictionary in a checkpoint without running anything; raise `RtvcError` saying why it cannot be."""
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        # A zip archive is mapped, so that what is not used is not read.
        value = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except FileNotFoundError:
        raise RtvcError(f"There is no file {path}: fetch the checkpoint first.") from None
    except pickle.UnpicklingError as error:
        if "global" in str(error).lower():
            raise RtvcError(
                f"{path} holds pickled code beside its weights and is not read: fetch it again."
            ) from None
        raise RtvcError(f"{path} is not a checkpoint of PyTorch, or is damaged: fetch it again.") from None
    except SafetensorError as error:
        raise RtvcError(f"{path} is damaged or not a safetensors file ({error}): fetch it again.") from None
    except IsADirectoryError:
        raise RtvcError(f"{path} is a folder, not a checkpoint.") from None
    except PermissionError:
        raise RtvcError(f"{path} may not be read: change its permissions.") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, IndexError, TypeError):
        raise RtvcError(f"{path} is cut short or damaged, or no checkpoint of PyTorch: fetch it again.") from None
    if not isinstance(value, dict):
        raise RtvcError(f"{path} holds a {type(value).__name__}, not a dictionary of weights: it is another file.")
    return value


def _tensors(values: object, path: Path) -> dict[str, Tensor]:
    tensors = isinstance(values, Mapping) and all(isinstance(value, Tensor) for value in values.values())
    if not isinstance(values, Mapping) or not tensors:
        raise RtvcError(f"{path} holds no dictionary of weights where this model's checkpoint has it: another file?")
    return {str(name): value for name, value in values.items()}


def _fold_weight_norm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace direction and length of a weight (Salimans & Kingma, 2016) by the weight itself."""
    folded = dict(weights)
    for length, direction in (
        ("weight_g", "weight_v"),
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ):
        for name in [name for name in weights if name.endswith("." + length)]:
            stem = name.removesuffix(length)
            g, v = weights[name].float(), weights.get(stem + direction, weights[name]).float()
            over = [axis for axis, size in enumerate(g.shape) if size == 1]
            fits = g.dim() == v.dim() and all(size in (1, v.shape[axis]) for axis, size in enumerate(g.shape))
            if fits and stem + direction in folded:
                del folded[name], folded[stem + direction]
                folded[stem + "weight"] = v * (g / torch.linalg.vector_norm(v, dim=over, keepdim=True))
    return folded


def _load(model: Model, names: Names, weights: Mapping[str, Tensor], unused: Iterable[str], path: Path) -> Model:
    """Put the checkpoint's weights into the model, every one by name and shape."""
    wanted = {translate(name, names): name for name in model.state_dict()}
    skip = re.compile("|".join(unused) or "$^")
    unknown = [name for name in weights if name not in wanted and not skip.match(name)]
    missing = [name for name in wanted if name not in weights]
    misshapen = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(model.state_dict()[ours].shape)}"
        for name, ours in wanted.items()
        if name in weights and weights[name].shape != model.state_dict()[ours].shape
    ]
    for fault, found in (("lacks", missing), ("has unknown", unknown), ("has misshapen", misshapen)):
        if found:
            raise RtvcError(f"{path} is not a checkpoint of this {type(model).__name__}: it {fault} {_some(found)}.")
    broken = [name for name in wanted if not torch.isfinite(weights[name]).all()]
    if broken:
        raise RtvcError(f"{path} has weights that are not finite numbers, in {_some(broken)}: fetch it again.")
    model.load_state_dict({ours: weights[name].float() for name, ours in wanted.items()})
    return model.eval()


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more
