"""`rtvc gui`: the panel. The runtime itself knows nothing of Qt; the panel is a package of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from rtvc.errors import RtvcError


def gui(
    screenshots: Annotated[
        Path | None, typer.Option(help="Take pictures of every page into this folder, and quit.")
    ] = None,
    measure: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1.0,
            help="Print how long the panel takes to start, what it takes of a processor core while live, and the "
            "longest time for which it does not answer, each over so many seconds; and quit.",
        ),
    ] = None,
) -> None:
    """Open the panel."""
    try:
        application = import_module("gui.application")
    except ImportError as error:
        raise RtvcError(f"The panel needs PyQt6 ({error}): install it with `pip install 'rtvc[gui]'`.") from None
    chosen = {"--screenshots": screenshots, "--measure": measure}
    application.main([part for name, value in chosen.items() if value is not None for part in (name, str(value))])
