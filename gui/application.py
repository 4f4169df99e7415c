"""Starts the panel: one process, one window, one session."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QSystemTrayIcon

from gui.backend import LocalBackend
from gui.global_hotkeys import GlobalHotkeys
from gui.main_window import MainWindow
from gui.measure import measure
from gui.player import QtPlayer
from gui.screenshots import take_screenshots
from gui.session import Session
from gui.single_instance import FirstInstance, call_first, panel_name
from gui.tasks import UNFORESEEN
from gui.theme import theme
from gui.tray import Tray

SIGNAL_MILLISECONDS = 250

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Open the panel and run until it is closed; or take pictures of it, or measure what it costs, and end.

    Parameters
    ----------
    arguments
        Those of the command line, without the program's name; None for the process's own.
    """
    parser = argparse.ArgumentParser(prog="rtvc-gui", description="The panel of the real-time voice changer.")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="take pictures of every page, and quit")
    parser.add_argument(
        "--measure", type=float, metavar="SECONDS", help="print what the panel costs, over so many seconds, and quit"
    )
    chosen = parser.parse_args(arguments)
    if chosen.screenshots is not None:
        sys.exit(take_screenshots(chosen.screenshots))
    if chosen.measure is not None:
        sys.exit(measure(chosen.measure))
    run()


def run() -> None:
    """Open the panel and run until it is closed; where one runs already, only bring that forward."""
    application = QApplication(sys.argv[:1])
    name = panel_name()
    if call_first(name):
        return
    application.setApplicationName("rtvc")
    application.setApplicationDisplayName("rtvc")
    application.setDesktopFileName("rtvc")
    session = Session(LocalBackend(), QtPlayer(application))
    theme.install(application, session.options.appearance)
    window = MainWindow(session)
    application.setQuitOnLastWindowClosed(False)
    first = FirstInstance(name, window.bring_forward, window)
    application.aboutToQuit.connect(first.close)
    everywhere = GlobalHotkeys(session, window)
    application.aboutToQuit.connect(everywhere.close)
    tray = Tray(window, session) if QSystemTrayIcon.isSystemTrayAvailable() else None
    sys.excepthook = partial(_report, session)
    # Python sees Ctrl-C only when it runs: the timer lets it, now and then.
    signal.signal(signal.SIGINT, lambda number, frame: window.quit())
    signal.signal(signal.SIGTERM, lambda number, frame: window.quit())
    breath = QTimer()
    breath.timeout.connect(lambda: None)
    breath.start(SIGNAL_MILLISECONDS)
    window.show()
    QTimer.singleShot(0, session.begin)
    code = application.exec()
    if tray is not None:
        tray.icon.hide()
    if not session.idle:
        # What does not listen, such as the export of a large model, is left alone: everything else is saved by now.
        os._exit(code)
    sys.exit(code)


def _report(session: Session, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of a fault of the panel's own, whole in the terminal; PyQt would end the process otherwise."""
    _log.error("A fault of the panel", exc_info=(kind, error, trace))
    session.failed.emit(UNFORESEEN.format(kind.__name__))
