"""`rtvc effects`: the racks of effects for the new voice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rtvc.app.effects import RACKS, add_impulse, find_effects, try_plugin
from rtvc.commands.program import Program
from rtvc.commands.terminal import console, warn
from rtvc.dsp.effects import Rack
from rtvc.dsp.impulse_responses import impulse_names
from rtvc.dsp.plugins import PluginEffect, installed_plugins

app = Program("Show the effects for the converted voice, as in `rtvc convert --effects Radio`.")


@app.command("list")
def list_effects() -> None:
    """List the effects by name."""
    table = Table(box=None)
    table.add_column("name")
    table.add_column("made of")
    for rack in RACKS.values():
        table.add_row(rack.name, ", ".join(effect.kind for effect in rack.effects))
    console.print(table)


@app.command()
def plugins(
    name: Annotated[str | None, typer.Argument(help="A plug-in to try, in a process of its own.")] = None,
) -> None:
    """List the VST3 and Audio Unit plug-ins on this computer, or print one as JSON, to be used as effects."""
    if name is None:
        for plugin, path in installed_plugins().items():
            console.print(f"{plugin}  {path}", markup=False, soft_wrap=True)
        return
    report = try_plugin(PluginEffect(name))
    if warning := report.warning(name):
        warn(warning)
    values = tuple((parameter, round(value, 4)) for parameter, _, value in report.parameters)
    console.print_json(json.dumps(Rack(name, (PluginEffect(name, values),)).to_json()))


@app.command()
def impulses(
    recording: Annotated[
        Path | None,
        typer.Argument(help="A recording of at most 10 s to add, such as a balloon pop."),
    ] = None,
) -> None:
    """List the impulse responses for the effect convolution, or add one."""
    if recording is not None:
        console.print(f"Added as {add_impulse(recording)}.", markup=False)
        return
    for name in impulse_names():
        console.print(name, markup=False)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A name from the list, or a .json file.")]) -> None:
    """Print effects as JSON: save it as a .json file, change it, and name the file in place of the effects."""
    console.print_json(json.dumps(find_effects(name).to_json()))
