"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from rtvc.commands.program import EXPERTS
from rtvc.errors import RtvcError
from rtvc.packs.runtime import cores
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.transport.pitch import LARGEST_INTONATION, LARGEST_SEMITONES


def _no_more_than_cores(threads: int | None) -> int | None:
    if threads is not None and threads > cores():
        raise RtvcError(f"--threads cannot exceed the {cores()} cores that this process may use.")
    return threads


PackName = Annotated[str, typer.Option("--pack", help="Model pack: a name, or a folder that holds a card.json.")]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, callback=_no_more_than_cores, rich_help_panel=EXPERTS, help="Threads per graph. Default: the pack's."
    ),
]
Strength = Annotated[float, typer.Option(min=0.0, max=1.0, help="From 0 (your own voice) to 1 (the target's).")]
TransportName = Annotated[
    str,
    typer.Option("--transport", rich_help_panel=EXPERTS, help=f"Transport that maps the voice: {', '.join(FITS)}."),
]
BlockSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=EXPERTS,
        help="K of MKL: larger is closer to the target, smaller keeps speech clearer. Default: the pack's.",
    ),
]
_PITCH = typer.Option(
    min=-LARGEST_SEMITONES, max=LARGEST_SEMITONES, help="Pitch of the new voice, in semitones up (or down, below 0)."
)
_INTONATION = typer.Option(
    min=0.0, max=LARGEST_INTONATION, help="Range of its pitch: 0 is monotone, 1 the voice's own, 2 twice as wide."
)
Pitch = Annotated[float, _PITCH]
Intonation = Annotated[float, _INTONATION]
PresetPitch = Annotated[float | None, _PITCH]
PresetIntonation = Annotated[float | None, _INTONATION]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print figures, such as the time taken.")]


def map_choice(transport: str, block_size: int | None, strength: float = 1.0) -> MapChoice:
    """Return the map that the options choose; raise `RtvcError` if they contradict each other."""
    choice = MapChoice(transport, block_size, strength)
    choice.check()
    if block_size is not None and transport != "mkl":
        raise RtvcError(f"--block-size is an option of the transport mkl, not of {transport}.")
    return choice
