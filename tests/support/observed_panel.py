"""The panel, as `python -m gui` starts it, that also tells where its buttons are: python observed_panel.py FILE.

A test with a real mouse has to know where to click. The panel is only watched, four times a second.
"""

import json
import sys
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QAbstractButton, QApplication, QLineEdit

from gui import application
from gui.main_window import MainWindow

show = MainWindow.show


def show_and_tell(window: MainWindow) -> None:
    path, timer = Path(sys.argv[1]), QTimer(window)

    def tell() -> None:
        places = {}
        for button in (*window.findChildren(QAbstractButton), *window.findChildren(QLineEdit)):
            if button.isVisible() and button.isEnabled():
                centre = button.mapToGlobal(button.rect().center())
                places[button.accessibleName() or (button.text() if isinstance(button, QAbstractButton) else "")] = (
                    centre.x(),
                    centre.y(),
                )
        part = path.with_suffix(".part")
        part.write_text(
            json.dumps(
                {
                    "buttons": places,
                    "step": window.guide.index + 1,
                    "state": window.session.live.snapshot.state.name,
                    "bypass": window.session.preferences.settings.bypass,
                    "voice": window.session.preferences.settings.voice,
                    "active": QApplication.activeWindow() is window,
                }
            )
        )
        part.replace(path)

    timer.timeout.connect(tell)
    timer.start(250)
    show(window)


if __name__ == "__main__":
    MainWindow.show = show_and_tell  # type: ignore[method-assign, assignment]
    application.run()
