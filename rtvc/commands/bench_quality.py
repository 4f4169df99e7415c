"""`rtvc bench quality` and `robustness`: quality of conversions from clean and from degraded speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.benchmark.conditions import Conditioned, find_conditions
from rtvc.benchmark.listener import Listener, Row, default_cache
from rtvc.benchmark.metrics import benchmark_module
from rtvc.benchmark.paired import compare_quality
from rtvc.benchmark.quality import measure_pairs, quality_report
from rtvc.benchmark.speakers import find_speakers, make_pairs, read_speaker_list
from rtvc.benchmark.systems import CLASSICAL, COPIES, PackConverter, References, System, source_copy
from rtvc.commands.options import PackName, Threads, map_choice
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.commands.terminal import errors
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.enhancement import Enhancer
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import make_folder
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.transport.trained_maps import MapLibrary, is_trained

Folder = Annotated[
    Path, typer.Argument(help="Folder that contains one folder of recordings per speaker, at any depth.")
]
Readers = Annotated[
    Path | None,
    typer.Option(help="Text file that lists the speakers to use, one path below the folder per line. Default: all."),
]
Pairs = Annotated[
    int | None,
    typer.Option(min=1, help="Measure a random subset of pairs that uses all speakers equally. Default: all."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random subset for --pairs.")]
Keep = Annotated[
    Path | None, typer.Option(help="Save source, reference and result of each conversion in this folder.")
]


def quality(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder that contains one folder of recordings per speaker, at any depth.")
    ] = None,
    pack: PackName = "mini",
    transport: Annotated[
        list[str] | None,
        typer.Option(
            "--transport",
            help=f"Maps to compare: {', '.join(FITS)}; all: these and trained maps to --target. Repeatable.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Measure only pairs with this target speaker. Trained maps, such as not:Iris, need it."),
    ] = None,
    block_size: Annotated[
        list[int] | None, typer.Option(min=1, help="Values of K for MKL. Repeatable. Default: the pack's.")
    ] = None,
    strength: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0, max=1.0, help="From 0, the source's voice, to 1, the target's. Repeatable. Default: 1."
        ),
    ] = None,
    reference: Annotated[
        list[float] | None, typer.Option(min=1.0, help="Seconds of reference. Repeatable. Default: 5.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Measure copies, the pack's resynthesis and the classical converter as well.")
    ] = True,
    enhance: Annotated[
        list[Enhancer] | None,
        typer.Option(metavar="ENHANCER", help="none, deepfilternet, resemble. Repeatable. Default: none."),
    ] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="Learn the source speaker during conversion, as live, not beforehand."),
    ] = False,
    readers: Readers = None,
    pairs: Pairs = None,
    seed: Seed = 0,
    keep: Keep = None,
    pictures: Annotated[Path | None, typer.Option(help="Draw each conversion as a PNG in this folder.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="OLD.json NEW.json", help="Compare two reports pair by pair; measure nothing."),
    ] = None,
    threads: Threads = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Convert between all speakers of a folder and measure similarity, naturalness, words and pitch."""
    check_reports(json, html, force)
    if compare is not None:
        write_report(compare_quality(*compare), json, html)
        return
    if folder is None:
        raise RtvcError("Name a folder of speakers to measure, or two reports with --compare.")
    model = find_pack(pack, Runtime(threads))
    lengths = reference or [5.0]
    if target is None and any(map(is_trained, transport or ())):
        raise RtvcError("A trained map converts to one voice only: name its speaker with --target.")
    block_sizes: Sequence[int | None] = block_size or [None]
    names = _transports(model, transport or ["mkl"], target)
    systems = _systems(model, names, block_sizes, strength or [1.0], lengths, online, enhance or [])
    if baselines:
        plain = System(
            f"{model.name} resynthesis", PackConverter(model, Conversion(MapChoice(strength=0.0))), lengths[0]
        )
        copies = [System(system.name, system.convert, lengths[0]) for system in _available_baselines()]
        systems = [*copies, plain, *systems]
    rows = _measure(folder, model, systems, readers, pairs, seed, keep, pictures, target)
    settings = {
        "folder": folder,
        "target": target,
        "readers": sorted({row.source for row in rows} | {row.target for row in rows}),
        "systems": [system.name for system in systems],
        "reference_seconds": lengths,
        "online": online,
        "pairs": pairs,
        "seed": seed,
        "threads": threads,
    }
    write_report(quality_report(rows, settings, _described(model)), json, html)


