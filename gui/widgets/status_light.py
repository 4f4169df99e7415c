"""The status light: a dot and a word or two; the tooltip is the full sentence."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.language import tr
from gui.theme import SPACE, theme
from gui.view.status import Status, Tone

DOT = 10
_COLOURS = {Tone.QUIET: "faint", Tone.GOOD: "good", Tone.CAUTION: "caution", Tone.BAD: "bad"}


class StatusLight(QWidget):
    """Shows a `Status`; colour is never the only cue."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status = Status(Tone.QUIET, tr("Off"), "")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._describe()
        theme.changed.connect(self.update)

    def set_status(self, status: Status) -> None:
        """Show another status."""
        if status != self.status:
            self.status = status
            self._describe()
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Return the dot and the words."""
        metrics = self.fontMetrics()
        return QSize(DOT + SPACE + metrics.horizontalAdvance(self.status.words) + 2, metrics.height() + 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint dot and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(_COLOURS[self.status.tone]))
        painter.drawEllipse(QRectF(0, (self.height() - DOT) / 2, DOT, DOT))
        painter.setPen(theme.colour("text"))
        area = QRectF(DOT + SPACE, 0, self.width() - DOT - SPACE, self.height())
        words = self.fontMetrics().elidedText(self.status.words, Qt.TextElideMode.ElideRight, round(area.width()))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, words)

    def _describe(self) -> None:
        self.setToolTip(self.status.sentence)
        self.setAccessibleName(tr("Status: {status}", status=self.status.words))
        self.setAccessibleDescription(self.status.sentence)
