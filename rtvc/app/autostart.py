"""Starting the panel with the system: an XDG autostart file, a launch agent on macOS, a Run key on Windows.

The entry starts the panel and nothing else: the microphone stays closed until the user switches it on. Everything
runs on the calling thread and takes a moment at most.
"""

from __future__ import annotations

import configparser
import plistlib
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

from platformdirs import user_config_path

from rtvc.errors import RtvcError
from rtvc.storage import atomic_write, make_folder

LABEL = "org.rtvc.rtvc"
"""The launch agent's name: that of the bundle on macOS."""

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
RUN_VALUE = "rtvc"


def starts_with_system() -> bool:
    """Whether the system starts a panel when the user logs in."""
    return _entry().program() is not None


def start_with_system(on: bool) -> None:
    """Write the entry for this program, in place of any other, or remove it; raise `RtvcError` if that fails."""
    entry = _entry()
    try:
        if on:
            entry.write(panel_command())
        else:
            entry.remove()
    except OSError as error:
        raise RtvcError(
            f"Starting with the system cannot be changed ({error.strerror}): change it in the system's own settings."
        ) from None


def repair() -> None:
    """Let an entry whose program has been moved or removed start this program; raise `RtvcError` if that fails."""
    program = _entry().program()
    if program is not None and not Path(program).exists():
        start_with_system(True)


def panel_command() -> list[str]:
    """Return the command that starts the panel: the bundle's program, the installed script, or the module."""
    suffix = ".exe" if sys.platform == "win32" else ""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable).with_name(f"rtvc-gui{suffix}")
    else:
        program = Path(sysconfig.get_path("scripts")) / f"rtvc-gui{suffix}"
    return [str(program)] if program.exists() else [sys.executable, "-m", "gui"]


class Entry(Protocol):
    """What makes the system start a program."""

    def program(self) -> str | None:
        """Return the path of the program that is started, "" if it cannot be told, or None if none is."""
        ...

    def write(self, command: Sequence[str]) -> None:
        """Start a command from now on; raise `RtvcError` or `OSError` if that fails."""
        ...

    def remove(self) -> None:
        """Start nothing any more; raise `OSError` if that fails."""
        ...


class DesktopFile:
    """A file in the XDG autostart folder."""

    def __init__(self) -> None:
        self._path = user_config_path() / "autostart" / "rtvc.desktop"

    def program(self) -> str | None:  # noqa: D102
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(self._path.read_text(encoding="utf-8"))
            values = parser["Desktop Entry"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, configparser.Error):
            return ""
        # Desktops switch an entry off by one of these and leave the file.
        if values.get("Hidden") == "true" or values.get("X-GNOME-Autostart-enabled") == "false":
            return None
        return values.get("TryExec", "").replace("\\\\", "\\")

    def write(self, command: Sequence[str]) -> None:  # noqa: D102
        program = command[0].replace("\\", "\\\\")
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            "Name=rtvc",
            "Comment=Real-time voice changer",
            f"Exec={' '.join(map(_quoted, command))}",
            f"TryExec={program}",
            "Icon=rtvc",
            "Terminal=false",
        ]
        make_folder(self._path.parent)
        with atomic_write(self._path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))

    def remove(self) -> None:  # noqa: D102
        self._path.unlink(missing_ok=True)


class LaunchAgent:
    """A property list in the user's folder of launch agents, which macOS reads at the next login."""

    def __init__(self) -> None:
        self._path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def program(self) -> str | None:  # noqa: D102
        try:
            content: dict[str, Any] = plistlib.loads(self._path.read_bytes())
            return str(content["ProgramArguments"][0])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, IndexError, TypeError, ExpatError):
            return ""

    def write(self, command: Sequence[str]) -> None:  # noqa: D102
        content = {"Label": LABEL, "ProgramArguments": list(command), "RunAtLoad": True, "ProcessType": "Interactive"}
        make_folder(self._path.parent)
        with atomic_write(self._path) as file:
            file.write(plistlib.dumps(content))

    def remove(self) -> None:  # noqa: D102
        self._path.unlink(missing_ok=True)


class RunKey:
    """A value of the user's Run key in the registry."""

    def __init__(self) -> None:
        self._registry: Any = import_module("winreg")

    def program(self) -> str | None:  # noqa: D102
        try:
            with self._registry.OpenKey(self._registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                command = str(self._registry.QueryValueEx(key, RUN_VALUE)[0])
        except FileNotFoundError:
            return None
        return command[1:].partition('"')[0] if command.startswith('"') else command.partition(" ")[0]

    def write(self, command: Sequence[str]) -> None:  # noqa: D102
        with self._registry.CreateKey(self._registry.HKEY_CURRENT_USER, RUN_KEY) as key:
            self._registry.SetValueEx(key, RUN_VALUE, 0, self._registry.REG_SZ, subprocess.list2cmdline(command))

    def remove(self) -> None:  # noqa: D102
        registry = self._registry
        try:
            with registry.OpenKey(registry.HKEY_CURRENT_USER, RUN_KEY, 0, registry.KEY_SET_VALUE) as key:
                registry.DeleteValue(key, RUN_VALUE)
        except FileNotFoundError:
            pass


def _entry() -> Entry:
    match sys.platform:
        case "win32":
            return RunKey()
        case "darwin":
            return LaunchAgent()
    return DesktopFile()


def _quoted(argument: str) -> str:
    """Quote an argument of `Exec`, then escape it as a string of a desktop file (Desktop Entry Specification 1.5)."""
    for character in '\\"`$':
        argument = argument.replace(character, f"\\{character}")
    return '"' + argument.replace("%", "%%").replace("\\", "\\\\") + '"'
