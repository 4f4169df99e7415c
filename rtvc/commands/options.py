"""Options that several commands share, so that a word means the same everywhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rtvc.errors import RtvcError
from rtvc.transport import FITS

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


def transport_options(transport: str, block_size: int | None) -> dict[str, Any]:
    """Return the fit options of the named transport; raise `RtvcError` where they do not go together."""
    if transport not in FITS:
        raise RtvcError(f"There is no transport named {transport!r}: choose one of {', '.join(FITS)}.")
    if block_size is None:
        return {}
    if transport != "mkl":
        raise RtvcError(f"--block-size belongs to the transport mkl, not to {transport}.")
    return {"block_size": block_size}
