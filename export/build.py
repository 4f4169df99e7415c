"""Builds a model pack from published checkpoints: export, quantisation, comparison with torch, measurement."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import nn

from export.card import write_card
from export.hifigan import CachedHiFiGAN, Missing, Order, WindowedHiFiGAN, exact_delay
from export.offline import export_offline
from export.quantisation import WEIGHT_BITS, quantise
from export.streaming import export_streaming
from export.wavlm import EncoderSettings, StreamingWavLM
from models.checkpoints import load_hifigan, load_wavlm
from models.hifigan import HiFiGAN, HiFiGANConfiguration
from models.streaming import StreamingState
from models.wavlm import LARGE, WavLM, WavLMConfiguration
from rtvc.audio_file import AudioFile
from rtvc.benchmark.fidelity import Fidelity, log_spectral_distance, measure, read_recordings
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics, merge_all
from rtvc.files.whole_file_conversion import GRAPHS
from rtvc.packs.card import ENCODER, VOCODER
from rtvc.packs.catalogue import KnownPack
from rtvc.packs.download import digest
from rtvc.packs.graph import GraphStage, Kind
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.storage import atomic_folder, make_folder
from rtvc.voices.voice import reference_features

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

MEASURED_RECORDINGS = 3
POPULATION_RECORDINGS = 40
MOST_LOOKAHEAD = 8

Vocoder = Literal["cached", "windowed"]
Precision = Literal["float32", "int8", "int8-blockwise"]


@dataclass(frozen=True)
class BuildSettings:
    """How a pack streams.

    Attributes
    ----------
    encoder
        The encoder's frames of future, of window and of past.
    vocoder, vocoder_frames
        The streaming form, and its delay budget (cached) or right context (windowed) in frames.
    fade
        Length in samples of the crossfade between steps of a windowed vocoder.
    precision, vocoder_precision
        Weights of large matrix products. The encoder's front end always has float32.
    offline
        Whether to add float32 graphs that take whole utterances.
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    vocoder: Vocoder = "cached"
    vocoder_frames: int = 2
    fade: int = 80
    precision: Precision = "int8-blockwise"
    vocoder_precision: Precision = "int8"
    offline: bool = False


CPU = BuildSettings()
GPU = BuildSettings(
    EncoderSettings(lookahead=2, window=75, past=0), "windowed", 2, precision="float32", vocoder_precision="float32"
)
PRESETS = {"cpu": CPU, "gpu": GPU}


@dataclass(frozen=True)
class Models:
    """Both networks, and the SHA-256 of the files that their weights came from."""

    encoder: WavLM
    vocoder: HiFiGAN
    checkpoints: dict[str, str]

    @classmethod
    def load(
        cls,
        encoder: Path,
        vocoder: Path,
        wavlm: WavLMConfiguration = LARGE,
        hifigan: HiFiGANConfiguration | None = None,
    ) -> Models:
        """Load both checkpoints; raise `RtvcError` if one has another structure, or they do not fit each other."""
        models = cls(
            load_wavlm(encoder, wavlm),
            load_hifigan(vocoder, hifigan),
            {p.name: digest(p) for p in (encoder, vocoder)},
        )
        if models.vocoder.configuration.feature_dim != wavlm.width:
            raise RtvcError(f"{vocoder} does not take the features that {encoder} gives.")
        return models

    @torch.no_grad()
    def encode(self, audio: Block) -> Block:
        """Return features `[frames, dim]` of a whole utterance `[samples]`."""
        features: Block = self.encoder(torch.from_numpy(audio)[None])[0].numpy()
        return features

    @torch.no_grad()
    def vocode(self, features: Block) -> Block:
        """Return the audio `[frames · hop]` of features `[frames, dim]`."""
        audio: Block = self.vocoder(torch.from_numpy(features)[None])[0].numpy()
        return audio


