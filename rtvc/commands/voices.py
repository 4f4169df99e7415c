"""`rtvc voices`: the target voices there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rtvc.commands.options import PackName
from rtvc.commands.terminal import console, warn
from rtvc.errors import RtvcError
from rtvc.packs.pack import find_pack
from rtvc.voices.library import VoiceLibrary

app = typer.Typer(no_args_is_help=True, help="List, add, show and remove voices.")


@app.command("list")
def list_voices() -> None:
    """List your voices and those that came with the program."""
    table = Table(box=None)
    for column in ("voice", "reference", ""):
        table.add_column(column)
    for voice in VoiceLibrary().list():
        try:
            table.add_row(voice.name, f"{voice.recording.duration:.1f} s", voice.credit or "your own")
        except RtvcError as error:
            table.add_row(voice.name, "damaged", f"{error}; `rtvc voices add {voice.name} … --force` makes it anew")
    console.print(table)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call the voice.")],
    recordings: Annotated[list[Path], typer.Argument(help="Recordings of the voice: 5 s of clean speech are good.")],
    pack: PackName = "mini",
    force: Annotated[bool, typer.Option("--force", help="Replace a voice of this name.")] = False,
) -> None:
    """Store a voice made of one or more recordings."""
    opened = find_pack(pack)
    voice = VoiceLibrary().add(name, recordings, opened, replace=force)
    if (warning := voice.warning(opened)) is not None:
        warn(warning)
    console.print(f"{name}: {voice.speech_seconds(opened):.1f} s of speech")


@app.command()
def show(name: str, pack: PackName = "mini") -> None:
    """Tell what is known of a voice."""
    voice, opened = VoiceLibrary().find(name), find_pack(pack)
    console.print(
        f"{voice.name}: {voice.recording.duration:.1f} s at {voice.recording.rate} Hz, "
        f"{voice.speech_seconds(opened):.1f} s of speech",
    )
    console.print(f"{voice.reference}", soft_wrap=True)
    if voice.credit:
        console.print(voice.credit, soft_wrap=True)


@app.command()
def remove(name: str) -> None:
    """Delete one of your voices."""
    VoiceLibrary().remove(name)
    console.print(f"{name}: removed")
