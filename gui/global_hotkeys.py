"""Hotkeys that are heard whatever window has the focus, through pynput, an optional package.

pynput calls back on a thread of its own; the signals bring the keys to the GUI thread.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from gui.hotkeys import HOTKEYS, actions
from gui.session import Session


def unavailable(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Say why hotkeys cannot be heard everywhere, in a sentence; empty if they can."""
    wayland = environment.get("XDG_SESSION_TYPE") == "wayland" or "WAYLAND_DISPLAY" in environment
    if platform == "linux" and (wayland or "DISPLAY" not in environment):
        desktop = "This desktop (Wayland)" if wayland else "A desktop without X11"
        return (
            f"{desktop} lets no program hear keys that are pressed elsewhere: "
            "they work while this window has the focus."
        )
    if importlib.util.find_spec("pynput") is None:
        return "To use hotkeys in other programs, too, install the package pynput, and start rtvc again."
    return ""


def chords() -> dict[str, frozenset[str]]:
    """Return the keys of each hotkey that works everywhere, by its name; voices are `voice1` … `voice9`."""
    found = {}
    for hotkey in HOTKEYS:
        if hotkey.name == "voice":
            for number in range(1, 10):
                found[f"voice{number}"] = _keys(f"<ctrl>+<alt>+{number}")
        elif hotkey.global_keys:
            found[hotkey.name] = _keys(hotkey.global_keys)
    return found


class ChordTracker:
    """Knows which keys are down, and tells which chords begin and end."""

    def __init__(self, known: Mapping[str, frozenset[str]]) -> None:
        self._known = known
        self._down: set[str] = set()

    def press(self, key: str) -> Iterable[str]:
        """Return the names of the chords that are complete with this key; a key that repeats completes none."""
        if key in self._down:
            return ()
        self._down.add(key)
        return [name for name, keys in self._known.items() if keys == self._down]

    def release(self, key: str) -> Iterable[str]:
        """Return the names of the chords that this key was part of."""
        self._down.discard(key)
        return [name for name, keys in self._known.items() if key in keys]


class GlobalHotkeys(QObject):
    """Listens while `Options.global_hotkeys` is on."""

    _pressed = pyqtSignal(str)
    _released = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions(session)
        self._tracker = ChordTracker(chords())
        self._listener: Any = None
        self._pressed.connect(self.press)
        self._released.connect(self.release)
        session.options_changed.connect(self._follow)
        self._follow()

    def press(self, key: str) -> None:
        """Take a key that went down: a character, or a name such as `ctrl`."""
        for name in self._tracker.press(key):
            if name == "talk":
                self._session.change(talking=True)
            else:
                self._actions[name]()

    def release(self, key: str) -> None:
        """Take a key that went up."""
        if "talk" in self._tracker.release(key) and self._session.settings.talking:
            self._session.change(talking=False)

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def _follow(self) -> None:
        wanted = self._session.options.global_hotkeys and not unavailable()
        if wanted and self._listener is None:
            keyboard = importlib.import_module("pynput.keyboard")
            self._listener = keyboard.Listener(
                on_press=lambda key: self._pressed.emit(self._name(key)),
                on_release=lambda key: self._released.emit(self._name(key)),
            )
            self._listener.start()
        elif not wanted:
            self.close()

    def _name(self, key: Any) -> str:  # noqa: ANN401 - pynput has no types
        """Return a key's character without what Ctrl and Alt make of it, or its name."""
        plain = self._listener.canonical(key)
        return str(getattr(plain, "char", None) or getattr(plain, "name", None) or plain).lower()


def _keys(text: str) -> frozenset[str]:
    return frozenset(part.strip("<>") for part in text.split("+"))
