"""`rtvc convert`: one recording, or a folder of them, into another voice."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rtvc.app.live import LiveSetup
from rtvc.app.preferences import PreferenceFile
from rtvc.app.presets import find_preset
from rtvc.commands.convert_folder import FolderOptions, convert_folder
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
from rtvc.commands.outcome import conversion_bar, report, report_latency
from rtvc.commands.program import EXPERTS
from rtvc.commands.terminal import console
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.enhancement import Enhancer
from rtvc.files.file_conversion import convert_file
from rtvc.files.folder_task import FolderJob
from rtvc.files.folder_voices import RANDOM, VoiceRule, one_voice, random_voices, voices_of_table
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.voices.library import VoiceLibrary

CORPORA = "Folders of many speakers"
"""Title of the help group for options of corpora."""


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
        int | None,
        typer.Option(
            min=8000,
            max=192000,
            help="Sample rate of the output in Hz. Default: the source's; with effects, 48000 or more.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
    verbose: Verbose = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=EXPERTS,
            help="Recordings of a folder to convert at the same time; at most two per core. Default: 1; with "
            "--cluster local, one per core.",
        ),
    ] = None,
    voices: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv|random",
            rich_help_panel=CORPORA,
            help="A voice for each speaker instead of --voice: a CSV file with the columns path and voice, where a "
            "path is a recording or a folder; or random, one of the shipped voices for each speaker.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, rich_help_panel=CORPORA, help="Seed of the random voices.")] = 0,
    speaker_folder: Annotated[
        int,
        typer.Option(
            min=1,
            rich_help_panel=CORPORA,
            help="Which folder in a recording's path names its speaker, for random voices: 1 is the first below "
            "the source folder.",
        ),
    ] = 1,
    manifest: Annotated[
        Path | None,
        typer.Option(
            parser=_path,
            rich_help_panel=CORPORA,
            help="Write one row per recording to this Parquet file, and skip those that it lists as finished. "
            "Default: manifest.parquet in the output folder with --cluster, else none.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="local|ADDRESS",
            rich_help_panel=CORPORA,
            help="Convert a folder on a Dask cluster: local starts one here, tcp://SCHEDULER:8786 uses another.",
        ),
    ] = None,
    worker_memory: Annotated[
        int | None,
        typer.Option(
            metavar="MIB",
            min=500,
            rich_help_panel=CORPORA,
            help="Restart a worker of --cluster local that uses more memory. Default: an equal share of the "
            "machine's memory.",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            metavar="MODE",
            rich_help_panel=EXPERTS,
            help="two-pass: learn the speaker from the whole recording, then convert it. live: learn the speaker "
            "while converting, as `rtvc live` does. whole-file: run the pack's offline graphs over the whole "
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
    rule = _voice_rule(settings.voice, voice, voices, seed, speaker_folder)
    if not settings.voice and voices is None:
        raise RtvcError("No voice is chosen: name one with --voice. `rtvc voices list` shows them.")
    conversion = Conversion(
        **settings.voice_settings(), mode=mode, step=step, sample_rate=sample_rate, enhancer=enhance
    )
    conversion.check()
    if not source.exists():
        raise RtvcError(f"{source}: no such file or folder.")
    runtime = Runtime(threads)
    if source.is_dir():
        options = FolderOptions(rule, force, verbose, jobs, cluster, manifest, worker_memory)
        convert_folder(source, output, FolderJob(pack, runtime, conversion), options)
        return
    if voices is not None or cluster is not None or manifest is not None:
        raise RtvcError(f"{source}: --voices, --manifest and --cluster need a folder, and this is one recording.")
    opened = find_pack(pack, runtime)
    with conversion_bar() as bar:
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
        report_latency(opened)
    given = {
        "--voice": voice,
        "--preset": preset,
        "--strength": strength,
        "--pitch": pitch,
        "--intonation": intonation,
        "--formants": formants,
        "--effects": effects,
        "--noise-suppression": noise_suppression,
        "--transport": transport,
        "--block-size": block_size,
        "--pack": None if pack == LiveSetup().pack else pack,
    }
    live = ["rtvc", "live"]
    for option, value in given.items():
        live += [] if value is None else [option, str(value)]
    console.print(f"To speak in this voice: {shlex.join(live)}", soft_wrap=True)


def _voice_rule(usual: str, voice: str | None, voices: str | None, seed: int, speaker_folder: int) -> VoiceRule:
    """Return which recording of a folder gets which voice; raise `RtvcError` if the options contradict each other."""
    if voices is None:
        return one_voice(usual)
    if voice is not None:
        raise RtvcError("Use --voice or --voices, not both.")
    return random_voices(seed, speaker_folder) if voices == RANDOM else voices_of_table(Path(voices))
