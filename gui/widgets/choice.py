"""A drop-down list under its name."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QComboBox, QStyledItemDelegate, QVBoxLayout, QWidget

from gui.theme import SPACE
from gui.widgets.labels import label


class _Box(QComboBox):
    def __init__(self) -> None:
        super().__init__()
        # The default delegate of drop-down lists ignores the style sheet.
        self.setItemDelegate(QStyledItemDelegate(self))

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Let the wheel scroll the page: it must not change a device."""
        if event is not None:
            event.ignore()


class Choice(QWidget):
    """A drop-down list of values with their words; `chosen` is emitted only for the user's choice."""

    chosen = pyqtSignal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE // 2)
        caption = label(name, "caption")
        self.box = _Box()
        caption.setBuddy(self.box)
        self.box.setAccessibleName(name)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(6)
        self.box.activated.connect(lambda index: self.chosen.emit(self.box.itemData(index)))
        column.addWidget(caption)
        column.addWidget(self.box)
        self._choices: list[tuple[object, str]] = []

    def fill(self, choices: Sequence[tuple[object, str]], chosen: object) -> None:
        """Replace the values and show one as chosen (the first if it is not listed) without emitting `chosen`."""
        if choices != self._choices:  # an open list stays open while other settings change
            self._choices = list(choices)
            self.box.clear()
            for value, words in choices:
                self.box.addItem(words, value)
        self.box.setCurrentIndex(next((i for i, (value, _) in enumerate(choices) if value == chosen), 0))
