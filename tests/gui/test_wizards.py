"""The wizards and the welcome."""

from __future__ import annotations

import pytest
from PyQt6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.main_window import MainWindow
from tests.support.panel import (
    LEFT,
    FakeBackend,
    FakePlayer,
    QTest,
    open_window,
    wait_for_devices,
)


@pytest.mark.styled
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_wizard_fits_its_text_and_the_screen(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, scale: float
) -> None:
    usual, large = qapp.font(), qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.live.teach_voice()
            dialog = window.findChild(EnrolmentDialog)
            assert dialog is not None
            area, screen = dialog.findChild(QScrollArea), dialog.screen()
            assert area is not None
            assert screen is not None
            bar = area.verticalScrollBar()
            assert bar is not None
            qtbot.wait(50)
            height = dialog.height() if scale == 1 else 0
            dialog.form.outcome.setText("A sentence of what was learnt. " * 8)
            qtbot.waitUntil(lambda: (bar.maximum() > 0) == (scale > 1) and dialog.height() > height)
            assert dialog.height() < screen.availableGeometry().height()
            assert dialog.rect().contains(dialog.start_button.geometry())
            dialog.close()
    finally:
        qapp.setFont(usual)


def test_the_virtual_microphone_is_made_and_tested(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.mouseClick(window.live.devices.setup, LEFT)
    dialog = window.findChild(VirtualMicrophoneDialog)
    assert dialog is not None
    wait_for_devices(qtbot, window)
    assert not dialog.test_button.isEnabled()
    dialog.create_button.click()
    qtbot.waitUntil(dialog.test_button.isEnabled)
    assert "RTVC Microphone" in dialog.steps.text()
    assert not dialog.create_button.isVisible()
    dialog.test_button.click()
    qtbot.waitUntil(lambda: "The tone arrived" in dialog.verdict.text())
    backend.tone = -120.0
    dialog.test_button.click()
    qtbot.waitUntil(lambda: "did not arrive" in dialog.verdict.text())
    backend.failure = "No PulseAudio server answers."
    dialog.test_button.click()
    qtbot.waitUntil(lambda: dialog.verdict.text() == backend.failure)
    dialog.close_button.click()


def test_no_test_tone_while_live(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    backend.microphone.open()
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    window.live.set_up_microphone()
    dialog = window.findChild(VirtualMicrophoneDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: window.session.devices.virtual_microphone.name != "")
    assert not dialog.test_button.isEnabled()
    assert "Switch the voice changer off" in dialog.verdict.text()
    dialog.close()
