"""Enrolling the user's voice, and forgetting it."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.dialogs.enrolment import EnrolmentDialog
from gui.main_window import MainWindow
from gui.models.devices import Use
from rtvc.live.snapshot import State
from rtvc.voices.enrolment import Enrolment
from tests.support.panel import (
    LEFT,
    FakeBackend,
    FakeEngine,
    QTest,
    enrolled,
    wait_for_devices,
)


def test_the_users_voice_is_enrolled(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.mouseClick(window.live.devices.teach, LEFT)
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.form.outcome.text() == "4 s of speech so far")
    assert dialog.form.bar.value() == 500
    assert not dialog.start_button.isEnabled()
    backend.may_end.set()
    qtbot.waitUntil(lambda: dialog.form.outcome.text() == "rtvc has learnt your voice from 20 s of speech.")
    assert dialog.close_button.text() == "Done"
    backend.failure = "The recording contains 1.0 s of speech."
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.form.outcome.text() == backend.failure)
    dialog.close_button.click()


def learning(qtbot: QtBot, window: MainWindow) -> EnrolmentDialog:
    """Open the dialog, and wait until half of what is to be said has been heard."""
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.form.bar.value() == 500)
    return dialog


@pytest.mark.parametrize("way", ["Escape", "close"])
def test_closing_the_dialog_cancels_the_enrolment(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, way: str
) -> None:
    dialog = learning(qtbot, window)
    if way == "Escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    qtbot.waitUntil(lambda: window.session.devices.use is Use.FREE)
    assert backend.enrolled is None


def test_a_running_engine_takes_a_new_enrolment(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    wait_for_devices(qtbot, window)
    backend.may_end.set()
    window.session.enrolment.record(20.0)
    qtbot.waitUntil(lambda: backend.engines[0].enrolment is not None)
    assert len(backend.engines) == 1, "nobody hears a gap"


def enrolment_kept(backend: FakeBackend) -> Enrolment | None:
    return backend.enrolled


def enrolment_of(engine: FakeEngine) -> Enrolment | None:
    return engine.enrolment


def test_forgetting_an_enrolment_can_be_undone(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    known = backend.enrolled = enrolled(18.0)
    engines = backend.engines
    window.session.devices.reload()
    qtbot.waitUntil(lambda: window.live.devices.teach.text() == "My voice…")
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    engines[0].enrolment = known
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    assert "18 s" in dialog.form.outcome.text()
    QTest.mouseClick(dialog.forget_button, LEFT)
    assert not dialog.isVisible(), "it would cover the way back"
    qtbot.waitUntil(lambda: "forgotten" in window.toast.message.text())
    assert enrolment_of(engines[0]) is None
    assert enrolment_kept(backend) is None
    assert window.live.devices.teach.text() == "Teach rtvc your voice…"
    QTest.mouseClick(window.toast.action, LEFT)
    qtbot.waitUntil(lambda: engines[0].enrolment is known)
    assert backend.enrolled is known
    assert window.live.devices.teach.text() == "My voice…"


def test_a_failure_to_forget_is_reported(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    backend.enrolled = enrolled(18.0)
    window.session.devices.reload()
    qtbot.waitUntil(lambda: window.session.enrolment.enrolment is not None)
    backend.failure = "The file cannot be deleted."
    window.session.enrolment.forget()
    qtbot.waitUntil(lambda: window.toast.message.text() == backend.failure)
    assert window.session.enrolment.enrolment is not None


def test_without_an_enrolment_there_is_nothing_to_forget(window: MainWindow) -> None:
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    assert not dialog.forget_button.isVisible()
    dialog.close()


def test_switching_on_cancels_an_enrolment(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    dialog = learning(qtbot, window)
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.snapshot.state is State.RUNNING)
    assert "cancelled" in dialog.form.outcome.text()
    assert dialog.start_button.isEnabled()
    dialog.close()
