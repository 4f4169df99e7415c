import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from export.synthetic_checkpoint import hifigan_checkpoint, wavlm_checkpoint
from models.checkpoints import load_hifigan, load_wavlm
from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.wavlm import LARGE, WavLM
from rtvc.errors import RtvcError
from tests.support.small_models import HIFIGAN, WAVLM, make_hifigan, make_wavlm

Break = Callable[[dict[str, Any]], Any]


def saved(path: Path, checkpoint: object) -> Path:
    torch.save(checkpoint, path)
    return path


def test_a_wavlm_comes_back_from_its_checkpoint(tmp_path: Path) -> None:
    model = make_wavlm()
    path = saved(tmp_path / "WavLM.pt", wavlm_checkpoint(model))
    loaded = load_wavlm(path, replace(WAVLM, layers=2))
    audio = torch.randn(1, 4000)
    expected = make_wavlm()
    expected.layers = expected.layers[:2]
    torch.testing.assert_close(loaded(audio), expected(audio), rtol=1e-5, atol=1e-5)


def test_a_hifigan_comes_back_from_its_checkpoint(tmp_path: Path) -> None:
    model = make_hifigan()
    path = saved(tmp_path / "prematch.pt", hifigan_checkpoint(model))
    features = torch.randn(1, 5, HIFIGAN.feature_dim)
    torch.testing.assert_close(load_hifigan(path, HIFIGAN)(features), model(features), rtol=1e-5, atol=1e-5)


def test_the_full_size_names_are_those_of_the_published_checkpoints() -> None:
    with torch.device("meta"):
        wavlm = wavlm_checkpoint(WavLM(replace(LARGE, layers=2)))["model"]
        hifigan = hifigan_checkpoint(HiFiGAN(HiFiGANConfiguration()))["generator"]
    shapes = {name: tuple(value.shape) for name, value in (wavlm | hifigan).items()}
    assert shapes["encoder.pos_conv.0.weight_g"] == (1, 1, 128)
    assert shapes["encoder.pos_conv.0.weight_v"] == (1024, 64, 128)
    assert shapes["feature_extractor.conv_layers.0.2.1.bias"] == (512,)
    assert shapes["feature_extractor.conv_layers.6.0.weight"] == (512, 512, 2)
    assert shapes["encoder.layers.0.self_attn.relative_attention_bias.weight"] == (320, 16)
    assert "encoder.layers.1.self_attn.relative_attention_bias.weight" not in shapes
    assert shapes["encoder.layers.1.self_attn.grep_linear.weight"] == (8, 64)
    assert shapes["encoder.layers.1.fc1.weight"] == (4096, 1024)
    assert shapes["mask_emb"] == (1024,)
    assert shapes["lin_pre.weight"] == (512, 1024)
    assert shapes["ups.0.weight_g"] == (512, 1, 1)
    assert shapes["ups.0.weight_v"] == (512, 256, 20)
    assert shapes["resblocks.11.convs2.2.weight_v"] == (32, 32, 11)
    assert shapes["conv_post.weight_v"] == (1, 32, 7)
    assert (len(wavlm), len(hifigan)) == (70, 236)


def without(name: str) -> Break:
    def change(checkpoint: dict[str, Any]) -> dict[str, Any]:
        del checkpoint["model"][name]
        return checkpoint

    return change


def having(name: str, value: Tensor) -> Break:
    def change(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["model"][name] = value
        return checkpoint

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("encoder.layers.1.fc1.weight"), r"lacks encoder\.layers\.1\.fc1\.weight\."),
        (having("encoder.layers.1.fc3.weight", torch.ones(1)), r"has unknown encoder\.layers\.1\.fc3\.weight\."),
        (having("post_extract_proj.bias", torch.ones(3)), r"has misshapen post_extract_proj\.bias \(3,\) instead"),
        (having("post_extract_proj.bias", torch.full((WAVLM.width,), torch.nan)), "not finite numbers, in post_ext"),
        (having("encoder.pos_conv.0.weight_g", torch.ones(3)), r"lacks encoder\.pos_conv\.0\.weight\."),
        (lambda checkpoint: checkpoint["cfg"], "holds no dictionary of weights"),
        (lambda checkpoint: {"generator": checkpoint["model"]}, "holds no dictionary of weights"),
        (lambda checkpoint: [1, 2], "holds a list, not a dictionary"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, change: Break, message: str) -> None:
    path = saved(tmp_path / "WavLM.pt", change(wavlm_checkpoint(make_wavlm())))
    with pytest.raises(RtvcError, match=message):
        load_wavlm(path, WAVLM)


def test_the_other_checkpoint_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "WavLM.pt", wavlm_checkpoint(make_wavlm()))
    with pytest.raises(RtvcError, match="holds no dictionary of weights"):
        load_hifigan(path, HIFIGAN)


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "WavLM.pt", wavlm_checkpoint(make_wavlm()))
    content = path.read_bytes()
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(RtvcError, match=r"damaged.*fetch it again\.$"):
            load_wavlm(path, WAVLM)


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    path = saved(tmp_path / "zip.pt", {"model": Payload()})
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps({"model": Payload()}, protocol=2))
    for file in (path, plain):
        with pytest.raises(RtvcError, match="holds pickled code"):
            load_wavlm(file, WAVLM)
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"RIFF....WAVE", np.zeros(9).tobytes()])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("model.pt", "model.safetensors"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RtvcError, match=r"fetch it again\.$"):
            load_wavlm(path, WAVLM)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(RtvcError):
            load_wavlm(path, WAVLM)


def test_a_safetensors_file_loads(tmp_path: Path) -> None:
    model = make_wavlm()
    path = tmp_path / "model.safetensors"
    save_file({name: value.contiguous() for name, value in wavlm_checkpoint(model)["model"].items()}, path)
    audio = torch.randn(1, 4000)
    torch.testing.assert_close(load_wavlm(path, WAVLM)(audio), model(audio), rtol=1e-5, atol=1e-5)
