"""A heading that shows or hides its content."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.icons import set_icon
from gui.language import tr
from gui.theme import SPACE


class Expander(QWidget):
    """Closed at first; add to `body`."""

    toggled = pyqtSignal(bool)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self.button = QPushButton(text)
        self.button.setProperty("kind", "fold")
        self.button.setCheckable(True)
        column.addWidget(self.button)
        self.content = QWidget()
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(2 * SPACE)
        column.addWidget(self.content)
        self.button.toggled.connect(self._show)
        self._show(False)

    def set_open(self, is_open: bool) -> None:
        """Show or hide the content."""
        self.button.setChecked(is_open)

    def _show(self, is_open: bool) -> None:
        self.content.setVisible(is_open)
        set_icon(self.button, "chevron-down" if is_open else "chevron-right", "muted", size=16)
        self.button.setAccessibleDescription(tr("open") if is_open else tr("closed"))
        self.toggled.emit(is_open)
