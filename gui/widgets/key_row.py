"""One row of the hotkeys: the action, and its key fields beside or, in a narrow window, below it."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from gui.theme import SPACE
from gui.widgets.labels import label, set_tone

WORDS = 150


class KeyRow(QWidget):
    """The action's words and its fields; `complain` shows a sentence below them."""

    def __init__(self, words: str, fields: Sequence[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(SPACE // 2)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(SPACE // 2)
        self._row.addWidget(label(words, wrap=True), 1)
        self._fields = fields
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.setSpacing(SPACE)
        for field in fields:
            self._pair.addWidget(field)
        self._pair.addStretch(0)
        self._row.addLayout(self._pair)
        rows.addLayout(self._row)
        self.complaint = label("", "caption", wrap=True)
        set_tone(self.complaint, "bad")
        self.complaint.hide()
        rows.addWidget(self.complaint)

    def complain(self, sentence: str) -> None:
        """Say why keys were refused; an empty sentence clears that."""
        self.complaint.setText(sentence)
        self.complaint.setVisible(bool(sentence))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Stack words and fields where they do not fit side by side."""
        super().resizeEvent(event)
        shown = [field for field in self._fields if not field.isHidden()]
        needed = sum(field.minimumWidth() + SPACE for field in shown)
        for part, width in ((self._row, needed + WORDS), (self._pair, needed)):
            fits = width <= self.width()
            wanted = QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom
            if wanted != part.direction():
                part.setDirection(wanted)
