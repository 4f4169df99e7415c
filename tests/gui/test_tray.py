"""The tray icon."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.tray import Tray


def test_the_tray_starts_with_the_current_mute(window: MainWindow) -> None:
    window.session.preferences.change(mute=True)
    mute = Tray(window, window.session).mute
    assert mute.isChecked()


def test_the_tray_shows_the_state_and_switches(qtbot: QtBot, window: MainWindow) -> None:
    tray = Tray(window, window.session)
    assert tray.icon.toolTip() == "rtvc: Off"
    tray.power.trigger()
    qtbot.waitUntil(lambda: tray.icon.toolTip() == "rtvc: On")
    assert tray.power.text() == "Switch off"
    tray.mute.trigger()
    assert window.session.preferences.settings.mute
    assert tray.icon.toolTip() == "rtvc: Muted"
    window.hide()
    window.bring_forward()
    assert window.isVisible()
