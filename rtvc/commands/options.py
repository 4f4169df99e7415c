"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from rtvc.errors import RtvcError
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice


def _no_more_than_cores(threads: int | None) -> int | None:
    cores = os.cpu_count() or 1
    if threads is not None and threads > cores:
        raise RtvcError(f"--threads cannot exceed the {cores} cores of this machine.")
    return threads


PackName = Annotated[str, typer.Option("--pack", help="Model pack: a name, or a folder that holds a card.json.")]
Threads = Annotated[
    int | None, typer.Option(min=1, callback=_no_more_than_cores, help="Threads per graph. Default: the pack's.")
]
Strength = Annotated[float, typer.Option(min=0.0, max=1.0, help="From 0 (your own voice) to 1 (the target's).")]
TransportName = Annotated[str, typer.Option("--transport", help=f"Transport that maps the voice: {', '.join(FITS)}.")]
BlockSize = Annotated[
    int | None,
    typer.Option(
        min=1, help="K of MKL: larger is closer to the target, smaller keeps speech clearer. Default: the pack's."
    ),
]


def map_choice(transport: str, block_size: int | None, strength: float = 1.0) -> MapChoice:
    """Return the map that the options choose; raise `RtvcError` if they contradict each other."""
    choice = MapChoice(transport, block_size, strength)
    choice.check()
    if block_size is not None and transport != "mkl":
        raise RtvcError(f"--block-size is an option of the transport mkl, not of {transport}.")
    return choice
