"""`rtvc models`: lists, fetches, builds, verifies and removes model packs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from rtvc.app import models
from rtvc.app.models import BuildOptions
from rtvc.app.pack_speed import measure_speed
from rtvc.benchmark.fidelity import fidelity_report
from rtvc.commands.program import Program
from rtvc.commands.terminal import console, errors, warn
from rtvc.packs import catalogue
from rtvc.packs.catalogue import known_pack
from rtvc.packs.download import RemoteFile

app = Program("List, fetch, build, verify and remove model packs.")
KnownName = Annotated[str, typer.Argument(help=f"A pack that can be built: {', '.join(catalogue.KNOWN)}.")]
PackName = Annotated[str, typer.Argument(help="A model pack from `rtvc models list`.")]
From = Annotated[
    Path | None, typer.Option("--from", help="Folder that contains the checkpoints. Nothing is downloaded.")
]
Unverified = Annotated[
    bool,
    typer.Option("--unverified", help="Accept checkpoints in --from whose digests differ from the published ones."),
]


@app.command("list")
def list_packs() -> None:
    """List the shipped and installed packs, and those that can be fetched and built."""
    table = Table(box=None)
    for column in ("pack", "size", "algorithmic latency", "processor", ""):
        table.add_column(column)
    for entry in models.list_packs():
        latency = "" if entry.latency_seconds is None else f"{1000 * entry.latency_seconds:.1f} ms"
        speed = "" if entry.core_share is None else f"{entry.core_share:.0%} of a core"
        note = entry.problem or entry.origin
        if entry.origin == "available":
            note = f"to fetch and build: {entry.description}"
        table.add_row(entry.name, f"{entry.bytes / 1e6:.0f} MB", latency, speed, note)
    console.print(table)


@app.command()
def fetch(name: KnownName) -> None:
    """Download the published checkpoints of a pack. An interrupted download resumes where it stopped."""
    with _download_bar() as fetched:
        paths = catalogue.fetch(known_pack(name).files, progress=fetched)
    for file, path in paths.items():
        console.print(f"{path}: {file.size / 1e6:.0f} MB, verified", soft_wrap=True)


@app.command()
def build(
    name: KnownName,
    from_folder: From = None,
    unverified: Unverified = False,
    vocoder: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint of a vocoder instead of the published one, such as kNN-VC's regular one "
            "(g_02500000.pt). Name the pack with --as."
        ),
    ] = None,
    for_device: Annotated[str, typer.Option("--for", help="Target device: cpu or gpu.")] = "cpu",
    lookahead: Annotated[
        int | None, typer.Option(min=0, max=8, help="Lookahead of the encoder, in frames of 20 ms.")
    ] = None,
    delay: Annotated[
        int | None, typer.Option(min=0, max=11, help="Delay of the vocoder, in frames of 20 ms.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Weights of the encoder: float32, int8 or int8-blockwise.")
    ] = None,
    vocoder_precision: Annotated[str | None, typer.Option(help="Weights of the vocoder: the same choices.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Add the graphs for `rtvc convert --mode whole-file`.")
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Build several settings and keep the closest one within --limit.")
    ] = False,
    limit: Annotated[float, typer.Option(min=20, help="Highest algorithmic latency for --auto, in ms.")] = 120.0,
    called: Annotated[str | None, typer.Option("--as", help="Name to install the pack under.")] = None,
    speech: Annotated[
        Path | None, typer.Option(help="Folder of speech of several speakers. Default: the shipped voices.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an installed pack.")] = False,
) -> None:
    """Build a model pack from published checkpoints, and measure how close it comes to them."""
    options = BuildOptions(
        for_device,
        lookahead,
        delay,
        precision,
        vocoder_precision,
        offline,
        limit if auto else None,
        called,
        speech,
        from_folder,
        vocoder,
        unverified,
        force,
    )
    with _download_bar() as fetched:
        rows = models.build_pack(name, options, fetched=fetched, say=_say)
    pack = models.open_pack(called or name)
    title = f"{pack.name}: streamed against whole utterances, and time on this machine"
    fidelity_report(rows, pack.card.values["settings"], {pack.name: {"digest": pack.digest}}, title).print(console)


@app.command()
def measure(name: PackName) -> None:
    """Measure how much of a processor core a pack uses on this machine, for `list` and the panel."""
    share = measure_speed(name)
    console.print(f"{name}: {share:.0%} of a core")


@app.command()
def verify(name: PackName) -> None:
    """Check every digest of an installed pack, and run its graphs on silence."""
    pack = catalogue.verify(name)
    if pack.warning is not None:
        warn(pack.warning)
    console.print(f"{name}: intact, {pack.digest[:16]}")


@app.command()
def remove(name: PackName) -> None:
    """Delete an installed pack, and the checkpoints that were downloaded for it."""
    models.remove_pack(name)
    console.print(f"{name}: removed")


def _say(line: str) -> None:
    console.print(line, soft_wrap=True)


@contextmanager
def _download_bar() -> Iterator[models.Fetched]:
    """Yield a function that shows the progress of downloads; nothing is shown before it is called."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        tasks: dict[RemoteFile, TaskID] = {}

        def fetched(file: RemoteFile, size: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file.name, total=file.size)
            bar.update(tasks[file], completed=size)

        yield fetched
