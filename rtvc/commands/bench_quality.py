"""`rtvc bench quality` and `robustness`: how conversions sound, of clear speech and of what microphones hear."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.benchmark.conditions import Changed, find_conditions
from rtvc.benchmark.metrics import benchmark_module
from rtvc.benchmark.quality import CLASSICAL, COPIES, PackConverter, Row, System, compare, quality_report, source_copy
from rtvc.commands.options import PackName, Threads, map_choice
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, hand_over
from rtvc.commands.terminal import errors
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import make_folder
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice


def quality(
    folder: Annotated[Path, typer.Argument(help="A folder that holds one folder of recordings for each speaker.")],
    pack: PackName = "mini",
    transport: Annotated[
        list[str] | None, typer.Option("--transport", help=f"Maps to compare: {', '.join(FITS)}, all. Repeatable.")
    ] = None,
    block_size: Annotated[
        list[int] | None, typer.Option(min=1, help="Values of K for MKL. Repeatable. Default: the pack's.")
    ] = None,
    reference: Annotated[
        list[float] | None, typer.Option(min=1.0, help="Seconds of reference. Repeatable. Default: 5.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Measure copies, the plain resynthesis and the classical converter too.")
    ] = True,
    online: Annotated[bool, typer.Option("--online", help="Learn the speaker as live, not from the file.")] = False,
    pairs: Annotated[int | None, typer.Option(min=1, help="Measure only so many pairs, spread over all.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep every sound in this folder, to listen to.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Draw every conversion into this folder, to look at.")] = None,
    threads: Threads = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Convert between all speakers of a folder and measure voice, naturalness, words and pitch."""
    check_reports(json, html, force)
    model = find_pack(pack, Runtime(threads))
    lengths = reference or [5.0]
    block_sizes: Sequence[int | None] = block_size or [None]
    systems = _systems(model, transport or ["mkl"], block_sizes, lengths, online)
    if baselines:
        plain = System(
            f"{model.name} resynthesis", PackConverter(model, Conversion(MapChoice(strength=0.0))), lengths[0]
        )
        copies = [System(system.name, system.convert, lengths[0]) for system in _available_baselines()]
        systems = [*copies, plain, *systems]
    rows = _measured(folder, systems, keep, pairs, pictures)
    settings = {
        "folder": folder,
        "systems": [system.name for system in systems],
        "reference_seconds": lengths,
        "online": online,
        "pairs": pairs,
        "threads": threads,
    }
    hand_over(quality_report(rows, settings, {model.name: {"digest": model.digest}}), json, html)


def robustness(
    folder: Annotated[Path, typer.Argument(help="A folder that holds one folder of recordings for each speaker.")],
    noise: Annotated[Path | None, typer.Option(help="A folder of recorded noise to mix in.")] = None,
    pack: PackName = "mini",
    pairs: Annotated[int | None, typer.Option(min=1, help="Measure only so many pairs, spread over all.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep every sound in this folder, to listen to.")] = None,
    threads: Threads = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Convert noisy, loud, quiet, whispered and high speech, and measure it against the clear source.

    Beside each conversion stands what was heard in its place, unconverted.
    """
    check_reports(json, html, force)
    benchmark_module("pyworld")  # whispers and raises voices
    model = find_pack(pack, Runtime(threads))
    converter = PackConverter(model, Conversion())
    systems = []
    for name, change in find_conditions(folder, noise).items():
        systems.append(System(f"{name}: unconverted", Changed(change, source_copy)))
        systems.append(System(f"{name}: {model.name}", Changed(change, converter)))
    rows = _measured(folder, systems, keep, pairs)
    settings = {"folder": folder, "noise": noise, "pairs": pairs, "threads": threads}
    hand_over(quality_report(rows, settings, {model.name: {"digest": model.digest}}), json, html)


def _measured(
    folder: Path, systems: Sequence[System], keep: Path | None, pairs: int | None, pictures: Path | None = None
) -> list[Row]:
    for kept in filter(None, (keep, pictures)):
        make_folder(kept)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task("conversions")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return list(compare(folder, systems, keep, pairs, pictures, show))


def _systems(
    pack: ModelPack,
    transports: list[str],
    block_sizes: Sequence[int | None],
    lengths: list[float],
    online: bool,
) -> list[System]:
    systems = []
    for name in FITS if "all" in transports else transports:
        for block_size in block_sizes if name == "mkl" else [None]:
            conversion = Conversion(map_choice(name, block_size), Mode.LIVE if online else Mode.TWO_PASS)
            shown = block_size or pack.defaults.block_size
            title = f"{pack.name} {name}" + (f", K = {shown}" if name == "mkl" else "")
            systems += [System(title, PackConverter(pack, conversion), seconds) for seconds in lengths]
    return systems


def _available_baselines() -> Sequence[System]:
    """Return the baselines; without the classical ones where pyworld is missing, since it takes a compiler."""
    try:
        benchmark_module("pyworld")
    except RtvcError:
        errors.print("Without the WORLD baselines: they need `pip install pyworld`.")
        return COPIES
    return (*COPIES, *CLASSICAL)