def robustness(
    folder: Folder,
    noise: Annotated[Path | None, typer.Option(help="Folder of recorded noise to mix in.")] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Condition to measure, such as 'noise at 10 dB'. Repeatable. Default: all."),
    ] = None,
    noise_suppression: Annotated[
        list[NoiseSuppression] | None,
        typer.Option(metavar="LEVEL", help="Noise suppression: off, light, strong. Repeatable. Default: off."),
    ] = None,
    pack: PackName = "mini",
    readers: Readers = None,
    pairs: Pairs = None,
    seed: Seed = 0,
    keep: Keep = None,
    threads: Threads = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Convert noisy, reverberant, loud, quiet, whispered or high-pitched speech; measure it against the clean source.

    The table shows the degraded source above each conversion.
    """
    check_reports(json, html, force)
    benchmark_module("pyworld")  # Needed for whispered and high-pitched speech.
    model = find_pack(pack, Runtime(threads))
    levels = list(dict.fromkeys(noise_suppression or [NoiseSuppression.OFF]))
    for level in levels:
        level.check()
    conditions = find_conditions(folder, noise)
    if unknown := [name for name in condition or () if name not in conditions]:
        raise RtvcError(f"Unknown condition {unknown[0]!r}. Available: {', '.join(conditions)}.")
    systems = []
    for name in condition or conditions:
        systems.append(System(f"{name}: unconverted", Conditioned(conditions[name], source_copy)))
        for level in levels:
            converter = PackConverter(model, Conversion(noise_suppression=level))
            shown = model.name if level is NoiseSuppression.OFF else f"{model.name}, suppression {level}"
            systems.append(System(f"{name}: {shown}", Conditioned(conditions[name], converter)))
    rows = _measure(folder, model, systems, readers, pairs, seed, keep)
    settings = {
        "folder": folder,
        "noise": noise,
        "conditions": condition or list(conditions),
        "noise_suppression": levels,
        "pairs": pairs,
        "seed": seed,
        "threads": threads,
    }
    write_report(quality_report(rows, settings, _described(model)), json, html)


def _described(pack: ModelPack) -> dict[str, dict[str, object]]:
    """Return what identifies the pack in a report: the digest covers graphs and statistics, not the overdrive."""
    return {pack.name: {"digest": pack.digest, "overdrive": pack.defaults.overdrive}}


def _measure(
    folder: Path,
    pack: ModelPack,
    systems: Sequence[System],
    readers: Path | None,
    pairs: int | None,
    seed: int,
    keep: Path | None,
    pictures: Path | None = None,
    target: str | None = None,
) -> list[Row]:
    for output in filter(None, (keep, pictures)):
        make_folder(output)
    names = None if readers is None else read_speaker_list(readers)
    speakers = find_speakers(folder, max(system.reference_seconds for system in systems), names, target)
    chosen = make_pairs(speakers, pairs, seed, target)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task("conversions")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return list(measure_pairs(chosen, systems, Listener(default_cache(), pack), keep, pictures, show))


def _transports(pack: ModelPack, wanted: list[str], target: str | None) -> list[str]:
    """Return the names of the transports, with `all` replaced by the fitted ones and the maps towards the target."""
    if "all" not in wanted:
        return list(dict.fromkeys(wanted))
    trained = [] if target is None else [name for name, _ in MapLibrary().leading_to(target, pack.digest)]
    return list(dict.fromkeys((*FITS, *trained, *(name for name in wanted if name != "all"))))


def _systems(
    pack: ModelPack,
    transports: list[str],
    block_sizes: Sequence[int | None],
    strengths: list[float],
    lengths: list[float],
    online: bool,
    enhancers: Sequence[Enhancer],
) -> list[System]:
    systems = []
    mode = Mode.LIVE if online else Mode.TWO_PASS
    references = References()
    for name in transports:
        for block_size in block_sizes if name == "mkl" else [None]:
            choice = map_choice(name, block_size)
            shown = block_size or pack.defaults.block_size
            title = f"{pack.name} {name}" + (f", K = {shown}" if name == "mkl" else "")
            for strength in strengths:
                full = title if strength == 1.0 else f"{title}, strength {strength:g}"
                for enhancer in enhancers or [Enhancer.NONE]:
                    conversion = Conversion(replace(choice, strength=strength), mode, enhancer=enhancer)
                    conversion.check()
                    named = full if enhancer is Enhancer.NONE else f"{full}, {enhancer}"
                    systems += [
                        System(named, PackConverter(pack, conversion, references), seconds) for seconds in lengths
                    ]
    return systems


def _available_baselines() -> Sequence[System]:
    """Return the baselines, without the classical ones if pyworld is missing: installing it needs a compiler."""
    try:
        benchmark_module("pyworld")
    except RtvcError:
        errors.print("Skipping the WORLD baselines: they need `pip install pyworld`.")
        return COPIES
    return (*COPIES, *CLASSICAL)
