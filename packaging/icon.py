"""Draw the program's icon as Windows and macOS want it: python icon.py SOURCE.svg TARGET.{ico,icns}."""

from __future__ import annotations

import os
import sys

from PIL import Image

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PyQt6.QtGui import QGuiApplication, QImage, QPainter
from PyQt6.QtSvg import QSvgRenderer

PIXELS = 512


def main() -> None:
    """Render the drawing and write it in every size that the format holds."""
    application = QGuiApplication(sys.argv[:1])
    image = QImage(PIXELS, PIXELS, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(sys.argv[1]).render(painter)
    painter.end()
    pixels = image.constBits()
    assert pixels is not None
    Image.frombytes("RGBA", (PIXELS, PIXELS), pixels.asstring(image.sizeInBytes())).save(sys.argv[2])
    application.quit()


if __name__ == "__main__":
    main()
