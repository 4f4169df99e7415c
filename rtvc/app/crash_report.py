"""Crash reports: what happened and in which version, on this computer only, without sound, names or messages.

`install` catches what nothing else caught, on any thread. The panel's About page offers to copy the latest report.
"""

from __future__ import annotations

import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

from platformdirs import user_log_path

KEPT = 5
"""Reports that stay on disk; older ones are deleted."""

PACKAGES = ("rtvc", "numpy", "scipy", "onnxruntime", "onnxruntime-gpu", "sounddevice", "PyQt6", "pulsectl")

PLACES = ("rtvc", "gui", "export", "models", "site-packages")
"""Folders from which on a path is told."""


def reports_folder() -> Path:
    """Return the folder of the reports; it may not exist."""
    return user_log_path("rtvc", appauthor=False) / "crashes"


def latest_report() -> Path | None:
    """Return the newest report, or None where there is none."""
    return max(reports_folder().glob("crash-*.txt"), default=None)


def system() -> str:
    """Return the versions of Python and of the operating system in one line."""
    return f"Python {platform.python_version()} on {platform.system()} {platform.release()} ({platform.machine()})"


def report(error: BaseException) -> str:
    """Return a report of an error that nobody expected: versions, and the places in the code that it passed.

    Exception messages are left out, since they may name files, devices or people; paths begin at the package.
    """
    lines = [
        f"rtvc crash report, {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        system(),
        *(f"{package} {installed}" for package in PACKAGES if (installed := _installed(package))),
        "",
    ]
    chain: BaseException | None = error
    while chain is not None:
        lines.append(f"{type(chain).__module__}.{type(chain).__qualname__}")
        for frame in traceback.extract_tb(chain.__traceback__):
            lines.append(f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    return "\n".join(lines) + "\n"


def write_report(error: BaseException) -> Path | None:
    """Write a report, readable by its owner only, and delete the oldest ones; return None if the disk refuses."""
    folder = reports_folder()
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(seconds))}-{nanoseconds:09}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(report(error), encoding="utf-8")
    except OSError:
        return None
    for old in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
        with suppress(OSError):
            old.unlink()
    return path


def install(tell: Callable[[BaseException, Path | None], None]) -> None:
    """From now on write a report of every error that nothing catches, on any thread, and `tell` where it is."""

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        tell(error, write_report(error))

    def caught_in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            caught(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    sys.excepthook = caught
    threading.excepthook = caught_in_thread


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _place(filename: str) -> str:
    """Return a path from the package on: what stands before it may hold the user's name."""
    parts = Path(filename).parts
    known = [place for place, part in enumerate(parts) if part in PLACES]
    return "/".join(parts[known[-1] :]) if known else parts[-1]
