"""Step times against the deadline: while the curve stays below the line, the sound has no gaps."""

from __future__ import annotations

from functools import cache

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.language import number, tr
from gui.theme import SMALL_RADIUS, font, theme
from gui.view.delay import HEADROOM, FrameTimes, step_curve
from rtvc.live.snapshot import Snapshot


class FrameTimeGraph(QWidget):
    """A history of step times; newest at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.times = FrameTimes()
        self._deadline = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Time of each step, compared with its deadline"))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the size of a low strip."""
        return QSize(200, 5 * self.fontMetrics().height())

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Append the new steps."""
        if self.times.update(snapshot) or snapshot.deadline_seconds != self._deadline:
            self._deadline = snapshot.deadline_seconds
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
        line = area.height() * (1 - 1 / HEADROOM)
        scale = self.devicePixelRatioF()
        columns, rows = round(self.width() * scale), round(self.height() * scale)
        shares = self.times.shares
        curve = step_curve(shares, shares.maxlen or len(shares), columns, rows)
        deadline = round(line * scale)
        for colour, top, bottom in (("bad", 0, deadline), ("accent", deadline, rows)):
            part = curve[top:bottom]
            image = QImage(part.tobytes(), columns, len(part), columns, QImage.Format.Format_Indexed8)
            image.setColorTable(_shades(theme.colour(colour).rgb()))
            painter.drawImage(QRectF(0, top / scale, self.width(), len(part) / scale), image)
        painter.setPen(QPen(theme.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.left(), line), QPointF(area.right(), line))
        painter.setFont(font(0.8))
        painter.setPen(theme.colour("muted"))
        text = tr("deadline {milliseconds} ms", milliseconds=number(1000 * self._deadline))
        metrics = painter.fontMetrics()
        ground = QRectF(6, line + 3, metrics.horizontalAdvance(text) + 6, metrics.height())
        painter.fillRect(ground, theme.colour("raised", 0.85))
        painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, text)


@cache
def _shades(colour: int) -> list[int]:
    """Return 256 shades of a colour, from transparent to opaque."""
    return [colour & 0xFFFFFF | alpha << 24 for alpha in range(256)]
