"""What a frozen program needs: its own PortAudio, worker processes that start the bundle again, and visible errors.

Imported before anything of rtvc.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import multiprocessing
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_find_library = ctypes.util.find_library


def _find(name: str) -> str | None:
    """Find PortAudio beside the program; sounddevice asks the system's linker cache, which knows no bundle."""
    own = Path(getattr(sys, "_MEIPASS", "")) / f"lib{name}.so.2"
    return str(own) if name == "portaudio" and own.exists() else _find_library(name)


def begin() -> None:
    """Serve as a worker process, or as `python -m MODULE`, and end, where the program was started again as one."""
    multiprocessing.freeze_support()
    if sys.argv[1:2] == ["-m"]:
        del sys.argv[:2]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        sys.exit()


def windowed(program: Callable[[], None]) -> None:
    """Run a program that has no terminal: what it prints goes to a log, and what ends it is shown in a dialog."""
    if sys.stderr is not None:
        program()
        return
    from platformdirs import user_log_path

    log = user_log_path("rtvc", appauthor=False, ensure_exists=True) / "rtvc-gui.log"
    with log.open("w", encoding="utf-8", buffering=1) as file:
        sys.stdout = sys.stderr = file
        try:
            program()
        except SystemExit as end:
            if end.code:
                _dialog(f"{log.read_text(encoding='utf-8').strip()[-600:]}\n\nThe log is {log}.")
            raise
        except BaseException as error:
            from rtvc.app.crash_report import write_report

            _dialog(f"rtvc has stopped ({type(error).__name__}). A report is in {write_report(error)}.")
            sys.exit(1)  # Raised on, it would be reported again.


def _dialog(text: str) -> None:
    """Show a text where there may be no Qt: by the system's own means."""
    if sys.platform == "win32":
        ctypes.windll.user32.MessageBoxW(None, text, "rtvc", 0x10)
    elif sys.platform == "darwin":
        script = 'on run argv\ndisplay alert "rtvc" message (item 1 of argv) as critical\nend run'
        subprocess.run(["osascript", "-e", script, text], check=False)


if sys.platform == "linux":
    ctypes.util.find_library = _find
