"""Scrolling pages, and the default one: one column of cards, no wider than is easy to read."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import SCROLL_BAR, SPACE

WIDEST = 760


class Scroll(QScrollArea):
    """Scrolls its page vertically.

    The scroll bar always has its place, though it is not seen while there is nothing to scroll: if it came and went
    with the height, which follows from the width, the layout might never come to rest.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)


class Page(Scroll):
    """Add to `column`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        ground = Ground()
        row = QHBoxLayout(ground)
        row.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE - SCROLL_BAR, 2 * SPACE)
        sheet = QWidget()
        sheet.setMaximumWidth(WIDEST)
        self.column = QVBoxLayout(sheet)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2 * SPACE)
        row.addWidget(sheet)
        self.setWidget(ground)


class Ground(QWidget):
    """The content of a scroll area: as wide as the area, as high as its content needs at that width."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Return no minimum: wrapped text would demand the height of a narrow column."""
        return QSize(0, 0)
