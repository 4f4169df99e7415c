"""`rtvc convert`: one recording, or a folder of them, into another voice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.commands.options import BlockSize, PackName, Strength, Threads, TransportName, map_choice
from rtvc.commands.terminal import console, errors, warn
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode, Outcome
from rtvc.files.file_conversion import convert_file
from rtvc.files.folder_conversion import FolderConversion, convert_folder, plan_folder
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import make_folder
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary


def _path(text: str) -> Path:
    """Return a path; an empty one would be the current folder."""
    if not text:
        raise RtvcError("A path is empty: name a file or a folder.")
    return Path(text)


def convert(
    source: Annotated[Path, typer.Argument(parser=_path, help="A recording, or a folder of recordings.")],
    voice: Annotated[
        str, typer.Option(help="A stored voice, a recording of the target (5 s are good), or a blend: A:0.7,B:0.3.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=_path,
            help="The .wav, .flac or .ogg file to write; for a folder of recordings, another folder.",
        ),
    ],
    pack: PackName = "mini",
    transport: TransportName = "mkl",
    strength: Strength = 1.0,
    block_size: BlockSize = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="two-pass: learn the speaker from the whole recording, then convert it. live: learn the speaker as "
            "the sound goes by, as `rtvc live` does (formerly --online). whole-file: run the pack's offline graphs "
            "over the whole recording at once, as published (formerly --offline)."
        ),
    ] = Mode.TWO_PASS,
    step: Annotated[
        int | None,
        typer.Option(
            min=1, max=50, help="Frames of 20 ms computed at once. Default: 50; in the mode live, the pack's."
        ),
    ] = None,
    sample_rate: Annotated[
        int | None, typer.Option(min=8000, max=192000, help="Sample rate of the output in Hz. Default: the source's.")
    ] = None,
    threads: Threads = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Recordings of a folder to convert at the same time; at most two a core.")
    ] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
) -> None:
    """Convert a recording, or every recording of a folder, into another voice."""
    conversion = Conversion(map_choice(transport, block_size, strength), mode, step, sample_rate)
    conversion.check()
    if not source.exists():
        raise RtvcError(f"{source}: no such file or folder.")
    runtime = Runtime(threads)
    if source.is_dir():
        job = FolderConversion(VoiceLibrary().open(voice), pack, runtime, conversion, force)
        _convert_folder(source, output, job, jobs)
        return
    with _bar() as bar:
        task = bar.add_task(source.name, total=1.0)
        fit = bar.add_task(f"fitting {transport}", total=1.0, visible=False)
        outcome = convert_file(
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


def _convert_folder(folder: Path, output: Path, job: FolderConversion, jobs: int) -> None:
    if output.suffix and not output.is_dir():
        raise RtvcError(f"{output}: {folder} is a folder, so name a folder for the output too.")
    plan = plan_folder(folder, output, job.overwrite)
    for path, reason in plan.skipped.items():
        console.print(f"skipped: {path}: {reason}", markup=False, soft_wrap=True)
    if not plan.outputs:
        raise RtvcError(f"{folder}: holds no recordings to convert ({', '.join(AUDIO_SUFFIXES)}).")
    # Before any worker starts: a voice or pack that cannot be opened is one error, not one for each recording.
    job.voice.features(find_pack(job.pack, job.runtime))
    make_folder(output)
    total, failures, converted = len(plan.outputs), [], 0
    with _bar() as bar:
        running = bar.add_task(folder.name, total=total)

        def finished(source: Path, result: Outcome | str) -> None:
            nonlocal converted
            if isinstance(result, str):
                failures.append(result)
            else:
                converted += 1
                report(plan.outputs[source], result, bar.console)
            bar.advance(running)

        try:
            convert_folder(plan, job, jobs, finished)
        except (KeyboardInterrupt, SystemExit):
            errors.print(f"Stopped: {converted} of {total} recordings are converted. Run again to convert the rest.")
            raise
    if failures:
        raise RtvcError(f"{len(failures)} of {total} recordings were not converted:\n" + "\n".join(failures))


def report(output: Path, outcome: Outcome, to: Console = console) -> None:
    """Print what a conversion was like, and what the user should know."""
    for warning in outcome.warnings:
        warn(warning)
    to.print(
        f"{output}: {outcome.duration:.1f} s in {outcome.elapsed:.1f} s "
        f"(real-time factor {outcome.real_time_factor:.3f}), algorithmic latency of the chain "
        f"{float(outcome.latency) * 1000:.1f} ms plus the step",
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
