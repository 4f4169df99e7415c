"""A generated portrait: initials on a colour that follows from the voice's name."""

from __future__ import annotations

from hashlib import sha256

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from gui.theme import font, theme

SIZE = 32


class Portrait(QWidget):
    """A round portrait, the same one for the same name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._initials = "".join(word[0] for word in name.split()[:2]).upper()
        self._hue = sha256(name.encode()).digest()[0] / 255
        self.setFixedSize(self.sizeHint())
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the portrait's size."""
        return QSize(SIZE, SIZE)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the disc and the initials."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shade = QLinearGradient(0, 0, SIZE, SIZE)
        shade.setColorAt(0, QColor.fromHslF(self._hue, 0.45, 0.52))
        shade.setColorAt(1, QColor.fromHslF((self._hue + 0.08) % 1, 0.5, 0.4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawEllipse(QRectF(self.rect()))
        painter.setFont(font(0.9))
        painter.setPen(QColor("white"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._initials)
