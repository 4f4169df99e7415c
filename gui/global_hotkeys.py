"""Global hotkeys, which work whatever window has the focus, through pynput.

pynput calls back on its own thread; signals bring the keys to the GUI thread.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QApplication, QMainWindow

from gui.chords import Chord, ChordTracker, chord, key_name
from gui.hotkeys import HELD, Scope, actions, heard_everywhere, keys
from gui.language import tr
from gui.options import Options
from gui.session import Session
from rtvc.errors import RtvcError


def chords(options: Options) -> dict[str, Chord]:
    """Return the chord of each hotkey that has one, by name."""
    found = {}
    for name, sequence in keys(options, Scope.GLOBAL).items():
        if not sequence.isEmpty():
            with suppress(RtvcError):
                found[name] = chord(sequence)
    return found


class GlobalHotkeys(QObject):
    """Listens while `Options.global_hotkeys` is on; the main window handles its own keys."""

    _pressed = pyqtSignal(str)
    _released = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions(session)
        self._tracker = ChordTracker({})
        self._listener: Any = None
        self._wanted = False
        self._pressed.connect(self.press)
        self._released.connect(self.release)
        session.preferences.options_changed.connect(self._follow)
        self._follow()

    def press(self, key: str) -> None:
        """Handle a pressed key, by its name in a `Chord`."""
        names = self._tracker.press(key)
        if isinstance(QApplication.activeWindow(), QMainWindow):
            return
        for name in names:
            if name == HELD:
                self._session.preferences.change(talking=True)
            else:
                self._actions[name]()

    def release(self, key: str) -> None:
        """Handle a released key."""
        if HELD in self._tracker.release(key) and self._session.preferences.settings.talking:
            self._session.preferences.change(talking=False)

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def _follow(self) -> None:
        self._tracker.known = chords(self._session.preferences.options)
        wanted = heard_everywhere(self._session.preferences.options)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self.close()
        if wanted:
            try:
                self._listen()
            except Exception as error:  # pynput passes on whatever X11, Windows or macOS raise
                self._session.failed.emit(
                    tr(
                        "Hotkeys do not work in other programs ({error}). "
                        "Switch them off and on again under Settings.",
                        error=error,
                    )
                )

    def _listen(self) -> None:
        keyboard = importlib.import_module("pynput.keyboard")
        self._listener = keyboard.Listener(
            on_press=lambda key: self._pressed.emit(key_name(key)),
            on_release=lambda key: self._released.emit(key_name(key)),
        )
        self._listener.start()
