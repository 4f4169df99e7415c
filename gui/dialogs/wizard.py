"""The base of the wizards: a title, a column, a row of buttons, and a height that fits the text."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SCROLL_BAR, SPACE
from gui.widgets.labels import label
from gui.widgets.page import Ground, Scroll

WIDTH = 540
LEAST_WIDTH = 340
FRAME = 48
"""Upper bound of the window frame's height in pixels."""


class Wizard(QDialog):
    """Add to `column`, and buttons to `foot`."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(LEAST_WIDTH)
        self.resize(WIDTH, 0)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE - SCROLL_BAR, 2 * SPACE)
        rows.setSpacing(2 * SPACE)
        rows.addWidget(label(title, "title", wrap=True))
        body = _Body()
        self.column = body.column
        rows.addWidget(body, 1)
        self.foot = QHBoxLayout()
        self.foot.setContentsMargins(0, 0, SCROLL_BAR, 0)
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
        """Fit the height to the text at this width, up to the screen's height; beyond it the text scrolls."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent | None) -> bool:
        """Fit the height again when the text changes."""
        handled = super().event(event)
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        rows, screen = self.layout(), self.screen()
        assert rows is not None
        assert screen is not None
        self.setFixedHeight(min(rows.totalHeightForWidth(self.width()), screen.availableGeometry().height() - FRAME))


class _Body(Scroll):
    """Scrolls `column`; as high as it needs at any width."""

    def __init__(self) -> None:
        super().__init__()
        ground = Ground()
        self.column = QVBoxLayout(ground)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2 * SPACE)
        self.setWidget(ground)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass changes of the column's height on to the dialog, which a scroll area does not do itself."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def hasHeightForWidth(self) -> bool:
        """Return True: the text wraps."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of the column."""
        return self.column.totalHeightForWidth(width - SCROLL_BAR)
