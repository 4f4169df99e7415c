"""`rtvc convert`: recordings into another voice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.commands.options import BlockSize, PackName, Strength, Threads, TransportName, map_choice
from rtvc.commands.terminal import console, errors, warn
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Outcome, convert_file
from rtvc.files.whole_file import convert_offline
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import make_folder
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary
from rtvc.voices.voice import Target

Run = Callable[..., Outcome]
"""`rtvc.files.conversion.convert_file`, or one that takes what it takes."""


def convert(
    source: Annotated[Path, typer.Argument(help="A recording, or a folder of recordings.")],
    voice: Annotated[
        str, typer.Option(help="A stored voice, a recording of the target (5 s are good), or a blend: A:0.7,B:0.3.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="For a recording, the .wav, .flac or .ogg to write; for a folder, another folder."
        ),
    ],
    pack: PackName = "mini",
    transport: TransportName = "mkl",
    strength: Strength = 1.0,
    block_size: BlockSize = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="Learn the speaker as the sound goes by, as live, not from the whole file."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Run the pack's models over the whole file at once, as published.")
    ] = False,
    step: Annotated[int | None, typer.Option(min=1, max=50, help="Frames of 20 ms computed at once.")] = None,
    sample_rate: Annotated[
        int | None, typer.Option(min=8000, max=192000, help="Of the output, in Hz. Default: the source's.")
    ] = None,
    threads: Threads = None,
    jobs: Annotated[int, typer.Option(min=1, help="Recordings of a folder converted at the same time.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
) -> None:
    """Convert a recording, or every recording of a folder, into another voice."""
    conversion = Conversion(map_choice(transport, block_size, strength), online, step, sample_rate)
    if offline and (online or step is not None):
        raise RtvcError("--offline takes the whole file at once: leave out --online and --step.")
    if not source.exists():
        raise RtvcError(f"{source}: no such file or folder.")
    run = convert_offline if offline else convert_file
    runtime = Runtime(threads)
    if source.is_dir():
        _convert_folder(source, voice, output, pack, runtime, conversion, run, jobs, force)
        return
    with _bar() as bar:
        task = bar.add_task(source.name, total=1.0)
        fit = bar.add_task(f"fitting {transport}", total=1.0, visible=False)
        outcome = run(
            source,
            VoiceLibrary().open(voice),
            output,
            find_pack(pack, runtime),
            conversion,
            overwrite=force,
            progress=lambda share: bar.update(task, completed=share),
            fitting=lambda share: bar.update(fit, completed=share, visible=True),
        )
    report(output, outcome)


def _convert_folder(
    folder: Path,
    voice: str,
    output: Path,
    pack: str,
    runtime: Runtime,
    conversion: Conversion,
    run: Run,
    jobs: int,
    force: bool,
) -> None:
    sources = _recordings(folder, output)
    if not sources:
        raise RtvcError(f"{folder}: holds no recordings ({', '.join(AUDIO_SUFFIXES)}).")
    if output.suffix and not output.is_dir():
        raise RtvcError(f"{output}: {folder} is a folder, so name a folder for the output too.")
    tasks: dict[Path, Path] = {}
    for path in sources:
        target = _destination(path, folder, output)
        if target in tasks:
            raise RtvcError(f"{tasks[target]} and {path} would both become {target}: rename one of them.")
        tasks[target] = path
    opened = VoiceLibrary().open(voice)
    if run is convert_file:
        opened.features(find_pack(pack, runtime))
    make_folder(output)
    failures = []
    with _bar() as bar, ProcessPoolExecutor(jobs) as pool:
        running = bar.add_task(folder.name, total=len(tasks))
        pending = [
            (target, pool.submit(_convert_one, path, opened, target, pack, runtime, conversion, run, force))
            for target, path in tasks.items()
        ]
        for target, future in pending:
            try:
                report(target, future.result(), bar.console)
            except RtvcError as error:
                failures.append(str(error))
            bar.advance(running)
    if failures:
        raise RtvcError(f"{len(failures)} of {len(tasks)} recordings were not converted:\n" + "\n".join(failures))


def _recordings(folder: Path, output: Path) -> list[Path]:
    """Return the recordings of a folder, but for outputs that lie in it."""
    place, root = output.resolve(), folder.resolve()
    if place == root:
        raise RtvcError(f"{output}: is the folder of the recordings themselves; name another for the output.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if root not in place.parents:
        return found
    return [path for path in found if place not in path.resolve().parents]


def _destination(path: Path, folder: Path, output: Path) -> Path:
    target = output / path.relative_to(folder)
    return target if target.suffix.lower() in (".wav", ".flac", ".ogg") else target.with_suffix(".wav")


def _convert_one(
    path: Path,
    voice: Target,
    target: Path,
    pack: str,
    runtime: Runtime,
    conversion: Conversion,
    run: Run,
    force: bool,
) -> Outcome:
    make_folder(target.parent)
    return run(path, voice, target, find_pack(pack, runtime), conversion, overwrite=force)


def report(output: Path, outcome: Outcome, to: Console = console) -> None:
    """Print what a conversion was like, and what the user should know."""
    for warning in outcome.warnings:
        warn(warning)
    to.print(
        f"{output}: {outcome.duration:.1f} s in {outcome.elapsed:.1f} s "
        f"(real-time factor {outcome.real_time_factor:.3f}), algorithmic latency of the chain "
        f"{float(outcome.latency) * 1000:.1f} ms + the step",
        soft_wrap=True,
    )


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
