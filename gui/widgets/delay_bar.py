"""The delay as one bar of its parts, with a legend in milliseconds."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.language import tr
from gui.theme import SPACE, font, theme
from gui.view.delay import DelayPart, delay_parts
from rtvc.live.snapshot import Latency

BAR = 14
SWATCH = 9
WIDTH = 200


class DelayBar(QWidget):
    """Shows a `Latency`: a bar, and every part with its swatch and figure."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: tuple[DelayPart, ...] = delay_parts(Latency())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Delay by its parts"))
        self.setToolTip("\n".join(f"{part.name}: {part.explanation}" for part in self.parts))
        theme.changed.connect(self.update)

    def set_latency(self, latency: Latency) -> None:
        """Show another delay."""
        parts = delay_parts(latency)
        if [round(part.milliseconds) for part in parts] != [round(part.milliseconds) for part in self.parts]:
            if len(parts) != len(self.parts):
                self.updateGeometry()
            self.parts = parts
            self.setAccessibleDescription(", ".join(f"{part.name} {part.text}" for part in parts))
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size of the bar and a line for each part."""
        return QSize(WIDTH, BAR + SPACE + len(self.parts) * self._row())

    def minimumSizeHint(self) -> QSize:
        """Return the same height; any width will do."""
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the bar and the legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = [QColor(colour) for colour in theme.tokens.parts]
        bar = QRectF(0, 0, self.width(), BAR)
        path = QPainterPath()
        path.addRoundedRect(bar, 5, 5)
        painter.fillPath(path, theme.colour("border"))
        painter.save()
        painter.setClipPath(path)
        total = sum(part.milliseconds for part in self.parts)
        left = 0.0
        for part, colour in zip(self.parts, colours, strict=False):
            width = part.milliseconds / total * self.width() if total else 0.0
            painter.fillRect(QRectF(left, 0, max(0.0, width - 1), BAR), colour)
            left += width
        painter.restore()
        painter.setFont(font(0.88))
        for index, (part, colour) in enumerate(zip(self.parts, colours, strict=False)):
            area = QRectF(0, BAR + SPACE + index * self._row(), self.width(), self._row())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(area.left(), area.center().y() - SWATCH / 2, SWATCH, SWATCH), 3, 3)
            painter.setPen(theme.colour("muted"))
            words = area.adjusted(SWATCH + SPACE, 0, 0, 0)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, part.name)
            painter.setPen(theme.colour("text"))
            figure = part.text if total else "—"
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, figure)

    def _row(self) -> int:
        return self.fontMetrics().height() + SPACE // 2
