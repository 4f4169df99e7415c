"""Labels in the roles of the style sheet, labels that shrink or shorten their text, tones, explanations."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget


def label(text: str = "", role: str = "", wrap: bool = False, parent: QWidget | None = None) -> QLabel:
    """Return a label in a role (`title`, `hero`, `heading`, `muted`, `caption`, `figure`)."""
    result = QLabel(text, parent)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setProperty("role", role)
    if wrap:
        result.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        result.setSizePolicy(policy)
    return result


def set_tone(widget: QWidget, tone: str) -> None:
    """Give a widget a tone of the style sheet."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        style = widget.style()
        assert style is not None
        style.unpolish(widget)
        style.polish(widget)


def set_text(shown: QLabel, text: str) -> None:
    """Show another text; setting the same text again costs nothing."""
    if shown.text() != text:
        shown.setText(text)


def explain(widget: QWidget, explanation: str) -> None:
    """Describe a control in its tooltip and to screen readers."""
    widget.setToolTip(explanation)
    widget.setAccessibleDescription(explanation)


class FittedLabel(QLabel):
    """One line that shrinks to fit its width."""

    def __init__(self, role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def fitted_font(self) -> QFont:
        """Return the font in the largest size that fits."""
        font = self.font()
        while QFontMetrics(font).horizontalAdvance(self.text()) > self.width() and font.pointSizeF() > 1:
            font.setPointSizeF(font.pointSizeF() * 0.95)
        return font

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the line."""
        painter = QPainter(self)
        painter.setFont(self.fitted_font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, self.text())


class ElidedLabel(QLabel):
    """One line, shortened by an ellipsis if it does not fit; the tooltip then has the whole text.

    With `whole`, a line that does not fit is hidden instead.
    """

    def __init__(self, text: str = "", role: str = "", whole: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._whole = whole
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Return the height of the line and almost no width."""
        return QSize(0 if self._whole else 24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the line, shortened."""
        painter = QPainter(self)
        shortened = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        self.setToolTip(self.text() if shortened != self.text() else "")
        if self._whole and shortened != self.text():
            return
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, shortened)
