"""`rtvc gui`, which opens the panel. The panel is a package of its own: nothing else in `rtvc` knows of Qt."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from rtvc.errors import RtvcError

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""Environment variables of which one must tell Qt where to draw."""


def gui(
    screenshots: Annotated[
        Path | None, typer.Option(help="Save a picture of every page into this folder, and quit.")
    ] = None,
    measure: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1.0,
            help="Measure for this long, and quit: prints the time to start, the share of a processor core used "
            "while live, and the longest time that the window did not respond.",
        ),
    ] = None,
    stress: Annotated[
        bool,
        typer.Option(
            help="With --measure: print the sound lost under a game-like CPU load instead, on virtual devices "
            "of the sound server."
        ),
    ] = False,
    press: Annotated[
        str | None,
        typer.Option(
            metavar="HOTKEY",
            help="Press a hotkey of the running panel, and quit: power, bypass, mute, push_to_talk, monitor, record, "
            "voice1 and so on. Lets the desktop's keyboard shortcuts control the panel where global hotkeys are "
            "unavailable (Wayland).",
        ),
    ] = None,
) -> None:
    """Open the panel."""
    if stress and measure is None:
        raise RtvcError("--stress is for measurements: add --measure SECONDS.")
    try:
        application = import_module("gui.application")
    except ImportError as error:
        raise RtvcError(
            f"The panel needs PyQt6 ({error}): in the folder of rtvc, run `sh run.sh install`, "
            'or `pip install -e ".[gui]"`.'
        ) from None
    # Without a display Qt aborts the process. The options need none.
    drawn = screenshots is None and measure is None and press is None
    if sys.platform == "linux" and drawn and not any(map(os.environ.get, DISPLAYS)):
        raise RtvcError(
            "There is no display to open the panel on: start it in a desktop session, or use `rtvc live`."
        )
    application.main(screenshots, measure, stress, press)
