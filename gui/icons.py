"""Icons from the SVG files in `images`, in the theme's colours and sharp at every scale."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from PyQt6.QtCore import QByteArray, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer
from PyQt6.QtWidgets import QAbstractButton

from gui.theme import theme

IMAGES = Path(str(files("gui"))) / "images"
_SCALES = (1, 2, 3)

_drawn: dict[QAbstractButton, tuple[str, str, str | None]] = {}
"""Live buttons whose icons follow the theme."""


def icon(name: str, colour: str = "text", checked: str | None = None) -> QIcon:
    """Return an icon in one token's colour, and in another's for checked buttons."""
    result = QIcon()
    for scale in _SCALES:
        result.addPixmap(pixmap(name, theme.colour(colour).name(), 24, scale))
        disabled = pixmap(name, theme.colour("faint").name(), 24, scale)
        result.addPixmap(disabled, QIcon.Mode.Disabled)
        if checked is not None:
            on = pixmap(name, theme.colour(checked).name(), 24, scale)
            result.addPixmap(on, QIcon.Mode.Normal, QIcon.State.On)
            result.addPixmap(on, QIcon.Mode.Active, QIcon.State.On)
    return result


def set_icon(
    button: QAbstractButton, name: str, colour: str = "text", checked: str | None = None, size: int = 18
) -> None:
    """Give a button an icon that follows the theme."""
    if button not in _drawn:
        button.destroyed.connect(lambda: _drawn.pop(button, None))
    _drawn[button] = (name, colour, checked)
    button.setIconSize(QSize(size, size))
    button.setIcon(icon(name, colour, checked))


def _redraw() -> None:
    for button, (name, colour, checked) in _drawn.items():
        button.setIcon(icon(name, colour, checked))


@cache
def pixmap(name: str, colour: str, size: int, scale: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap of `size` device-independent pixels."""
    text = (IMAGES / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    result = QPixmap(round(size * scale), round(size * scale))
    result.fill(Qt.GlobalColor.transparent)
    result.setDevicePixelRatio(scale)
    painter = QPainter(result)
    QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return result


theme.changed.connect(_redraw)
