"""`rtvc convert`: one recording, or a folder of them, into another voice."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.app.preferences import PreferenceFile
from rtvc.app.presets import find_preset
from rtvc.chain.voice_chain import algorithmic_delay
from rtvc.commands.options import (
    BlockSize,
    EffectsName,
    Formants,
    Intonation,
    NoiseSuppressionLevel,
    PackName,
    Pitch,
    PresetName,
    Strength,
    Threads,
    TransportName,
    Verbose,
    with_options,
)
from rtvc.commands.program import EXPERTS
from rtvc.commands.terminal import console, errors, warn
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode, Outcome
from rtvc.files.enhancement import Enhancer
from rtvc.files.file_conversion import convert_file
from rtvc.files.folder_conversion import FolderConversion, convert_folder, plan_folder
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.storage import make_folder
from rtvc.voices.library import AUDIO_SUFFIXES, VoiceLibrary


def _path(text: str) -> Path:
    """Return a path; an empty one would be the current folder."""
    if not text:
        raise RtvcError("A path is empty: name a file or a folder.")
    return Path(text)


def convert(
    source: Annotated[Path, typer.Argument(parser=_path, help="A recording, or a folder of recordings.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=_path,
            help="The .wav, .flac or .ogg file to write; for a folder of recordings, another folder.",
        ),
    ],
    voice: Annotated[
        str | None,
        typer.Option(
            help="A stored voice, a recording of the target (5 s are good), or a blend: A:0.7,B:0.3. Required unless "
            "the preset has one."
        ),
    ] = None,
    strength: Strength = None,
    pitch: Pitch = None,
    intonation: Intonation = None,
    formants: Formants = None,
    effects: EffectsName = None,
    noise_suppression: NoiseSuppressionLevel = None,
    enhance: Annotated[
        Enhancer,
        typer.Option(
            metavar="ENHANCER",
            help="Enhance the result: deepfilternet, or resemble where Resemble Enhance is installed.",
        ),
    ] = Enhancer.NONE,
    preset: PresetName = None,
    pack: PackName = "mini",
    sample_rate: Annotated[
        int | None, typer.Option(min=8000, max=192000, help="Sample rate of the output in Hz. Default: the source's.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
    verbose: Verbose = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            rich_help_panel=EXPERTS,
            help="Recordings of a folder to convert at the same time; at most two a core.",
        ),
    ] = 1,
    mode: Annotated[
        Mode,
        typer.Option(
            metavar="MODE",
            rich_help_panel=EXPERTS,
            help="two-pass: learn the speaker from the whole recording, then convert it. live: learn the speaker as "
            "the sound goes by, as `rtvc live` does. whole-file: run the pack's offline graphs over the whole "
            "recording at once, as published.",
        ),
    ] = Mode.TWO_PASS,
    transport: TransportName = None,
    block_size: BlockSize = None,
    step: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=50,
            rich_help_panel=EXPERTS,
            help="Frames of 20 ms computed at once. Default: 50; in the mode live, the pack's.",
        ),
    ] = None,
    threads: Threads = None,
) -> None:
    """Convert a recording, or every recording of a folder, into another voice."""
    settings = with_options(
        Settings() if preset is None else find_preset(PreferenceFile().load(), preset, Settings()).settings,
        voice=voice,
        transport=transport,
        strength=strength,
        block_size=block_size,
        pitch=pitch,
        intonation=intonation,
        formants=formants,
        effects=effects,
        noise_suppression=noise_suppression,
    )
    if not settings.voice:
        raise RtvcError("No voice is chosen: name one with --voice. `rtvc voices list` shows them.")
    conversion = Conversion(
        settings.map,
        mode,
        step,
        sample_rate,
        settings.pitch_semitones,
        settings.intonation,
        settings.effects,
        settings.formants,
        settings.noise_suppression,
        enhance,
    )
    conversion.check()
    if not source.exists():
        raise RtvcError(f"{source}: no such file or folder.")
    runtime = Runtime(threads)
    if source.is_dir():
        job = FolderConversion(VoiceLibrary().open(settings.voice), pack, runtime, conversion, force)
        _convert_folder(source, output, job, jobs, verbose)
        return
    opened = find_pack(pack, runtime)
    with _bar() as bar:
        task = bar.add_task(source.name, total=1.0)
        fit = bar.add_task(f"fitting {settings.map.transport}", total=1.0, visible=False)
        outcome = convert_file(
            source,
            VoiceLibrary().open(settings.voice),
            output,
            opened,
            conversion,
            overwrite=force,
            progress=lambda share: bar.update(task, completed=share),
            fitting=lambda share: bar.update(fit, completed=share, visible=True),
        )
    report(output, outcome, verbose)
    if verbose:
        report_delay(opened)
    console.print(f"Use this voice live: rtvc live --voice {shlex.quote(settings.voice)}", soft_wrap=True)


def _convert_folder(folder: Path, output: Path, job: FolderConversion, jobs: int, verbose: bool) -> None:
    if output.suffix and not output.is_dir():
        raise RtvcError(f"{output}: {folder} is a folder, so name a folder for the output too.")
    plan = plan_folder(folder, output, job.overwrite)
    for path, reason in plan.skipped.items():
        console.print(f"skipped: {path}: {reason}", markup=False, soft_wrap=True)
    if not plan.outputs:
        raise RtvcError(f"{folder}: holds no recordings to convert ({', '.join(AUDIO_SUFFIXES)}).")
    # Before any worker starts: a voice or pack that cannot be opened is one error, not one for each recording.
    models = find_pack(job.pack, job.runtime)
    job.conversion.check(models)
    job.voice.features(models)
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
                report(plan.outputs[source], result, verbose, bar.console)
            bar.advance(running)

        try:
            convert_folder(plan, job, jobs, finished)
        except (KeyboardInterrupt, SystemExit):
            errors.print(f"Stopped: {converted} of {total} recordings are converted. Run again to convert the rest.")
            raise
    if not failures:
        console.print(f"{converted} recordings are converted, in {output}.", soft_wrap=True)
    else:
        raise RtvcError(f"{len(failures)} of {total} recordings were not converted:\n" + "\n".join(failures))


def report(output: Path, outcome: Outcome, verbose: bool, to: Console = console) -> None:
    """Print where the result is and what the user should know; with `verbose`, how fast it was converted."""
    for warning in outcome.warnings:
        warn(warning)
    to.print(f"{output}: {outcome.duration:.1f} s of sound", soft_wrap=True)
    if verbose:
        to.print(
            f"  converted in {outcome.elapsed:.1f} s (real-time factor {outcome.real_time_factor:.3f})",
            soft_wrap=True,
        )


def report_delay(pack: ModelPack) -> None:
    """Print the pack's algorithmic delay in live use."""
    console.print(f"  algorithmic delay of {pack.name} live: {1000 * float(algorithmic_delay(pack)):.1f} ms")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
