"""The time that each step took, against what it may take: a curve below a line is sound without a crackle."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.theme import SMALL_RADIUS, font, theme
from gui.view_state import FrameTimes
from rtvc.snapshot import Snapshot

HEADROOM = 1.35
"""The top of the graph, as a share of the deadline."""


class FrameTimeGraph(QWidget):
    """A history of step times; newest at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.times = FrameTimes()
        self._deadline = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Time of each step against its deadline")
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return a low strip."""
        return QSize(200, 5 * self.fontMetrics().height())

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Take the steps that are new."""
        if self.times.update(snapshot) or snapshot.deadline != self._deadline:
            self._deadline = snapshot.deadline
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the area, the curve and the deadline."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        path = QPainterPath()
        path.addRoundedRect(area, SMALL_RADIUS, SMALL_RADIUS)
        painter.fillPath(path, theme.colour("raised"))
        painter.setClipPath(path)
        line = area.bottom() - area.height() / HEADROOM
        shares = self.times.shares
        if shares:
            step = area.width() / ((shares.maxlen or len(shares)) - 1)
            left = area.right() - step * (len(shares) - 1)
            points = [
                QPointF(left + index * step, area.bottom() - min(share / HEADROOM, 1.0) * area.height())
                for index, share in enumerate(shares)
            ]
            outline = [QPointF(left, area.bottom()), *points, area.bottomRight()]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent", 0.18))
            painter.drawPolygon(QPolygonF(outline))
            painter.setPen(QPen(theme.colour("accent"), 1.4))
            painter.drawPolyline(QPolygonF(points))
            painter.setPen(QPen(theme.colour("bad"), 2))
            for point, share in zip(points, shares, strict=True):
                if share > 1:
                    painter.drawLine(QPointF(point.x(), line), QPointF(point.x(), point.y()))
        painter.setPen(QPen(theme.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.left(), line), QPointF(area.right(), line))
        painter.setFont(font(0.8))
        painter.setPen(theme.colour("muted"))
        text = f"deadline {self._deadline * 1000:.0f} ms"
        metrics = painter.fontMetrics()
        ground = QRectF(6, line + 3, metrics.horizontalAdvance(text) + 6, metrics.height())
        painter.fillRect(ground, theme.colour("raised", 0.85))
        painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, text)
