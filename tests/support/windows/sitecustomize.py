"""Python as rtvc finds it on Windows, in every process that starts with this folder in PYTHONPATH.

No POSIX signals, schedulers or locks; no file is removed or renamed while somebody has it open. The standard library
and the packages stay those of this system: they are imported before the platform changes.
"""

import contextlib
import importlib
import multiprocessing.resource_tracker
import os
import platform
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEFORE = (
    "multiprocessing.popen_spawn_posix multiprocessing.connection webbrowser numpy scipy.linalg scipy.signal"
    " samplerate sounddevice soundfile pyloudnorm platformdirs typer rich.console rich.progress"
)
SIGNALS = ("SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIG_DFL", "SIG_IGN")
MISSING = ("fcntl", "resource", "termios", "pwd", "pulsectl", "jeepney")


class Platform:
    """Changes the platform when rtvc is imported; multiprocessing has asked for it by then."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Note the import and leave it to the other finders."""
        if name == "rtvc":
            sys.platform = "win32"


def refuses_open_files(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call as it is on Windows, where a file that somebody has open stays where it is."""

    def guarded(*paths: Any, **options: Any) -> Any:  # noqa: ANN401
        named = {os.path.realpath(path) for path in paths}
        opened = set()
        for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                opened.add(str(descriptor.readlink()))
        if named & opened:
            raise PermissionError(13, "The process cannot access the file", paths[0])
        return call(*paths, **options)

    return guarded


for name in BEFORE.split():
    importlib.import_module(name)
platform.uname()
sys.modules["msvcrt"] = types.ModuleType("msvcrt")  # imported, and used only at a terminal
for name in dir(signal):
    if name.startswith("SIG") and name not in SIGNALS:
        delattr(signal, name)
del signal.pthread_sigmask, signal.setitimer, signal.alarm
multiprocessing.resource_tracker._HAVE_SIGMASK = False  # type: ignore[attr-defined]
for name in dir(os):
    if name.startswith("sched_") or name in ("fork", "getuid", "killpg", "sysconf"):
        delattr(os, name)
for name in MISSING:
    sys.modules[name] = None  # type: ignore[assignment]
for name in ("unlink", "remove", "rename", "replace"):
    setattr(os, name, refuses_open_files(getattr(os, name)))
sys.meta_path.insert(0, Platform())
