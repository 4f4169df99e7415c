"""Options that several commands share, so that a word means the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from rtvc.errors import RtvcError
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice

PackName = Annotated[str, typer.Option("--pack", help="Model pack: a name, or a folder with a card.json.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads that each graph may use. Default: what the pack needs.")
]
Strength = Annotated[float, typer.Option(min=0.0, max=1.0, help="From 0, your own voice, to 1, the target's.")]
TransportName = Annotated[str, typer.Option("--transport", help=f"The map towards the voice: {', '.join(FITS)}.")]
BlockSize = Annotated[
    int | None,
    typer.Option(min=1, help="K of MKL: larger is closer to the target, smaller is clearer. Default: the pack's."),
]


def map_choice(transport: str, block_size: int | None, strength: float = 1.0) -> MapChoice:
    """Return the choice of map that the options make; raise `RtvcError` if they do not fit together."""
    choice = MapChoice(transport, block_size, strength)
    choice.check()
    if block_size is not None and transport != "mkl":
        raise RtvcError(f"--block-size is an option of the transport mkl, not of {transport}.")
    return choice
