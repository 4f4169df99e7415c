"""Model packs: opening, listing, fetching, building and removing them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rtvc.app.pack_speed import measured_speed
from rtvc.chain.voice_chain import algorithmic_latency
from rtvc.errors import RtvcError
from rtvc.names import check_name
from rtvc.packs import catalogue
from rtvc.packs.catalogue import KNOWN, known_pack
from rtvc.packs.download import RemoteFile
from rtvc.packs.pack import ModelPack, embedded_packs, find_pack, installed_packs, pack_names

if TYPE_CHECKING:
    from rtvc.benchmark.fidelity import Fidelity

Fetched = Callable[[RemoteFile, int], None]
"""Told of a file that is being downloaded, and how many bytes of it there are."""

_INSTALL_PYTORCH = 'run `pip install -e ".[export]"` in the folder of rtvc.'


@dataclass(frozen=True)
class PackEntry:
    """A model pack in a list.

    Attributes
    ----------
    name, description, licence
        From its card.
    origin
        Shipped with rtvc, installed on this machine, or available to fetch and build.
    bytes
        Size on disk, or to download.
    latency_seconds
        Algorithmic latency of its graphs; None if that is not known.
    problem
        Why it cannot be used, or what is wrong with it on this machine; otherwise empty.
    core_share
        Share of a processor core that it takes live, as measured on this machine; None if it was not.
    closer_to_target
        Share of test conversions that a speaker encoder hears closer to the target than to the source, from the
        card; None if its maker measured none.
    """

    name: str
    origin: Literal["shipped", "installed", "available"]
    description: str = ""
    licence: str = ""
    bytes: int = 0
    latency_seconds: float | None = None
    problem: str = ""
    core_share: float | None = None
    closer_to_target: float | None = None


@dataclass(frozen=True)
class BuildOptions:
    """How to build a pack; None stands for the default of the device.

    Attributes
    ----------
    device
        What is to run the pack: "cpu" or "gpu".
    lookahead
        Frames of future that the encoder waits for.
    delay
        Frames that the vocoder may wait.
    precision, vocoder_precision
        "float32", "int8" or "int8-blockwise".
    offline
        Whether to add graphs that convert whole files as published.
    limit_milliseconds
        If given, several settings are built and measured, and the closest one within this algorithmic latency is
        kept.
    name
        The name to install under, in place of the published one.
    speech
        Folder of speech of several speakers to measure with; None for the shipped voices.
    folder
        Folder that contains the checkpoints; None downloads them.
    vocoder
        A checkpoint of kNN-VC's HiFi-GAN to use in place of the published one, such as its regular one.
    unverified
        Whether to accept files of `folder` that are not the published ones.
    replace
        Whether to replace an installed pack of that name.
    """

    device: str = "cpu"
    lookahead: int | None = None
    delay: int | None = None
    precision: str | None = None
    vocoder_precision: str | None = None
    offline: bool = False
    limit_milliseconds: float | None = None
    name: str | None = None
    speech: Path | None = None
    folder: Path | None = None
    vocoder: Path | None = None
    unverified: bool = False
    replace: bool = False


@lru_cache(maxsize=2)
def open_pack(name: str) -> ModelPack:
    """Open a model pack by name or folder, and keep the last two open; raises as `find_pack` does."""
    return find_pack(name)


def list_packs() -> list[PackEntry]:
    """List the shipped and installed packs, usable or not, and then those that can be fetched and built."""
    entries = [_entry(embedded_packs() / name, "shipped") for name in pack_names(embedded_packs())]
    installed = pack_names(installed_packs())
    entries += [_entry(installed_packs() / name, "installed") for name in installed]
    for name, known in KNOWN.items():
        if name not in installed:
            size = sum(file.size for file in known.files)
            entries.append(
                PackEntry(name, "available", known.description, known.licence, size, problem=building_problem())
            )
    return entries


def building_problem() -> str:
    """Return why no pack can be built here, and the way out; empty if packs can be built. Loads nothing."""
    if getattr(sys, "frozen", False):
        return "Packs are built with PyTorch, which this bundle lacks: install rtvc from its source to build them."
    if find_spec("torch") is None or find_spec("export") is None:
        return f"Building packs needs PyTorch: {_INSTALL_PYTORCH}"
    return ""


def build_pack(
    name: str,
    options: BuildOptions = BuildOptions(),
    *,
    fetched: Fetched = lambda file, size: None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Fidelity]:
    """Build a pack from published checkpoints, install it, and return how close each build comes to them.

    An exception that `fetched` or `say` raises abandons the build.

    Parameters
    ----------
    name
        A pack of `rtvc.packs.catalogue.KNOWN`.
    options
        How to build it.
    fetched, say
        Told of the download, and of each step as a line of text.

    Raises
    ------
    RtvcError
        If PyTorch is missing, an option makes no sense, a checkpoint is missing or is not the published one, or the
        pack exists.
    """
    try:
        import export.build as build
        from export.published import Models
        from export.settings import PRESETS, as_precision, with_lookahead
        from rtvc.benchmark.fidelity import find_recordings
    except ImportError as error:
        raise RtvcError(f"Building packs needs PyTorch ({error}): {_INSTALL_PYTORCH}") from None
    known = known_pack(name)
    destination = installed_packs() / check_name(options.name or name, of="model pack")
    if destination.exists() and not options.replace:
        raise RtvcError(f"{destination} already exists: replace it (--force), or give the pack another name (--as).")
    if options.device not in PRESETS:
        raise RtvcError(f"A pack is built for one of {', '.join(PRESETS)}, not for {options.device!r}.")
    recordings = find_recordings(options.speech)
    settings = replace(PRESETS[options.device], offline=options.offline)
    if options.lookahead is not None:
        settings = with_lookahead(settings, options.lookahead)
    if options.delay is not None:
        settings = replace(settings, vocoder_frames=options.delay)
    if options.precision is not None:
        settings = replace(settings, precision=as_precision(options.precision))
    if options.vocoder_precision is not None:
        settings = replace(settings, vocoder_precision=as_precision(options.vocoder_precision))
    files = known.files if options.vocoder is None else (known.encoder,)
    if options.folder is None:
        paths = catalogue.fetch(files, progress=fetched)
    else:
        say("Checking the files …")
        paths, warnings = catalogue.take(files, options.folder, options.unverified)
        for warning in warnings:
            say(f"warning: {warning}")
    say("Loading the checkpoints …")
    models = Models.load(paths[known.encoder], options.vocoder or paths[known.vocoder])
    known = replace(known, name=destination.name)
    say("Building; this takes a few minutes …")
    if options.limit_milliseconds is not None:
        rows = build.build_closest(
            known, models, recordings, destination, settings, options.limit_milliseconds, say, options.replace
        )
    else:
        fidelity = build.build_pack(known, models, recordings, destination, settings, say, options.replace)
        rows = {destination.name: fidelity}
    open_pack.cache_clear()
    return rows


def remove_pack(name: str) -> None:
    """Delete an installed pack and the checkpoints that were fetched for it; raises as `catalogue.remove` does."""
    catalogue.remove(name)
    open_pack.cache_clear()


def _entry(folder: Path, origin: Literal["shipped", "installed"]) -> PackEntry:
    size = 0
    try:
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        pack = ModelPack(folder)
    except OSError as error:
        return PackEntry(folder.name, origin, problem=f"{folder} cannot be read ({error.strerror}).")
    except RtvcError as error:
        return PackEntry(folder.name, origin, bytes=size, problem=str(error))
    return PackEntry(
        folder.name,
        origin,
        pack.card.description,
        pack.card.licence,
        size,
        float(algorithmic_latency(pack)),
        pack.warning or "",
        measured_speed(pack),
        _closer_to_target(pack),
    )


def _closer_to_target(pack: ModelPack) -> float | None:
    """Read the share from the card, whose other values are not checked when it is opened."""
    measured = pack.card.values.get("measured")
    quality = measured.get("quality") if isinstance(measured, dict) else None
    share = quality.get("closer_to_target") if isinstance(quality, dict) else None
    return float(share) if isinstance(share, float | int) and 0 <= share <= 1 else None
