"""`rtvc voices`: the target voices there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rtvc.commands.options import PackName
from rtvc.pack import find_pack
from rtvc.voices import VoiceLibrary

app = typer.Typer(no_args_is_help=True, help="List, add, show and remove voices.")
console = Console()
errors = Console(stderr=True)


@app.command("list")
def list_voices() -> None:
    """List your voices and those that came with the program."""
    table = Table(box=None)
    for column in ("voice", "reference", ""):
        table.add_column(column)
    for voice in VoiceLibrary().list():
        table.add_row(voice.name, f"{voice.recording.duration:.1f} s", voice.credit or "your own")
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
        errors.print(f"warning: {warning}", style="yellow", highlight=False, soft_wrap=True)
    console.print(f"{name}: {voice.speech_seconds(opened):.1f} s of speech", highlight=False)


@app.command()
def show(name: str, pack: PackName = "mini") -> None:
    """Tell what is known of a voice."""
    voice, opened = VoiceLibrary().find(name), find_pack(pack)
    console.print(
        f"{voice.name}: {voice.recording.duration:.1f} s at {voice.recording.rate} Hz, "
        f"{voice.speech_seconds(opened):.1f} s of speech",
        highlight=False,
    )
    console.print(f"{voice.reference}", highlight=False, soft_wrap=True)
    if voice.credit:
        console.print(voice.credit, highlight=False, soft_wrap=True)


@app.command()
def remove(name: str) -> None:
    """Delete one of your voices."""
    VoiceLibrary().remove(name)
    console.print(f"{name}: removed", highlight=False)
