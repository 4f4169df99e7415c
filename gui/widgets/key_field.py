"""A field for the keys of one hotkey: click it and press the keys; Backspace clears it."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QKeySequenceEdit, QLineEdit, QWidget

from gui.language import tr
from gui.theme import SPACE


def field_width() -> int:
    """Return the width of a field that fits the longest default keys."""
    return QFontMetrics(QApplication.font()).horizontalAdvance("Ctrl+Alt+Space") + 5 * SPACE


class KeyField(QKeySequenceEdit):
    """One key with its modifiers; `picked` is emitted only for the user's input."""

    picked = pyqtSignal(QKeySequence)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaximumSequenceLength(1)
        self.setFixedWidth(field_width())
        self.setAccessibleName(name)
        self.setToolTip(tr("Click here and press the keys; Backspace alone clears them"))
        self._shown = QKeySequence()
        self._explain()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Accept a key with its modifiers; clear the field with Backspace or Delete."""
        assert event is not None
        cleared = event.keyCombination().toCombined() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
        if cleared:
            self.clear()
        else:
            super().keyPressEvent(event)
        self._explain()
        if self.keySequence() != self._shown and (cleared or not self.keySequence().isEmpty()):
            self.picked.emit(self.keySequence())

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show the previous keys again if only modifiers were pressed."""
        super().focusOutEvent(event)
        self.show_keys(self._shown)

    def show_keys(self, sequence: QKeySequence) -> None:
        """Show keys without emitting `picked`."""
        self._shown = sequence
        self.setKeySequence(sequence)
        self._explain()

    def _explain(self) -> None:
        line = self.findChild(QLineEdit)
        if line is not None:
            line.setPlaceholderText(tr("none"))
