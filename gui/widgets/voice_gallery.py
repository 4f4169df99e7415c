"""The voices as cards in as many columns as fit, and a drop area for recordings."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.language import tr
from gui.theme import RADIUS, SPACE, theme
from gui.widgets.labels import label
from gui.widgets.page import Scroll
from gui.widgets.voice_card import WIDTH, VoiceCard

MOST_HEIGHT = 400

NARROWEST = 150
"""Width of a card, in pixels, below which names would be cut: the cards then lie one below the other."""


class VoiceGallery(QWidget):
    """Cards in a grid; the last cell is the drop area."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[str, VoiceCard] = {}
        self.drop_area = DropArea()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE + SPACE // 2)
        self._columns = 0
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """Return the height needed; any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def set_cards(self, cards: Sequence[VoiceCard]) -> None:
        """Replace the cards, in this order."""
        focused = next((name for name, card in self.cards.items() if card.hasFocus()), None)
        for card in self.cards.values():
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = {card.name: card for card in cards}
        self._columns = 0
        self._arrange()
        if focused in self.cards:
            self.cards[focused].setFocus()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Rearrange the cards if another number of columns fits."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        gap = self._grid.spacing()
        columns = max(1 + (self.width() >= 2 * NARROWEST + gap), (self.width() + gap) // (WIDTH + gap))
        if columns == self._columns:
            return
        # Columns that the grid does not have yet need their stretch, too: without it the cards differ in width.
        for column in range(max(columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._columns = columns
        widgets = [*self.cards.values(), self.drop_area]
        for index, widget in enumerate(widgets):
            self._grid.addWidget(widget, index // columns, index % columns)
        # What is left of the height lies below the cards, not between them.
        rows = -(-len(widgets) // columns)
        for row in range(max(rows + 1, self._grid.rowCount())):
            self._grid.setRowStretch(row, 1 if row == rows else 0)
        # Showing may resize and so arrange again, so it comes last.
        for widget in widgets:
            widget.show()


class GalleryArea(Scroll):
    """Scrolls the gallery: many voices do not push the other sections out of the window."""

    def __init__(self, gallery: VoiceGallery, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self._gallery = gallery
        self.setWidget(gallery)
        gallery.setAutoFillBackground(False)  # `setWidget` gave it the window's colour; it lies on a card
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Return the gallery's height, up to about three rows."""
        return QSize(0, min(self._gallery.minimumSizeHint().height(), MOST_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """Return the same height: what is left of the window comes on top."""
        return self.sizeHint()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take another height when the cards change."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is self._gallery:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class DropArea(QWidget):
    """A dashed area for dropped recordings; a click opens the file dialog instead."""

    clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._highlighted = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(0, 96)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        column = QVBoxLayout(self)
        words = label(tr("Drop a recording here. 5 seconds of a voice are enough."), "caption", wrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(words)
        theme.changed.connect(self.update)

    def set_highlighted(self, highlighted: bool) -> None:
        """Show whether the dragged files can be dropped."""
        self._highlighted = highlighted
        self.update()

    def mouseReleaseEvent(self, event: object) -> None:
        """Open the file dialog."""
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the dashed border."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = "accent" if self._highlighted else "strong_border"
        painter.setPen(QPen(theme.colour(colour), 1.4, Qt.PenStyle.DashLine))
        if self._highlighted:
            painter.setBrush(theme.colour("accent_tint"))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), RADIUS - 2, RADIUS - 2)
