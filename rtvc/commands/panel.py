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
) -> None:
    """Open the panel."""
    try:
        application = import_module("gui.application")
    except ImportError as error:
        raise RtvcError(f"The panel needs PyQt6 ({error}): install it with `pip install 'rtvc[gui]'`.") from None
    application.main([] if screenshots is None else ["--screenshots", str(screenshots)])
