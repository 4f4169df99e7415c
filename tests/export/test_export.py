from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'export' (torch)")
import torch

from export.streaming import export_streaming, verify_streaming
from models.mini.configuration import MiniConfiguration
from models.mini.encoder import MiniEncoder
from models.mini.vocoder import MiniVocoder
from models.streaming import StreamingState
from rtvc.packs.graph import GraphStage, Kind

SMALL = MiniConfiguration(encoder_width=32, vocoder_width=32, fine_width=16, latent=8, noise_length=1000)


@pytest.mark.parametrize("kind", ["encoder", "vocoder"])
def test_the_graph_streams_what_torch_computes_at_once(kind: Kind, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = MiniEncoder(SMALL) if kind == "encoder" else MiniVocoder(SMALL)
    path = tmp_path / f"{kind}.onnx"
    described = export_streaming(
        net,
        path,
        kind,
        sample_rate=16_000,
        hop=320,
        feature_dim=SMALL.feature_dim,
        lookahead_frames=1,
        delay_samples=240,
    )
    stage = GraphStage(path.read_bytes(), str(path), kind)
    assert stage.description == described
    assert stage.latency == 560
    # Torch over the whole stretch against ONNX Runtime frame by frame, past the end of the noise table.
    assert verify_streaming(net, path, kind) < 1e-5
    random = np.random.default_rng(1)
    shape = (42 * 320,) if kind == "encoder" else (42, SMALL.feature_dim)
    block = (0.1 * random.standard_normal(shape)).astype(np.float32)
    with torch.no_grad():
        whole = net(torch.from_numpy(block)[None], StreamingState())[0].numpy()
    for frames in (2, 3, 7):
        stage.reset()
        size = frames * stage.granularity
        parts = [stage.process(block[start : start + size]) for start in range(0, len(block), size)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-5)
