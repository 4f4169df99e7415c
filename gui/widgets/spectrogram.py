"""A spectrogram of the last seconds, in the theme's colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.language import tr
from gui.theme import SMALL_RADIUS, font, theme


class Spectrogram(QWidget):
    """An image that is replaced as a whole; newest at the right, low frequencies at the bottom."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.picture: npt.NDArray[np.uint8] = np.zeros((1, 1), np.uint8)
        self._colours = _colour_table()
        self.setAccessibleName(tr("Spectrogram: {name}", name=name))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._recolour)

    def sizeHint(self) -> QSize:
        """Return the size of a strip."""
        return QSize(300, 88)

    def set_picture(self, picture: npt.NDArray[np.uint8]) -> None:
        """Show another image `[rows, columns]`."""
        self.picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the image and the name."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        path = QPainterPath()
        path.addRoundedRect(area, SMALL_RADIUS, SMALL_RADIUS)
        painter.setClipPath(path)
        rows, columns = self.picture.shape
        image = QImage(self.picture.tobytes(), columns, rows, columns, QImage.Format.Format_Indexed8)
        image.setColorTable(self._colours)
        painter.drawImage(area, image)
        painter.setFont(font(0.8))
        width, height = painter.fontMetrics().horizontalAdvance(self._name), painter.fontMetrics().height()
        plate = QRectF(area.left() + 6, area.top() + 5, width + 10, height + 4)
        # On a plate: in light colours the name would vanish over loud sound.
        painter.fillRect(plate, theme.colour("surface", 0.85))
        painter.setPen(theme.colour("text"))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self._name)

    def _recolour(self) -> None:
        self._colours = _colour_table()
        self.update()


def _colour_table() -> list[int]:
    """Return 256 colours from the background over the accent to the text colour."""
    stops = [theme.colour(name) for name in ("raised", "accent", "text")]
    table = []
    for index in range(256):
        position = index / 255 * 2
        one, other = stops[int(position > 1)], stops[int(position > 1) + 1]
        share = position - int(position > 1)
        parts = [
            round(before + (after - before) * share)
            for before, after in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
            if before is not None and after is not None
        ]
        table.append(QColor(*parts).rgb())
    return table
