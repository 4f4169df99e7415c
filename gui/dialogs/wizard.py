"""What the wizards share: a title, a column, a row of buttons, and a height that fits what they say."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SPACE
from gui.widgets.labels import label

WIDTH = 540
LEAST_WIDTH = 340


class Wizard(QDialog):
    """Add to `column`, and buttons to `foot`."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(LEAST_WIDTH)
        self.resize(WIDTH, 0)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        rows.setSpacing(2 * SPACE)
        rows.addWidget(label(title, "title", wrap=True))
        self.column = QVBoxLayout()
        self.column.setSpacing(2 * SPACE)
        rows.addLayout(self.column)
        self.foot = QHBoxLayout()
        self.foot.addStretch(1)
        rows.addLayout(self.foot)

    def add_frame(self) -> QVBoxLayout:
        """Add a framed box and return its column."""
        frame = QFrame()
        frame.setObjectName("card")
        box = QVBoxLayout(frame)
        box.setContentsMargins(2 * SPACE, SPACE + SPACE // 2, 2 * SPACE, 2 * SPACE)
        box.setSpacing(SPACE)
        self.column.addWidget(frame)
        return box

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Be as high as the text needs at this width."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent | None) -> bool:
        """Fit again when the text changes."""
        handled = super().event(event)
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        rows = self.layout()
        assert rows is not None
        self.setFixedHeight(rows.totalHeightForWidth(self.width()))
