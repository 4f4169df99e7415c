"""Focus rings: drawn around a control that the keyboard reached, never left behind by the mouse.

Qt's style sheets know `:focus` alone, so controls have the property `ring` instead. It changes with the focus and
with the keys that move it. Lives on the GUI thread.
"""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QWindow
from PyQt6.QtWidgets import QApplication, QWidget

_MOVING = {
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
}


def has_ring(widget: QWidget) -> bool:
    """Tell whether a control that paints itself shows a ring."""
    return bool(widget.property("ring"))


class FocusRing(QObject):
    """Gives the ring to the focused control while the keyboard is used.

    It watches windows, not the application: a filter of the application would run Python code for every event.
    """

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._by_keyboard = False
        application.focusWindowChanged.connect(self._watch)
        application.focusChanged.connect(self._move)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Note whether keyboard or mouse is used, before the window's controls get the event."""
        if event is not None and event.type() == QEvent.Type.MouseButtonPress:
            self._by_keyboard = False
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVING:
            self._by_keyboard = True
            _set_ring(QApplication.focusWidget(), True)
        return False

    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)  # a second installation replaces the first

    def _move(self, before: QWidget | None, now: QWidget | None) -> None:
        _set_ring(before, False)
        _set_ring(now, self._by_keyboard)


def _set_ring(widget: QWidget | None, shown: bool) -> None:
    if widget is None or has_ring(widget) == shown:
        return
    widget.setProperty("ring", shown)
    style = widget.style()
    assert style is not None
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
