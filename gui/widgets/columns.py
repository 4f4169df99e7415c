"""Sections in as many columns as the width allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QSize
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import SCROLL_BAR, SPACE


@dataclass(frozen=True)
class Arrangement:
    """The columns from a width on: their sections, and how they share the width."""

    width: int
    columns: Sequence[Sequence[QWidget]]
    stretch: Sequence[int]


class Columns(QWidget):
    """Arranges its sections by its width.

    Parameters
    ----------
    arrangements
        Widest first; the last one's `width` is 0. Each holds the same sections. The Tab key follows the last.
    """

    def __init__(self, arrangements: Sequence[Arrangement], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._arrangements = arrangements
        self._current: Arrangement | None = None
        self._row = QHBoxLayout(self)
        self._row.setSpacing(2 * SPACE)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._arrange(arrangements[-1])

    def minimumSizeHint(self) -> QSize:
        """Return no minimum: the height follows from the width, and any width will do."""
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Rearrange if another arrangement fits the new width."""
        self._arrange(next(one for one in self._arrangements if self.width() >= one.width))
        super().resizeEvent(event)

    def _arrange(self, arrangement: Arrangement) -> None:
        if arrangement is self._current:
            return
        self._current = arrangement
        _clear(self._row)
        margin = 2 * SPACE if arrangement.width else SPACE
        self._row.setContentsMargins(margin, margin, max(0, margin - SCROLL_BAR), margin)
        for sections, stretch in zip(arrangement.columns, arrangement.stretch, strict=True):
            column = QVBoxLayout()
            column.setSpacing(margin)
            for section in sections:
                column.addWidget(section, int(section is sections[-1]))
            self._row.addLayout(column, stretch)


def _clear(layout: QBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        inner = item.layout()
        if isinstance(inner, QBoxLayout):
            _clear(inner)
            inner.deleteLater()
