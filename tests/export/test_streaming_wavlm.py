from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from export.streaming import export_streaming
from export.wavlm import EncoderSettings, StreamingWavLM
from models.streaming import StreamingState
from models.wavlm import AttentionContext, WavLM
from rtvc.packs.graph import GraphStage
from rtvc.packs.runtime import Runtime
from tests.support.small_models import WAVLM, make_wavlm

FRAMES = 42
STEPS = (1, 2, 3, 7)
SETTINGS = (
    EncoderSettings(lookahead=1, window=20, past=4),
    EncoderSettings(lookahead=0, window=1, past=10),
    EncoderSettings(lookahead=2, window=3, past=10),
    EncoderSettings(lookahead=2, window=6, past=5),
    EncoderSettings(lookahead=3, window=12, past=0),
)


@cache
def model() -> WavLM:
    return make_wavlm()


@cache
def audio() -> Tensor:
    return 0.3 * torch.randn(1, FRAMES * WAVLM.hop, generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def masked(settings: EncoderSettings) -> Tensor:
    """The same regime as one dense pass: a token for each row at each instant, and a mask of what it may see."""
    s, net = settings, model()
    frames = net.front(functional.pad(audio(), (WAVLM.overlap, 0)))[0]
    tokens = [(row, now) for now in range(FRAMES) for row in range(max(0, now - s.window + 1), now + 1)]
    padding = (0, 0, net.positions.before, net.positions.after)
    placed = [
        frames[: now + 1] + net.positions(functional.pad(frames[: now + 1], padding)[None])[0]
        for now in range(FRAMES)
    ]
    x = torch.stack([placed[now][row] for row, now in tokens])[None]
    row, now = torch.tensor(tokens).T
    together = now[:, None] == now
    left = (row == now - s.window + 1) & (row < (now[:, None] - s.window + 1))
    left &= row >= now[:, None] - s.window + 1 - s.past
    context = AttentionContext(net.distances(row - row[:, None]), together | left)
    for layer in net.layers:
        x = layer(x, context)
    index = {token: place for place, token in enumerate(tokens)}
    chosen = [x[0, index[now - s.lookahead, now]] for now in range(s.lookahead, FRAMES)]
    return torch.cat([torch.zeros(s.lookahead, WAVLM.width), torch.stack(chosen)])


def graph(settings: EncoderSettings, folder: Path) -> GraphStage:
    path = folder / "encoder.onnx"
    export_streaming(
        StreamingWavLM(model(), settings),
        path,
        "encoder",
        sample_rate=WAVLM.sample_rate,
        hop=WAVLM.hop,
        feature_dim=WAVLM.width,
        lookahead_frames=settings.lookahead,
        delay_samples=WAVLM.overlap,
    )
    return GraphStage(path.read_bytes(), str(path), "encoder", Runtime(provider="cpu"))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_stream_equals_the_net_under_its_mask_in_steps_of_any_size(
    settings: EncoderSettings, tmp_path: Path
) -> None:
    expected = masked(settings).numpy()
    stage = graph(settings, tmp_path)
    sound = audio()[0].numpy()
    for step in STEPS:
        stage.reset()
        size = step * WAVLM.hop
        features = np.concatenate([stage.process(sound[at : at + size]) for at in range(0, len(sound), size)])
        np.testing.assert_allclose(features, expected, atol=2e-5)


@torch.no_grad()
def test_a_window_over_everything_equals_the_whole_utterance() -> None:
    net, padded = model(), functional.pad(audio(), (WAVLM.overlap, 0))
    for lookahead in (0, 5, FRAMES - 1):
        stream = StreamingWavLM(net, EncoderSettings(lookahead, FRAMES, 0))
        features = stream(audio(), StreamingState())[0]
        for now in (FRAMES - 1, max(lookahead, FRAMES - 10)):
            whole = net(padded[:, : WAVLM.overlap + (now + 1) * WAVLM.hop])[0]
            torch.testing.assert_close(features[now], whole[now - lookahead], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_later_sound_never_changes_earlier_features() -> None:
    settings = EncoderSettings(lookahead=2, window=4, past=8)
    changed = audio().clone()
    changed[:, 20 * WAVLM.hop :] = 0
    one, other = (StreamingWavLM(model(), settings)(sound, StreamingState())[0] for sound in (audio(), changed))
    torch.testing.assert_close(one[:20], other[:20], rtol=0, atol=1e-6)
    assert not torch.allclose(one[20:], other[20:], atol=1e-2)


def test_settings_that_make_no_stream_are_refused() -> None:
    for settings in ((4, 4, 10), (-1, 3, 10), (0, 1, -1)):
        with pytest.raises(ValueError, match="window must exceed"):
            EncoderSettings(*settings)


def test_a_front_end_over_the_whole_utterance_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot stream"):
        StreamingWavLM(make_wavlm(replace(WAVLM, front_norm="group")), EncoderSettings())
