"""`rtvc transports`: the trained maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rtvc.app.transports import train_map
from rtvc.commands.program import Program
from rtvc.commands.terminal import console
from rtvc.errors import RtvcError
from rtvc.transport.trained import GRAPH, SYSTEMS, read_map_card, read_map_graph, read_map_statistics
from rtvc.transport.trained_maps import MapLibrary

app = Program("Train, list, add, show and remove trained maps.")

Name = Annotated[str, typer.Argument(help="The map's name, such as not:Iris.")]


@app.command("list")
def list_maps() -> None:
    """List your trained maps and the shipped ones."""
    table = Table(box=None)
    for column in ("map", "voice", "model pack", "size", ""):
        table.add_column(column)
    for entry in MapLibrary().entries():
        try:
            card = read_map_card(entry.folder)
            size = (entry.folder / GRAPH).stat().st_size
        except (RtvcError, OSError) as error:
            table.add_row(entry.name, "", "", "", f"damaged: {error}")
            continue
        origin = "shipped" if entry.shipped else ""
        table.add_row(entry.name, card.voice, f"{card.pack} {card.pack_digest[:8]}", f"{size / 1e6:.1f} MB", origin)
    console.print(table)


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(help="Folder that `rtvc transports train` wrote.")],
    name: Annotated[str | None, typer.Option(help="What to call the map. Default: the voice's name.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a map of this name.")] = False,
) -> None:
    """Add a trained map."""
    entry = MapLibrary().add(folder, name, replace=force)
    card = read_map_card(entry.folder)
    console.print(f"{entry.name}: added. Use it with --voice {card.voice} --transport {entry.name}.", soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def train(context: typer.Context) -> None:
    """Train a map on recordings of a voice. `rtvc transports train --help` lists its options."""
    train_map(context.args)


@app.command()
def show(name: Name) -> None:
    """Check a trained map, and show its card."""
    entry = MapLibrary().find(name)
    card = read_map_card(entry.folder)
    size = len(read_map_graph(entry.folder, card))
    console.print(f"{entry.name}: {SYSTEMS[card.system]} to the voice {card.voice}, {size / 1e6:.1f} MB, intact")
    behind = "" if read_map_statistics(entry.folder, card) is None else ", behind MKL"
    weight = f", w = {card.weight:g}" if card.system == "xnot" else ""
    console.print(f"trained for {card.steps} steps{weight} on {card.seconds / 60:.1f} min of the target{behind}")
    console.print(f"model pack: {card.pack}, {card.pack_digest[:16]}")
    if card.licence:
        console.print(card.licence, soft_wrap=True)


@app.command()
def remove(name: Name) -> None:
    """Delete one of your trained maps."""
    MapLibrary().remove(name)
    console.print(f"{name}: removed")
