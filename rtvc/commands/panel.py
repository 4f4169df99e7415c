"""`rtvc gui`: the panel. The runtime itself knows nothing of Qt; the panel is a package of its own."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from rtvc.errors import RtvcError

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""Any of these in the environment tells Qt what to draw on."""


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
        raise RtvcError(
            f"The panel needs PyQt6 ({error}): in the folder of rtvc, run `sh run.sh install`, "
            'or `pip install -e ".[gui]"`.'
        ) from None
    # Qt would abort the process. The two options need no display.
    drawn = screenshots is None and measure is None
    if sys.platform == "linux" and drawn and not any(map(os.environ.get, DISPLAYS)):
        raise RtvcError(
            "There is no display to open the panel on: start it in a desktop session, or use `rtvc live`."
        )
    application.main(screenshots, measure)
