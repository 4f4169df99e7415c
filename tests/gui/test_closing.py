"""What closing the window stops, saves and logs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.tasks import Tasks
from rtvc.app.crash_report import latest_report
from rtvc.app.preferences import Preset
from rtvc.errors import RtvcError
from tests.support.panel import (
    FakeBackend,
    settings,
    switch_on,
    wait_for_devices,
)
from tests.support.waiting import until


def test_choices_are_remembered(window: MainWindow, backend: FakeBackend) -> None:
    window.session.preferences.change_map(strength=0.5)
    window.close()
    assert backend.preferences.saved.settings == settings(window)
    assert backend.preferences.saved.settings.map.strength == 0.5
    assert backend.microphone.closed


def test_closing_completes_and_logs_whatever_fails(
    qtbot: QtBot,
    window: MainWindow,
    backend: FakeBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*args: object) -> None:
        raise RtvcError("The disk is full: make room.")

    def fail() -> None:
        raise OSError("no scratch folder")

    quits: list[bool] = []
    monkeypatch.setattr(QApplication, "quit", lambda: quits.append(True))
    switch_on(qtbot, window)
    window.session.preferences.change_map(strength=0.5)
    for owner, name in (
        (window.session.live.engine, "stop"),
        (backend.library, "remove"),
        (backend.preferences, "save"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    monkeypatch.setattr(backend.microphone, "close", fail)
    window.session.voices.delete("Grandfather")
    window.close()
    assert quits == [True]
    assert caplog.text.count("The disk is full") == 3
    assert "no scratch folder" in caplog.text


def test_closing_without_changes_saves_nothing(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    qtbot.waitUntil(lambda: backend.preferences.saved.settings.voice == "Grandfather")
    backend.preferences.saved = others = replace(backend.preferences.saved, presets={"stage": Preset()})
    window.close()
    assert backend.preferences.saved is others


def test_closing_stops_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    window.close()
    assert not backend.engines[0].running


def test_nothing_starts_once_the_window_is_closed(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    wait_for_devices(qtbot, window)
    window.session.devices.reload()
    window.quit()
    qtbot.waitUntil(lambda: window.session.idle)
    qtbot.wait(20)
    assert len(backend.engines) == 1
    assert window.session.tasks.idle
    assert not window.session.live.changing


def test_a_result_that_arrives_after_closing_is_not_taken(qtbot: QtBot) -> None:
    taken: list[str] = []
    tasks = Tasks()
    tasks.start(lambda control: "result", taken.append)
    until(lambda: tasks.idle)  # without the event loop, which would deliver the result
    tasks.close()
    qtbot.wait(1)
    assert taken == []


def test_an_error_that_nobody_expected_leaves_a_crash_report(qtbot: QtBot) -> None:
    said: list[str] = []
    tasks = Tasks()
    nothing: dict[str, str] = {}
    tasks.start(lambda control: nothing["anything"], said.append, said.append)
    qtbot.waitUntil(lambda: len(said) == 1)
    assert "Unexpected error (KeyError)" in said[0]
    report = latest_report()
    assert report is not None
    assert "KeyError" in report.read_text(encoding="utf-8")
    tasks.close()
