import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.checkpoints import load_wavlm
from models.wavlm import LARGE, WavLMConfiguration
from tests.support.small_models import WAVLM, make_wavlm

POST_NORM = replace(WAVLM, front_norm="group", pre_norm=False)


def hugging_face_model(configuration: WavLMConfiguration) -> torch.nn.Module:
    transformers = pytest.importorskip("transformers")
    c = configuration
    settings = transformers.WavLMConfig(
        hidden_size=c.width,
        num_hidden_layers=c.checkpoint_layers,
        num_attention_heads=c.heads,
        intermediate_size=c.feed_forward,
        conv_dim=[channels for channels, _, _ in c.convolutions],
        conv_kernel=[kernel for _, kernel, _ in c.convolutions],
        conv_stride=[stride for _, _, stride in c.convolutions],
        feat_extract_norm=c.front_norm,
        do_stable_layer_norm=c.pre_norm,
        num_conv_pos_embeddings=c.position_kernel,
        num_conv_pos_embedding_groups=c.position_groups,
        num_buckets=c.buckets,
        max_bucket_distance=c.max_distance,
    )
    torch.manual_seed(0)
    model: torch.nn.Module = transformers.WavLMModel(settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model


FULL_SIZE = pytest.param(
    replace(LARGE, checkpoint_layers=LARGE.layers + 1),
    marks=pytest.mark.skipif("RTVC_FULL_SIZE" not in os.environ, reason="set RTVC_FULL_SIZE=1: it takes 2 GB"),
)


@pytest.mark.parametrize("configuration", [WAVLM, POST_NORM, FULL_SIZE], ids=["small", "base-plus", "large"])
@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_a_second_implementation_gives_the_same_features(
    tmp_path: Path, configuration: WavLMConfiguration, suffix: str
) -> None:
    reference = hugging_face_model(configuration)
    path = tmp_path / f"model.{suffix}"
    weights = {name: value.contiguous() for name, value in reference.state_dict().items()}
    save_file(weights, path) if suffix == "safetensors" else torch.save(weights, path)
    ours = load_wavlm(path, configuration)
    for seconds in (0.5, 3.0, 10.0):
        audio = 0.1 * torch.randn(1, int(seconds * configuration.sample_rate))
        with torch.no_grad():
            expected = reference(audio, output_hidden_states=True).hidden_states[configuration.layers]
            features = ours(audio)
        error = (features - expected).norm() / expected.norm()
        assert error < 1e-4


def test_frames_come_every_hop_and_overlap() -> None:
    assert (WAVLM.hop, WAVLM.overlap) == (320, 80)
    for samples, frames in ((400, 1), (719, 1), (720, 2), (80000, 249)):
        assert make_wavlm()(torch.zeros(1, samples)).shape == (1, frames, WAVLM.width)
