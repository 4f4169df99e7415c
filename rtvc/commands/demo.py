"""`rtvc demo`: convert a shipped recording, and draw what happened to it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from rtvc.audio_file import AudioFile
from rtvc.benchmark.picture import conversion_picture
from rtvc.commands.options import Verbose
from rtvc.commands.outcome import report, report_latency
from rtvc.commands.terminal import console
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import find_pack
from rtvc.storage import make_folder
from rtvc.voices.library import VoiceLibrary

VOICE = "Alder"
"""Of the shipped voices the furthest from the reader in pitch: 90 Hz to 165 Hz, 10.6 semitones below (medians)."""


def demo(
    voice: Annotated[str, typer.Option(help="A stored voice; `rtvc voices list` lists them.")] = VOICE,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("output"),
    verbose: Verbose = False,
) -> None:
    """Convert a shipped recording into a shipped voice, and draw source, reference and result."""
    pack = find_pack("mini")
    target = VoiceLibrary().find(voice)
    source = Path(str(files("rtvc"))) / "assets" / "demo" / "source.flac"
    make_folder(output)
    sound, picture = output / "demo.wav", output / "demo.png"
    report(sound, convert_file(source, target, sound, pack, overwrite=True), verbose)
    if verbose:
        report_latency(pack)
    paths = (source, target.reference, sound)
    said, reference, result = (AudioFile(path).read(pack.sample_rate) for path in paths)
    conversion_picture(picture, said, reference, result, pack.sample_rate)
    for label, path in (("source", source), ("voice", target.reference), ("result", sound), ("picture", picture)):
        console.print(f"  {label:8} {path}", soft_wrap=True)
    console.print(
        f"To speak in this voice: rtvc live --voice {target.name}. Other voices: rtvc voices list", soft_wrap=True
    )
