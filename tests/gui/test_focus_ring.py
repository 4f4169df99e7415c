"""Focus rings follow the keyboard. Events go through the window, as those of a real keyboard and mouse do."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.focus_ring import has_ring
from gui.main_window import MainWindow
from tests.support.panel import LEFT, QTest


def click(window: MainWindow, widget: QWidget) -> None:
    place = widget.mapTo(window, widget.rect().center())
    QTest.mouseClick(window.windowHandle(), LEFT, Qt.KeyboardModifier.NoModifier, place)


def test_a_click_leaves_no_ring_and_the_tab_key_shows_one(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWindow() is window.windowHandle())
    mute = window.live.power.mute
    click(window, mute)
    assert mute.isChecked()
    assert mute.hasFocus()
    assert not has_ring(mute)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    reached = QApplication.focusWidget()
    assert reached is not None
    assert reached is not mute
    assert has_ring(reached)
    click(window, mute)
    assert not has_ring(reached)
    assert not has_ring(mute)
