"""`rtvc voices`: the target voices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rtvc.app.models import open_pack
from rtvc.app.voices import AddedVoice, add_voice, import_voice
from rtvc.commands.options import NoiseSuppressionLevel, PackName
from rtvc.commands.program import Program
from rtvc.commands.terminal import console, warn
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.voices.exchange import SUFFIX, export_voice
from rtvc.voices.library import VoiceLibrary

app = Program("List, add, share and remove voices.")

Name = Annotated[str, typer.Argument(help="The voice's name.")]
NewName = Annotated[str, typer.Argument(help="The new name.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a voice of this name.")]


@app.command("list")
def list_voices() -> None:
    """List your voices and the shipped ones."""
    table = Table(box=None)
    for column in ("voice", "reference", "pitch", "description"):
        table.add_column(column)
    for voice in VoiceLibrary().list():
        about = voice.description or ("your own" if voice.folder else "")
        try:
            table.add_row(voice.name, f"{voice.recording.duration:.1f} s", voice.register, about)
        except RtvcError as error:
            way_out = f"{error}; replace it with `rtvc voices add {voice.name} … --force`"
            table.add_row(voice.name, "damaged", voice.register, way_out)
    console.print(table)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call the voice.")],
    recordings: Annotated[
        list[Path],
        typer.Argument(help="Recordings of the voice: 5 s of clean speech are good. 5 min at most are used."),
    ],
    pack: PackName = "mini",
    force: Force = False,
    credit: Annotated[str, typer.Option(help="Who spoke, and under which licence. Exported with the voice.")] = "",
    description: Annotated[str, typer.Option(help="How the voice sounds, in a few words.")] = "",
    noise_suppression: NoiseSuppressionLevel = None,
) -> None:
    """Add a voice made of one or more recordings."""
    _report(
        add_voice(
            name,
            recordings,
            pack,
            replace=force,
            credit=credit,
            description=description,
            noise_suppression=noise_suppression or NoiseSuppression.OFF,
        )
    )


@app.command()
def show(name: Name, pack: PackName = "mini") -> None:
    """Show the details of a voice."""
    voice, opened = VoiceLibrary().find(name), open_pack(pack)
    console.print(
        f"{voice.name}: {voice.recording.duration:.1f} s at {voice.recording.rate} Hz, "
        f"{voice.speech_seconds(opened):.1f} s of speech",
    )
    console.print(f"{voice.reference}", soft_wrap=True)
    for text in (voice.description, voice.register and f"{voice.register} pitch", voice.credit):
        if text:
            console.print(text, soft_wrap=True)


@app.command()
def rename(name: Name, new_name: NewName) -> None:
    """Rename one of your voices."""
    VoiceLibrary().rename(name, new_name)
    console.print(f"{name}: renamed to {new_name}")


@app.command()
def duplicate(name: Name, new_name: NewName) -> None:
    """Copy a voice to one of your own under another name."""
    VoiceLibrary().duplicate(name, new_name)
    console.print(f"{name}: copied to {new_name}")


@app.command()
def remove(name: Name) -> None:
    """Delete one of your voices."""
    VoiceLibrary().remove(name)
    console.print(f"{name}: removed")


@app.command("export")
def export_file(
    name: Name,
    output: Annotated[Path | None, typer.Argument(help=f"The file to write. Default: NAME{SUFFIX}.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a voice to one file, to share it or to keep a copy."""
    voice = VoiceLibrary().find(name)
    path = output or Path(f"{voice.name}{SUFFIX}")
    export_voice(voice, path, force)
    console.print(f"{voice.name}: exported to {path}", soft_wrap=True)
    if not voice.credit:
        warn("The file names no licence. Share it only if the speaker agrees.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help=f"A {SUFFIX} file.")],
    name: Annotated[str | None, typer.Option(help="What to call the voice. Default: its name in the file.")] = None,
    pack: PackName = "mini",
    force: Force = False,
) -> None:
    """Add the voice in a file that `rtvc voices export` wrote."""
    _report(import_voice(file, pack, name=name, replace=force))


def _report(added: AddedVoice) -> None:
    if added.warning is not None:
        warn(added.warning)
    console.print(f"Added {added.voice.name} ({added.speech_seconds:.1f} s of speech).")
