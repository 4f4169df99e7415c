"""The outline of a recording, with the played part marked."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.theme import theme

BAR = 3
GAP = 2


class Waveform(QWidget):
    """Bars whose height is the peak level."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._envelope: Sequence[float] = ()
        self._played = 0.0
        self._selected = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the size of a strip."""
        return QSize(120, 34)

    def minimumSizeHint(self) -> QSize:
        """Return the height; any width will do."""
        return QSize(40, 34)

    def set_envelope(self, envelope: Sequence[float]) -> None:
        """Show peaks over time, each value 0 … 1."""
        self._envelope = envelope
        self.update()

    def set_played(self, share: float) -> None:
        """Mark the share that has been played, 0 … 1."""
        self._played = share
        self.update()

    def set_selected(self, selected: bool) -> None:
        """Use the accent colour for the chosen voice."""
        self._selected = selected
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the bars; played ones are darker."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        count = max(1, self.width() // (BAR + GAP))
        for index in range(count):
            height = BAR * 1.0
            if self._envelope:
                begin = index * len(self._envelope) // count
                end = max(begin + 1, (index + 1) * len(self._envelope) // count)
                height = max(height, max(self._envelope[begin:end]) * self.height())
            if index < self._played * count or (self._selected and self._played == 0):
                painter.setBrush(theme.colour("accent"))
            else:
                painter.setBrush(theme.colour("strong_border"))
            area = QRectF(index * (BAR + GAP), (self.height() - height) / 2, BAR, height)
            painter.drawRoundedRect(area, BAR / 2, BAR / 2)
