"""Starts the panel: one process, one window, one session."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QSystemTrayIcon

from gui.global_hotkeys import GlobalHotkeys
from gui.hotkeys import actions, check_pressed
from gui.language import tr
from gui.main_window import MainWindow
from gui.measure import measure
from gui.player import QtPlayer
from gui.screenshots import take_screenshots
from gui.session import Session
from gui.single_instance import FirstInstance, call_first, panel_address
from gui.tasks import UNFORESEEN
from gui.theme import theme
from gui.tray import Tray
from rtvc.app import autostart, crash_report
from rtvc.errors import RtvcError

SIGNAL_MILLISECONDS = 250

_log = logging.getLogger(__name__)


def main(
    screenshots: Path | None = None,
    measured_seconds: float | None = None,
    stress: bool = False,
    pressed: str | None = None,
) -> None:
    """Open the panel and run until it is closed.

    With `screenshots`, take pictures of every page into that folder instead. With `measured_seconds`, print its start
    time and processor use over so many seconds, or with `stress` what the engine loses beside a load. With `pressed`,
    press a hotkey of the running panel. Raises `RtvcError` if that hotkey does not exist or no panel runs.
    """
    if pressed is not None:
        press(pressed)
        return
    if screenshots is not None:
        sys.exit(take_screenshots(screenshots))
    if measured_seconds is not None:
        sys.exit(measure(measured_seconds, stress))
    run()


def press(name: str) -> None:
    """Press a hotkey of the running panel; raise `RtvcError` if there is no such hotkey, or no panel runs."""
    check_pressed(name)
    address = panel_address()
    if address is None or not call_first(address, name):
        raise RtvcError("No panel is running: start it with `rtvc-gui`.")


def run() -> None:
    """Open the panel and run until it is closed; if one is running already, bring it forward instead."""
    application = QApplication(sys.argv[:1])
    address = panel_address()
    if address is not None and call_first(address):
        return
    application.setApplicationName("rtvc")
    application.setApplicationDisplayName("rtvc")
    application.setDesktopFileName("rtvc")
    session = Session(QtPlayer(application))
    theme.install(application, session.preferences.options.appearance)
    window = MainWindow(session)
    application.setQuitOnLastWindowClosed(False)
    if address is not None:
        hotkeys = actions(session)
        first = FirstInstance(address, window.bring_forward, lambda name: hotkeys.get(name, lambda: None)(), window)
        application.aboutToQuit.connect(first.close)
    everywhere = GlobalHotkeys(session, window)
    application.aboutToQuit.connect(everywhere.close)
    tray = Tray(window, session) if QSystemTrayIcon.isSystemTrayAvailable() else None
    sys.excepthook = partial(_report, session)
    # Python handles signals only while it runs, so a timer wakes it four times a second.
    signal.signal(signal.SIGINT, lambda number, frame: window.quit())
    signal.signal(signal.SIGTERM, lambda number, frame: window.quit())
    breath = QTimer()
    breath.timeout.connect(lambda: None)
    breath.start(SIGNAL_MILLISECONDS)
    options = session.preferences.options
    if not options.start_minimised:
        window.show()
    elif tray is None or not options.close_to_tray:
        window.showMinimized()
    QTimer.singleShot(0, session.begin)
    QTimer.singleShot(0, partial(_repair_autostart, session))
    code = application.exec()
    if tray is not None:
        tray.icon.hide()
    if not session.idle:
        # Work that cannot be cancelled, such as the export of a large model, is abandoned; everything else is saved.
        os._exit(code)
    sys.exit(code)


def _repair_autostart(session: Session) -> None:
    try:
        autostart.repair()
    except RtvcError as error:
        session.failed.emit(str(error))


def _report(session: Session, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report an unexpected error, with its traceback in the terminal; PyQt would end the process otherwise."""
    crash_report.write_report(error)
    _log.error("Unexpected error in the panel", exc_info=(kind, error, trace))
    session.failed.emit(tr(UNFORESEEN, kind=kind.__name__))
