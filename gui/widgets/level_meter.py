"""A level meter with peak hold and a clip mark."""

from __future__ import annotations

import time

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.language import tr
from gui.theme import SPACE, font, theme
from gui.view.levels import CAUTION_DBFS, FLOOR_DBFS, HOT_DBFS, PeakHold, level_fraction, level_text

BAR = 10


class LevelMeter(QWidget):
    """One level: green below -12 dBFS, yellow up to -3 dBFS, red above."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._level = FLOOR_DBFS
        self._hold = PeakHold()
        self._shown: tuple[int, int, bool] = (0, 0, False)
        self.setAccessibleName(tr("Level: {name}", name=name))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            tr("The bar is the level, the line the peak of the last seconds; the lamp turns red when it clips")
        )
        theme.changed.connect(self.update)

    @property
    def clipped(self) -> bool:
        """Whether the clip mark is shown."""
        return self._hold.clipped

    def sizeHint(self) -> QSize:
        """Return a line of text and the bar."""
        return QSize(200, self.fontMetrics().height() + BAR + SPACE // 2 + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the height; any width will do."""
        return QSize(120, self.sizeHint().height())

    def set_level(self, level: float, peak: float) -> None:
        """Show a level and the latest peak, in dBFS; called at every poll."""
        self._level = level
        self._hold.update(peak, time.monotonic())
        shown = (
            round(level_fraction(level) * self.width()),
            round(level_fraction(self._hold.peak) * self.width()),
            self._hold.clipped,
        )
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription(level_text(level))
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint name, figure, bar, peak and clip mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = QRectF(0, 0, self.width(), self.fontMetrics().height())
        painter.setPen(theme.colour("text"))
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._name)
        painter.setFont(font(0.88))
        painter.setPen(theme.colour("bad" if self._hold.clipped else "muted"))
        words = tr("clipped") if self._hold.clipped else level_text(self._level)
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

        lamp = BAR
        bar = QRectF(0, self.height() - BAR, self.width() - lamp - SPACE / 2, BAR)
        path = QPainterPath()
        path.addRoundedRect(bar, BAR / 2, BAR / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillPath(path, theme.colour("border"))
        painter.save()
        painter.setClipPath(path)
        filled = level_fraction(self._level)
        for colour, begin, end in (
            ("good", 0.0, level_fraction(CAUTION_DBFS)),
            ("caution", level_fraction(CAUTION_DBFS), level_fraction(HOT_DBFS)),
            ("bad", level_fraction(HOT_DBFS), 1.0),
        ):
            if filled > begin:
                width = (min(filled, end) - begin) * bar.width()
                painter.fillRect(QRectF(begin * bar.width(), bar.top(), width, BAR), theme.colour(colour))
        if self._hold.peak > FLOOR_DBFS:
            position = level_fraction(self._hold.peak) * bar.width()
            painter.fillRect(QRectF(max(0.0, position - 2), bar.top(), 2, BAR), theme.colour("text"))
        painter.restore()
        painter.setBrush(theme.colour("bad" if self._hold.clipped else "border"))
        painter.drawEllipse(QRectF(self.width() - lamp, self.height() - BAR, lamp, lamp))
