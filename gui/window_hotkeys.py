"""The hotkeys while the panel's window has the focus."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QKeyCombination, QObject
from PyQt6.QtGui import QKeyEvent, QShortcut
from PyQt6.QtWidgets import QApplication, QKeySequenceEdit, QLineEdit, QWidget

from gui.hotkeys import HELD, Scope, actions, heard_everywhere, keys
from gui.session import Session


class WindowHotkeys(QObject):
    """The hotkeys of one window, including the global ones if they are on.

    The talk key works while push-to-talk is on, except while text is being typed.
    """

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._shortcuts: dict[str, QShortcut] = {}
        self._talk: list[QKeyCombination] = []
        for name, action in actions(session).items():
            shortcut = self._shortcuts[name] = QShortcut(window)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(action)
        self._listening = False
        session.preferences.options_changed.connect(self._take_keys)
        session.preferences.settings_changed.connect(self._follow)
        self._take_keys()
        self._follow()

    def _take_keys(self) -> None:
        options = self._session.preferences.options
        scopes = [keys(options, Scope.WINDOW)]
        if heard_everywhere(options):
            scopes.append(keys(options, Scope.GLOBAL))
        for name, shortcut in self._shortcuts.items():
            shortcut.setKeys([scope[name] for scope in scopes])
        self._talk = [scope[HELD][0] for scope in scopes if not scope[HELD].isEmpty()]

    def _follow(self) -> None:
        """Filter the application's events only while push-to-talk is on, because there are many."""
        wanted = self._session.preferences.settings.push_to_talk
        application = QApplication.instance()
        if application is None or wanted == self._listening:
            return
        self._listening = wanted
        if wanted:
            application.installEventFilter(self)
        else:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Handle the talk key; release it when the window loses the focus."""
        assert event is not None
        if event.type() == QEvent.Type.WindowDeactivate and watched is self._window:
            self._session.preferences.change(talking=False)
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) or not isinstance(watched, QWidget):
            return False
        assert isinstance(event, QKeyEvent)
        elsewhere = isinstance(watched, QLineEdit | QKeySequenceEdit) or watched.window() is not self._window
        if event.type() == QEvent.Type.KeyPress:
            if elsewhere or event.keyCombination() not in self._talk:
                return False
        elif not self._session.preferences.settings.talking or event.key() not in [keys.key() for keys in self._talk]:
            # The modifiers may be released before the key.
            return False
        if not event.isAutoRepeat():
            # Released anywhere, over an open menu too, the key must not leave the microphone open.
            self._session.preferences.change(talking=event.type() == QEvent.Type.KeyPress)
        return not elsewhere
