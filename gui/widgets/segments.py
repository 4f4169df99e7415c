"""A choice among a few values, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QButtonGroup, QFrame, QPushButton, QSizePolicy, QWidget


class Segments(QFrame):
    """Buttons of which one is pressed; `chosen` is emitted only for the user's choice.

    Parameters
    ----------
    name
        What is chosen, for screen readers.
    choices
        Values with the words for them.
    """

    chosen = pyqtSignal(object)

    def __init__(self, name: str, choices: Sequence[tuple[object, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(3, 3, 3, 3)
        self._row.setSpacing(2)
        self._group = QButtonGroup(self)
        self.buttons: dict[object, QPushButton] = {}
        for value, words in choices:
            button = QPushButton(words)
            button.setCheckable(True)
            button.setProperty("kind", "segment")
            button.setAccessibleName(f"{name}: {words}")
            button.clicked.connect(lambda checked, value=value: self.chosen.emit(value))
            self._group.addButton(button)
            self.buttons[value] = button
            self._row.addWidget(button, 1)

    def minimumSizeHint(self) -> QSize:
        """Return the height needed; in a narrow window the buttons are stacked."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Stack the buttons where they do not fit side by side."""
        super().resizeEvent(event)
        widest = max(button.sizeHint().width() for button in self.buttons.values())
        fits = len(self.buttons) * (widest + self._row.spacing()) + 6 <= self.width()
        wanted = QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom
        if wanted != self._row.direction():
            self._row.setDirection(wanted)
            self.updateGeometry()

    def set_value(self, value: object) -> None:
        """Show a value as chosen without emitting `chosen`."""
        self.buttons[value].setChecked(True)
