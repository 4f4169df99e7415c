from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from export.hifigan import CachedHiFiGAN, Missing, Order, WindowedHiFiGAN, exact_delay
from export.streaming import export_streaming
from models.hifigan import HiFiGAN
from models.streaming import StreamingState
from rtvc.packs.graph import GraphStage
from rtvc.packs.runtime import Runtime
from tests.support.small_models import HIFIGAN, make_hifigan

FRAMES = 42
STEPS = (1, 2, 3, 7)
EXACT_FRAMES = 11
FADE = 80


@cache
def model() -> HiFiGAN:
    return make_hifigan()


@cache
def features() -> Tensor:
    return torch.randn(1, FRAMES, HIFIGAN.feature_dim, generator=torch.Generator().manual_seed(3))


@cache
def offline() -> Tensor:
    with torch.no_grad():
        audio: Tensor = model()(features())[0]
        return audio


def graph(net: nn.Module, latency: int, folder: Path) -> GraphStage:
    path = folder / "vocoder.onnx"
    export_streaming(
        net,
        path,
        "vocoder",
        sample_rate=HIFIGAN.sample_rate,
        hop=HIFIGAN.hop,
        feature_dim=HIFIGAN.feature_dim,
        lookahead_frames=latency // HIFIGAN.hop,
        delay_samples=latency % HIFIGAN.hop,
    )
    return GraphStage(path.read_bytes(), str(path), "vocoder", Runtime(provider="cpu"))


def streamed(stage: GraphStage, step: int) -> npt.NDArray[np.float32]:
    stage.reset()
    rows = features()[0].numpy()
    return np.concatenate([stage.process(rows[at : at + step]) for at in range(0, FRAMES, step)])


def interior(audio: npt.NDArray[np.float32] | Tensor, latency: int) -> npt.NDArray[np.float32]:
    """The part of streamed audio, put back in time, whose past and future lie within the utterance."""
    edge = EXACT_FRAMES * HIFIGAN.hop
    return np.asarray(audio)[2 * edge + latency : len(audio) - edge + latency]


@torch.no_grad()
def relative_error(net: nn.Module, latency: int) -> float:
    """The error of the interior, streamed."""
    state, rendered = StreamingState(), []
    for step in torch.split(features(), STEPS[-1], dim=1):
        rendered.append(net(step, state)[0])
        state = StreamingState(state.next)
    found = interior(torch.cat(rendered), latency)
    expected = interior(offline(), 0)[: len(found)]
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_the_published_net_looks_eleven_frames_ahead() -> None:
    assert 10 * HIFIGAN.hop < exact_delay(HIFIGAN) < EXACT_FRAMES * HIFIGAN.hop


@pytest.mark.parametrize("fade", [0, FADE])
def test_a_window_with_all_its_future_renders_the_interior_exactly(tmp_path: Path, fade: int) -> None:
    latency = EXACT_FRAMES * HIFIGAN.hop + fade
    stage = graph(WindowedHiFiGAN(model(), EXACT_FRAMES, fade), latency, tmp_path)
    for step in STEPS:
        found = interior(streamed(stage, step), stage.latency)
        np.testing.assert_allclose(found, interior(offline(), 0)[: len(found)], atol=1e-4)


def test_a_cache_with_the_exact_delay_renders_the_interior_exactly(tmp_path: Path) -> None:
    net = CachedHiFiGAN(model(), EXACT_FRAMES * HIFIGAN.hop)
    assert net.delay == exact_delay(HIFIGAN)
    stage = graph(net, net.delay, tmp_path)
    for step in STEPS:
        found = interior(streamed(stage, step), stage.latency)
        np.testing.assert_allclose(found, interior(offline(), 0)[: len(found)], atol=1e-4)


@pytest.mark.parametrize(("order", "missing"), [("coarse", "zeros"), ("fine", "edge")])
def test_a_cache_gives_the_same_in_steps_of_any_size(tmp_path: Path, order: Order, missing: Missing) -> None:
    net = CachedHiFiGAN(model(), 2 * HIFIGAN.hop, order, missing)
    stage = graph(net, net.delay, tmp_path)
    with torch.no_grad():
        whole = net(features(), StreamingState())[0].numpy()
    for step in STEPS:
        np.testing.assert_allclose(streamed(stage, step), whole, atol=1e-5)


def test_a_cache_keeps_within_its_delay_and_errs_less_the_more_it_has() -> None:
    budgets = (0, 1, 2, EXACT_FRAMES)
    for order in get_args(Order):
        for budget in budgets:
            assert 0 <= budget * HIFIGAN.hop - CachedHiFiGAN(model(), budget * HIFIGAN.hop, order).delay < HIFIGAN.hop
    nets = [CachedHiFiGAN(model(), budget * HIFIGAN.hop, "fine") for budget in budgets]
    errors = [relative_error(net, net.delay) for net in nets]
    assert errors[0] > errors[1] > errors[2] > errors[3]
    assert errors[3] < 1e-5


def test_a_window_errs_less_the_more_future_it_has() -> None:
    windows = [(WindowedHiFiGAN(model(), right, FADE), right * HIFIGAN.hop + FADE) for right in (0, 4, EXACT_FRAMES)]
    errors = [relative_error(net, latency) for net, latency in windows]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5
