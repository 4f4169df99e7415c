"""The keys: what each does in the window and, where the desktop allows it, everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import QApplication, QLineEdit, QWidget

from gui.session import Session


@dataclass(frozen=True)
class Hotkey:
    """A key in the window, the key that works everywhere (if there is one), and what both do."""

    name: str
    keys: str
    global_keys: str
    explanation: str

    @property
    def global_words(self) -> str:
        """The keys that work everywhere, as people write them."""
        return self.global_keys.replace("<", "").replace(">", "").title()


HOTKEYS = (
    Hotkey("power", "Ctrl+Return", "<ctrl>+<alt>+p", "Switch on or off"),
    Hotkey("bypass", "Ctrl+B", "<ctrl>+<alt>+b", "Bypass: your own voice"),
    Hotkey("mute", "Ctrl+M", "<ctrl>+<alt>+m", "Mute"),
    Hotkey("push_to_talk", "Ctrl+T", "", "Push to talk on or off"),
    Hotkey("talk", "Space", "<ctrl>+<alt>+<space>", "Hold to talk"),
    Hotkey("monitor", "Ctrl+H", "", "Hear myself"),
    Hotkey("record", "Ctrl+R", "", "Record"),
    Hotkey("voice", "Ctrl+1 … 9", "<ctrl>+<alt>+1 … 9", "Choose a voice"),
)


def actions(session: Session) -> dict[str, Callable[[], None]]:
    """Return what each hotkey does when it is pressed; voices are `voice1` … `voice9`."""
    result: dict[str, Callable[[], None]] = {
        "power": lambda: session.set_power(not session.on),
        "bypass": lambda: session.change(bypass=not session.settings.bypass),
        "mute": lambda: session.change(mute=not session.settings.mute),
        "push_to_talk": lambda: session.change(push_to_talk=not session.settings.push_to_talk, talking=False),
        "monitor": lambda: session.hear_myself(not session.settings.monitor),
        "record": lambda: session.set_recording(not session.snapshot.recording),
    }
    for number in range(1, 10):
        result[f"voice{number}"] = partial(session.choose_voice_number, number)
    return result


class WindowHotkeys(QObject):
    """The keys of one window. Space talks while push-to-talk is on, but for text that is being typed."""

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        keys = {hotkey.name: hotkey.keys for hotkey in HOTKEYS}
        for name, action in actions(session).items():
            sequence = keys.get(name) or f"Ctrl+{name.removeprefix('voice')}"
            QShortcut(QKeySequence(sequence), window).activated.connect(action)
        self._listening = False
        session.settings_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        """See the application's events only while the talk key is wanted: they are many."""
        wanted = self._session.settings.push_to_talk
        application = QApplication.instance()
        if application is None or wanted == self._listening:
            return
        self._listening = wanted
        if wanted:
            application.installEventFilter(self)
        else:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the talk key; let it go when the window loses the focus."""
        assert event is not None
        if event.type() == QEvent.Type.WindowDeactivate and watched is self._window:
            self._session.change(talking=False)
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return False
        assert isinstance(event, QKeyEvent)
        if (
            event.key() != Qt.Key.Key_Space
            or not isinstance(watched, QWidget)
            or isinstance(watched, QLineEdit)
            or watched.window() is not self._window
        ):
            return False
        if not event.isAutoRepeat():
            self._session.change(talking=event.type() == QEvent.Type.KeyPress)
        return True
