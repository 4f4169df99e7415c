"""Builds a model pack from published checkpoints: export, quantisation, comparison with torch, measurement."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from export.card import write_card
from export.graphs import LEVEL_DBFS, export_graphs, export_whole
from export.published import Models
from export.settings import CPU, BuildSettings, with_lookahead
from rtvc.audio_file import AudioFile
from rtvc.benchmark.fidelity import Fidelity, measure, read_recordings
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics, merge_all
from rtvc.packs.catalogue import KnownPack
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, make_folder
from rtvc.voices.voice import reference_features

MEASURED_RECORDINGS = 3
POPULATION_RECORDINGS = 40
MOST_LOOKAHEAD = 8


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
            export_whole(models, folder)
        pack = export_graphs(known, models, sounds[0], settings, folder, say)
        population = _population(pack, speech)
        write_card(folder, pack.card.values, population)
        fidelity = measure(ModelPack(folder), models.encode, models.vocode, sounds)
        write_card(folder, {**pack.card.values, "fidelity": asdict(fidelity)}, population)
        size = sum(path.stat().st_size for path in folder.iterdir())
        say(f"{known.name}: {size / 1e6:.1f} MB, latency of the graphs {fidelity.latency_ms:.0f} ms + the step")
    return fidelity


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
