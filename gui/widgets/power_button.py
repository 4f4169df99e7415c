"""The power button; while on, a ring follows the microphone's level."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from gui.focus_ring import has_ring
from gui.icons import pixmap
from gui.language import tr
from gui.theme import theme

DIAMETER = 84
RING = 6


class PowerButton(QAbstractButton):
    """On while checked; the level is a fraction of a meter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setAccessibleName(tr("Voice changer on or off"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._level = 0.0
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the size of the disc with its ring."""
        return QSize(DIAMETER + 4 * RING, DIAMETER + 4 * RING)

    def set_level(self, level: float) -> None:
        """Show a level, 0 … 1."""
        if round(level * 40) != round(self._level * 40):
            self._level = level
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the ring, the disc and the icon."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(self.rect().center()) + QPointF(0.5, 0.5)
        on = self.isChecked()
        painter.setPen(Qt.PenStyle.NoPen)
        if on:
            painter.setBrush(theme.colour("accent", 0.18))
            reach = DIAMETER / 2 + 2 * RING * self._level
            painter.drawEllipse(centre, reach, reach)
        if on:
            fill = theme.colour("accent_hover" if self.underMouse() else "accent")
            sign = theme.colour("on_accent")
        else:
            fill = theme.colour("border" if self.isDown() else "raised")
            sign = theme.colour("text" if self.underMouse() else "muted")
        painter.setBrush(fill)
        if not on:
            painter.setPen(QPen(theme.colour("strong_border"), 1))
        painter.drawEllipse(centre, DIAMETER / 2 - 1, DIAMETER / 2 - 1)
        if has_ring(self):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("text" if on else "accent"), 2))
            painter.drawEllipse(centre, DIAMETER / 2 + 2, DIAMETER / 2 + 2)
        side = 36
        picture = pixmap("power", sign.name(), side, self.devicePixelRatioF())
        painter.drawPixmap(QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side).topLeft(), picture)
