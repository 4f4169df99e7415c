"""A framed section with a heading, the building block of the pages."""

from __future__ import annotations

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.theme import SPACE
from gui.widgets.labels import label


class Card(QFrame):
    """A section; add to `body`, and to `header` beside the heading. With `fills`, the body takes all the height."""

    def __init__(self, heading: str = "", parent: QWidget | None = None, fills: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        outer = QVBoxLayout(self)
        top = SPACE + SPACE // 2 if heading else 2 * SPACE
        outer.setContentsMargins(2 * SPACE, top, 2 * SPACE, 2 * SPACE)
        self.body = QVBoxLayout()
        outer.addLayout(self.body, int(fills))
        if not fills:
            # A card that is higher than its content, to end with the other columns, keeps the content at its top.
            outer.addStretch(1)
        self.body.setSpacing(SPACE + SPACE // 2)
        self.header = QHBoxLayout()
        self.header.setSpacing(SPACE // 2)
        if heading:
            self.setAccessibleName(heading)
            title = label(heading, "heading")
            title.setMinimumHeight(3 * SPACE + SPACE // 2)
            self.header.addWidget(title)
            self.header.addStretch(1)
            self.body.addLayout(self.header)