def build_pack(
    known: KnownPack,
    models: Models,
    speech: Sequence[Path],
    destination: Path,
    settings: BuildSettings = CPU,
    say: Callable[[str], None] = print,
    overwrite: bool = False,
) -> Fidelity:
    """Build a pack at `destination`, whole or not at all, and measure how close it comes to its models.

    Parameters
    ----------
    known, models
        The published pack, and its networks.
    speech
        Recordings of several speakers, for the population's statistics and the measured figures.
    destination
        The pack's folder.
    settings
        How it streams.
    say
        Called with each line of progress.
    overwrite
        Whether to replace a pack at `destination`.

    Raises
    ------
    RtvcError
        If the pack exists, there is no speech, or a graph differs from torch.
    """
    if destination.exists() and not overwrite:
        raise RtvcError(f"{destination} exists: use --force to replace it.")
    sounds = read_recordings(speech, models.encoder.configuration.sample_rate, LEVEL_DBFS, MEASURED_RECORDINGS)
    make_folder(destination.parent)
    with atomic_folder(destination, overwrite=overwrite) as folder:
        if settings.offline:
            _export_offline(models, folder)
        pack = export_graphs(known, models, sounds[0], settings, folder, say)
        population = _population(pack, speech)
        write_card(folder, pack.card.values, population)
        fidelity = measure(ModelPack(folder), models.encode, models.vocode, sounds)
        write_card(folder, {**pack.card.values, "fidelity": asdict(fidelity)}, population)
        size = sum(path.stat().st_size for path in folder.iterdir())
        say(f"{known.name}: {size / 1e6:.1f} MB, algorithmic latency {fidelity.latency_ms:.0f} ms + the step")
    return fidelity


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


def _export_offline(models: Models, folder: Path) -> None:
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


def _population(pack: ModelPack, speech: Sequence[Path]) -> FeatureStatistics:
    """Return the joint statistics of up to 40 recordings, without those that hold too little speech."""
    statistics = []
    for path in speech[:: -(-len(speech) // POPULATION_RECORDINGS)]:
        file = AudioFile(path)
        with suppress(RtvcError):
            statistics.append(reference_features(file.read(), file.rate, pack, str(path)).statistics)
    if not statistics:
        raise RtvcError("No recording holds a second of speech: name a folder of speech with --speech.")
    return merge_all(statistics)


def build_closest(
    known: KnownPack,
    models: Models,
    speech: Sequence[Path],
    destination: Path,
    settings: BuildSettings = CPU,
    limit_ms: float = 120.0,
    say: Callable[[str], None] = print,
    overwrite: bool = False,
) -> dict[str, Fidelity]:
    """Try every split of a latency limit between encoder and vocoder, and keep the pack that comes closest.

    Returns the figures of all packs that were tried, the kept one first. The limit includes a step of one frame.
    Packs too slow for real time on this machine are kept only if all are. Raises as `build_pack` does, and
    `RtvcError` if no setting fits the limit.
    """
    if destination.exists() and not overwrite:
        raise RtvcError(f"{destination} exists: use --force to replace it.")
    c = models.encoder.configuration
    fixed = c.hop + c.overlap + (settings.fade if settings.vocoder == "windowed" else 0)
    frames = int((limit_ms / 1000 * c.sample_rate - fixed) // c.hop)
    if frames < 0:
        raise RtvcError(
            f"No setting has a latency of {limit_ms:.0f} ms: {1000 * fixed / c.sample_rate:.0f} ms are needed."
        )
    make_folder(destination.parent)
    with atomic_folder(destination, overwrite=overwrite) as folder:
        rows = {}
        for lookahead in range(min(frames, MOST_LOOKAHEAD) + 1):
            name = f"lookahead {lookahead}, delay {frames - lookahead}"
            tried = replace(with_lookahead(settings, lookahead), vocoder_frames=frames - lookahead)
            say(f"{name}:")
            rows[name] = build_pack(known, models, speech, folder / name, tried, say)
        order = sorted(rows, key=lambda name: (rows[name].real_time_factor > 1, rows[name].distance))
        for path in (folder / order[0]).iterdir():
            path.rename(folder / path.name)
        for name in rows:
            shutil.rmtree(folder / name)
    return {name: rows[name] for name in order}


def with_lookahead(settings: BuildSettings, lookahead: int) -> BuildSettings:
    """Return the settings with another lookahead, and the window that it needs."""
    old = settings.encoder
    window = lookahead + 1 if old.window == old.lookahead + 1 else max(old.window, lookahead + 1)
    return replace(settings, encoder=replace(old, lookahead=lookahead, window=window))


def as_precision(name: str) -> Precision:
    """Return the precision of this name; raise `RtvcError` that lists them."""
    for precision in get_args(Precision):
        if name == precision:
            return precision  # type: ignore[no-any-return]
    raise RtvcError(f"There is no precision {name!r}: choose one of {', '.join(get_args(Precision))}.")
