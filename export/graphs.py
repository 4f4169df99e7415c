"""Streaming graphs of published models: export, quantisation, and comparison with torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import nn

from export.card import write_card
from export.hifigan import CachedHiFiGAN, Missing, Order, WindowedHiFiGAN, exact_delay
from export.offline import export_offline
from export.published import Models
from export.quantisation import WEIGHT_BITS, quantise
from export.settings import BuildSettings, Precision
from export.streaming import export_streaming
from export.wavlm import StreamingWavLM
from models.streaming import StreamingState
from rtvc.benchmark.fidelity import log_spectral_distance
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics
from rtvc.files.whole_file_conversion import GRAPHS
from rtvc.packs.card import ENCODER, VOCODER
from rtvc.packs.catalogue import KnownPack
from rtvc.packs.graph import GraphStage, Kind
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime

LEVEL_DBFS = -26.0
BLOCK_SIZE = 2
THREADS = 2
"""Threads of each graph. With one, a step of 20 ms takes about 20 ms to compute."""

FRONT_END = "/front/"
"""Marks products of the front end, which stay in float32: 8 bits save little time there, and every later layer
inherits the error."""

CHECKED_FRAMES = 24
TOLERANCE = 1e-3
"""Largest relative difference between a graph in float32 and torch."""
QUANTISED_TOLERANCE = 0.1
"""The same for weights of 8 bits; small models come to 0.004 ... 0.04. Saturating products gave 0.12 and 0.19."""


def export_graphs(
    known: KnownPack,
    models: Models,
    sound: Block,
    settings: BuildSettings,
    folder: Path,
    say: Callable[[str], None] = print,
) -> ModelPack:
    """Write the streaming graphs, compared with torch on `sound`, and a card; return that pack.

    Its statistics are placeholders, since the real ones are computed with the exported encoder.
    """
    configuration = models.encoder.configuration
    encoder = StreamingWavLM(models.encoder, settings.encoder)
    audio = sound[: (CHECKED_FRAMES + settings.encoder.lookahead) * configuration.hop]
    latency = settings.encoder.lookahead * configuration.hop + configuration.overlap
    precision = _export(models, encoder, folder / ENCODER, "encoder", latency, audio, settings.precision, say)
    vocoder, latency = _vocoder(models, sound, settings, say)
    features = models.encode(audio)
    vocoder_precision = _export(
        models, vocoder, folder / VOCODER, "vocoder", latency, features, settings.vocoder_precision, say
    )
    settings = replace(settings, precision=precision, vocoder_precision=vocoder_precision)
    stand_in = FeatureStatistics.of(np.zeros((0, configuration.width), np.float32))
    write_card(folder, _card(known, models, settings), stand_in)
    return ModelPack(folder)


def _export(
    models: Models,
    net: nn.Module,
    path: Path,
    kind: Kind,
    latency: int,
    block: Block,
    precision: Precision,
    say: Callable[[str], None],
) -> Precision:
    """Write a net with a latency in samples, compare it with torch on `block`, and return the weights' precision.

    Weights stay in float32 where 8 bits are too far from torch on this machine.
    """
    sizes = _sizes(models)
    frames, samples = divmod(latency, sizes["hop"])
    with warnings.catch_warnings():
        # The exporter warns that it is deprecated.
        warnings.simplefilter("ignore")
        export_streaming(net, path, kind, **sizes, lookahead_frames=frames, delay_samples=samples)
    error = _error(net, path, kind, block)
    say(f"{path.name}: relative difference from torch {error:.1e}")
    if not error <= TOLERANCE:
        raise RtvcError(
            f"{path.name} differs from torch by {error:.1e}, more than {TOLERANCE}: the pack is not built."
        )
    if precision != "float32":
        exact = path.read_bytes()
        quantise(path, precision == "int8-blockwise", keep=FRONT_END)
        error = _error(net, path, kind, block)
        say(f"{path.name}: relative difference from torch {error:.1e} with weights of 8 bits")
        if not error <= QUANTISED_TOLERANCE:
            path.write_bytes(exact)
            say(f"{path.name}: more than {QUANTISED_TOLERANCE}, so the weights stay in float32")
            return "float32"
    return precision


def export_whole(models: Models, folder: Path) -> None:
    """Write float32 graphs to `folder` that take whole utterances."""
    nets: dict[Kind, nn.Module] = {"encoder": models.encoder, "vocoder": models.vocoder}
    for kind, net in nets.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            export_offline(net, folder / GRAPHS[kind], kind, **_sizes(models))


def _sizes(models: Models) -> dict[str, int]:
    c = models.encoder.configuration
    return {"sample_rate": c.sample_rate, "hop": c.hop, "feature_dim": c.width}


def _vocoder(
    models: Models, sound: Block, settings: BuildSettings, say: Callable[[str], None]
) -> tuple[nn.Module, int]:
    """Return the streaming vocoder and its latency in samples; of cached ones, the one closest to offline."""
    configuration = models.vocoder.configuration
    budget = settings.vocoder_frames * configuration.hop
    if settings.vocoder == "windowed":
        return WindowedHiFiGAN(models.vocoder, settings.vocoder_frames, settings.fade), budget + settings.fade
    if budget >= exact_delay(configuration):
        return (net := CachedHiFiGAN(models.vocoder, budget)), net.delay
    features = models.encode(sound)
    expected = models.vocode(features)
    found: dict[tuple[Order, Missing], tuple[float, CachedHiFiGAN]] = {}
    for order, missing in product(get_args(Order), get_args(Missing)):
        net = CachedHiFiGAN(models.vocoder, budget, order, missing)
        with torch.no_grad():
            audio = net(torch.from_numpy(features)[None], StreamingState())[0].numpy()
        distance = log_spectral_distance(audio[net.delay :], expected, configuration.sample_rate)
        found[order, missing] = distance, net
        say(f"vocoder, {order} layers first, {missing} for what is missing: {distance:.1f} dB from offline")
    net = min(found.values(), key=lambda pair: pair[0])[1]
    return net, net.delay


@torch.no_grad()
def _error(net: nn.Module, path: Path, kind: Kind, block: Block) -> float:
    """Return the relative difference between torch and ONNX Runtime, both frame by frame."""
    stage = GraphStage(path.read_bytes(), str(path), kind, Runtime(provider="cpu"))
    state, steps = StreamingState(), []
    for start in range(0, len(block), stage.granularity):
        step = block[start : start + stage.granularity]
        steps.append((stage.process(step), net(torch.from_numpy(step)[None], state)[0].numpy()))
        state = StreamingState(state.next)
    streamed, expected = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    return float(np.linalg.norm(streamed - expected) / np.linalg.norm(expected))


def _card(known: KnownPack, models: Models, settings: BuildSettings) -> dict[str, Any]:
    provider = "auto" if settings.vocoder == "windowed" else "cpu"
    return {
        "name": known.name,
        "description": known.description,
        "licence": known.licence,
        "training_data": known.training_data,
        "checkpoints": models.checkpoints,
        "settings": asdict(settings),
        "weight_bits": WEIGHT_BITS,
        "roles": {},
        "level_dbfs": LEVEL_DBFS,
        "defaults": {"block_size": BLOCK_SIZE, "provider": provider, "threads": THREADS},
    }
