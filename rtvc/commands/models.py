"""`rtvc models`: the model packs there are, and how to get more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from rtvc.benchmark.fidelity import Fidelity, fidelity_report, find_recordings
from rtvc.commands.terminal import console, errors, warn
from rtvc.errors import RtvcError
from rtvc.names import check_name
from rtvc.packs import catalogue
from rtvc.packs.catalogue import KNOWN, KnownPack, known_pack
from rtvc.packs.download import RemoteFile
from rtvc.packs.pack import ModelPack, embedded_packs, installed_packs, pack_names

app = typer.Typer(no_args_is_help=True, help="List, fetch, build, verify and remove model packs.")
From = Annotated[
    Path | None, typer.Option("--from", help="A folder that has the checkpoints already; nothing is downloaded.")
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Take files of that folder even if they are not the published ones.")
]


@app.command("list")
def list_packs() -> None:
    """List the packs that came with the program, those you have built, and those you can build."""
    table = Table(box=None)
    for column in ("pack", "size", "latency", ""):
        table.add_column(column)
    for folder, origin in ((embedded_packs(), "came with the program"), (installed_packs(), "installed")):
        for name in pack_names(folder):
            table.add_row(*_described(folder / name), origin)
    for name in sorted(KNOWN.keys() - set(pack_names(installed_packs()))):
        size = sum(file.size for file in KNOWN[name].files)
        table.add_row(name, f"{size / 1e6:.0f} MB", "", f"to fetch and build: {KNOWN[name].description}")
    console.print(table)


@app.command()
def fetch(name: str) -> None:
    """Download the published checkpoints of a pack; an interrupted download goes on where it stopped."""
    for file, path in _fetched(known_pack(name)).items():
        console.print(f"{path}: {file.size / 1e6:.0f} MB, verified", soft_wrap=True)


@app.command()
def build(
    name: str,
    from_folder: From = None,
    unverified: Unverified = False,
    for_device: Annotated[str, typer.Option("--for", help="What is to run it: cpu or gpu.")] = "cpu",
    lookahead: Annotated[
        int | None, typer.Option(min=0, max=8, help="Frames of future that the encoder waits for.")
    ] = None,
    delay: Annotated[int | None, typer.Option(min=0, max=11, help="Frames that the vocoder may wait.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, int8 or int8-blockwise, for the encoder.")] = None,
    vocoder_precision: Annotated[str | None, typer.Option(help="The same for the vocoder.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Add the graphs for the mode whole-file.")] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Build several settings, measure each, and keep the closest one in time.")
    ] = False,
    limit: Annotated[float, typer.Option(min=20, help="Most algorithmic latency for --auto, in ms.")] = 120.0,
    called: Annotated[str | None, typer.Option("--as", help="Install it under another name.")] = None,
    speech: Annotated[
        Path | None, typer.Option(help="A folder of speech of several speakers. Default: the shipped voices.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an installed pack.")] = False,
) -> None:
    """Make a model pack of published checkpoints, and measure how close it comes to them."""
    try:
        from export.build import PRESETS, Models, as_precision, build_closest, build_pack, with_lookahead
    except ImportError as error:
        raise RtvcError(
            f'Building packs needs PyTorch ({error}): run `pip install -e ".[export]"` in the folder of rtvc.'
        ) from None
    known = known_pack(name)
    destination = installed_packs() / check_name(called or name, "pack")
    if destination.exists() and not force:
        raise RtvcError(f"{destination} exists: use --force to replace it, or --as to give another name.")
    if for_device not in PRESETS:
        raise RtvcError(f"A pack is built for one of {', '.join(PRESETS)}, not for {for_device!r}.")
    recordings = find_recordings(speech)
    if from_folder is None:
        paths = _fetched(known)
    else:
        paths, warnings = catalogue.take(known, from_folder, unverified)
        for warning in warnings:
            warn(warning)
    settings = replace(PRESETS[for_device], offline=offline)
    if lookahead is not None:
        settings = with_lookahead(settings, lookahead)
    if delay is not None:
        settings = replace(settings, vocoder_frames=delay)
    if precision is not None:
        settings = replace(settings, precision=as_precision(precision))
    if vocoder_precision is not None:
        settings = replace(settings, vocoder_precision=as_precision(vocoder_precision))
    models = Models.load(paths[known.encoder], paths[known.vocoder])
    known = replace(known, name=destination.name)
    if auto:
        rows = build_closest(known, models, recordings, destination, settings, limit, _say, force)
    else:
        rows = {destination.name: build_pack(known, models, recordings, destination, settings, _say, force)}
    _report(rows, destination)


@app.command()
def verify(name: str) -> None:
    """Check every digest of an installed pack, and pass some silence through it."""
    pack = catalogue.verify(name)
    console.print(f"{name}: sound, {pack.digest[:16]}")


@app.command()
def remove(name: str) -> None:
    """Delete an installed pack, and the checkpoints that were fetched for it."""
    catalogue.remove(name)
    console.print(f"{name}: removed")


def _report(rows: dict[str, Fidelity], destination: Path) -> None:
    pack = ModelPack(destination)
    title = f"{pack.name}: streamed against whole utterances, and time on this machine"
    fidelity_report(rows, pack.card.values["settings"], {pack.name: {"digest": pack.digest}}, title).print(console)


def _described(folder: Path) -> tuple[str, str, str]:
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    try:
        pack = ModelPack(folder)
    except RtvcError as error:
        return folder.name, f"{size / 1e6:.0f} MB", str(error)
    return folder.name, f"{size / 1e6:.0f} MB", f"{1000 * pack.latency / pack.sample_rate:.0f} ms"


def _say(line: str) -> None:
    console.print(line, soft_wrap=True)


def _fetched(pack: KnownPack) -> dict[RemoteFile, Path]:
    with _bar() as bar:
        tasks = {file: bar.add_task(file.name, total=file.size) for file in pack.files}
        return catalogue.fetch(pack, progress=lambda file, size: bar.update(tasks[file], completed=size))


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        yield bar
