"""What `rtvc convert` and `rtvc demo` show of a conversion."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rtvc.chain.voice_chain import algorithmic_latency
from rtvc.commands.terminal import console, errors, warn
from rtvc.files.conversion import Outcome
from rtvc.packs.pack import ModelPack


def report(output: Path, outcome: Outcome, verbose: bool, to: Console = console) -> None:
    """Print where the result is and what the user should know; with `verbose`, how fast it was converted."""
    for warning in outcome.warnings:
        warn(warning)
    to.print(f"Wrote {output} ({outcome.duration:.1f} s).", soft_wrap=True)
    if verbose:
        to.print(
            f"  converted in {outcome.elapsed:.1f} s (real-time factor {outcome.real_time_factor:.3f})",
            soft_wrap=True,
        )


def report_latency(pack: ModelPack) -> None:
    """Print the pack's algorithmic latency in live use."""
    console.print(f"  algorithmic latency of {pack.name} live: {1000 * float(algorithmic_latency(pack)):.1f} ms")


def conversion_bar() -> Progress:
    """Return a progress bar on standard error, which disappears at the end."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )
