"""Power, bypass, mute, push-to-talk and recordings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from PyQt6.QtCore import Qt, QThreadPool
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.live import TRIAL_SECONDS
from gui.view.status import LossDetector, Tone
from rtvc.app.live import LatencyProfile
from rtvc.app.voices import AddedVoice
from rtvc.live.snapshot import Snapshot, State
from rtvc.voices.library import VoiceLibrary
from tests.support.panel import (
    LEFT,
    RUNNING,
    FakeBackend,
    FakeEngine,
    QTest,
    is_live,
    record_messages,
    settings,
    switch_on,
)


def test_the_power_button_starts_and_stops_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    assert window.live.power.headline.text() == "Off"
    switch_on(qtbot, window)
    assert backend.running() == 1
    assert window.live.power.headline.text() == window.light.status.words == "On"
    assert window.live.power.power.isChecked()
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.waitUntil(lambda: not window.session.live.on and not window.session.live.changing)
    assert backend.running() == 0
    assert window.live.power.headline.text() == "Off"


def test_switching_off_does_not_wait_for_long_tasks(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = backend.add_voice

    def slowly(name: str, recordings: Sequence[Path], pack: str, *, voices: VoiceLibrary) -> AddedVoice:
        assert backend.may_end.wait(10.0)
        return added(name, recordings, pack, voices=voices)

    monkeypatch.setattr(backend, "add_voice", slowly)
    switch_on(qtbot, window)
    for number in range(QThreadPool().maxThreadCount()):
        window.session.voices.add(f"Voice {number}", [])
    QTest.mouseClick(window.live.power.power, LEFT)
    assert backend.engines[0].settings.mute, "nobody is heard from now on"
    qtbot.waitUntil(lambda: window.light.status.words == "Off")
    assert backend.running() == 0
    switch_on(qtbot, window)
    backend.may_end.set()


def test_the_status_is_stopping_until_the_engine_has_stopped(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_stop = Event()
    monkeypatch.setattr(FakeEngine, "stop", lambda engine: may_stop.wait(10.0))
    switch_on(qtbot, window)
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.wait(100)
    assert window.live.power.headline.text() == window.light.status.words == "Stopping"
    may_stop.set()
    qtbot.waitUntil(lambda: window.live.power.headline.text() == "Off")


def test_an_engine_switched_off_while_opening_never_starts(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    window.session.live.set_power(True)
    window.session.live.set_power(False)
    qtbot.waitUntil(lambda: len(backend.engines) == 1 and not window.session.live.changing)
    assert backend.engines[0].started == 0
    assert window.light.status.words == "Off"


@pytest.mark.parametrize("control", ["power", "record"])
def test_a_control_keeps_the_focus_while_the_engine_changes(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, control: str
) -> None:
    window.activateWindow()
    switch_on(qtbot, window)
    button = getattr(window.live.power, control)
    qtbot.waitUntil(button.isEnabled)
    button.setFocus()
    window.session.preferences.rewire(pack="large")
    qtbot.waitUntil(lambda: is_live(window, backend, 1))
    window.session.live.set_power(False)
    qtbot.waitUntil(lambda: backend.running() == 0 and not window.session.live.changing)
    assert button.hasFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert not settings(window).bypass
    assert not window.live.power.record.isChecked()


def test_an_engine_that_cannot_start_says_why(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    backend.failure = "The headset cannot be opened: plug it in."
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.waitUntil(lambda: window.toast.isVisible())
    assert window.toast.message.text() == backend.failure
    assert window.light.status.tone is Tone.BAD
    assert not window.live.power.power.isChecked()
    assert window.live.power.power.isEnabled()


def test_an_engine_that_fails_later_switches_the_panel_off(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    switch_on(qtbot, window)
    backend.engines[0].now = Snapshot(State.FAILED, "The pack is damaged.")
    qtbot.waitUntil(lambda: not window.session.live.on)
    assert window.live.power.sentence.text() == "The pack is damaged."
    qtbot.waitUntil(lambda: not backend.engines[0].running)
    switch_on(qtbot, window)
    assert len(backend.engines) == 2


def test_an_engine_without_a_map_is_red_and_never_on(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    sentence = "The voice Bernard cannot be read, so nobody hears you. Choose another voice."
    backend.engines[0].now = replace(RUNNING, state=State.SILENCED, message=sentence)
    qtbot.waitUntil(lambda: window.light.status.words == "Silent")
    assert window.light.status.tone is Tone.BAD
    assert window.live.power.headline.text() == "Silent"
    assert window.live.power.sentence.text() == sentence
    assert window.live.power.power.isChecked(), "the user can still switch it off"
    backend.engines[0].now = RUNNING
    qtbot.waitUntil(lambda: window.light.status.words == "On")


def test_recovery_is_shown_and_ends_by_itself(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    backend.engines[0].now = Snapshot(State.RECOVERING, "The headset was disconnected. Reconnecting…")
    qtbot.waitUntil(lambda: window.light.status.words == "Reconnecting")
    backend.engines[0].now = RUNNING
    qtbot.waitUntil(lambda: window.light.status.words == "On")


@pytest.mark.parametrize(("control", "field"), [("bypass", "bypass"), ("mute", "mute")])
def test_switches_reach_a_running_engine(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, control: str, field: str
) -> None:
    switch_on(qtbot, window)
    button = getattr(window.live.power, control)
    for on in (True, False):
        QTest.mouseClick(button, LEFT)
        assert getattr(backend.engines[0].settings, field) is on
        assert button.isChecked() is on


def test_push_to_talk_sends_sound_only_while_held(qtbot: QtBot, window: MainWindow) -> None:
    power = window.live.power
    assert not power.talk.isVisible()
    QTest.mouseClick(power.push_to_talk, LEFT)
    assert settings(window).push_to_talk
    assert power.talk.isVisible()
    QTest.mousePress(power.talk, LEFT)
    assert settings(window).talking
    QTest.mouseRelease(power.talk, LEFT)
    assert not settings(window).talking


def test_recording_both_sides(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    assert not window.live.power.record.isEnabled()
    switch_on(qtbot, window)
    qtbot.waitUntil(window.live.power.record.isEnabled)
    QTest.mouseClick(window.live.power.record, LEFT)
    recording = backend.engines[0].recording
    assert recording is not None
    assert window.live.power.record.isChecked()
    QTest.mouseClick(window.live.power.record, LEFT)
    qtbot.waitUntil(lambda: backend.engines[0].recording is None)
    qtbot.waitUntil(lambda: str(recording[1]) in window.toast.message.text())


def test_a_recording_that_ends_with_its_engine_is_reported(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    switch_on(qtbot, window)
    window.session.live.set_recording(True)
    recording = backend.engines[0].recording
    assert recording is not None
    window.session.devices.hear_myself(True)
    qtbot.waitUntil(lambda: str(recording[1]) in window.toast.message.text())


def test_the_lowest_profile_is_kept_only_where_its_first_minute_holds(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    session.preferences.choose(profile=LatencyProfile.LOWEST)
    losing = False
    monkeypatch.setattr(LossDetector, "update", lambda detector, snapshot, now: losing)
    switch_on(qtbot, window)
    with record_messages(session.noticed) as messages:
        losing = True
        qtbot.waitUntil(lambda: is_live(window, backend, 1))
    assert backend.engines[1].setup.profile is session.preferences.options.profile is LatencyProfile.BALANCED
    assert any("Balanced is used instead" in message for message in messages)

    losing = False
    session.preferences.choose(profile=LatencyProfile.LOWEST)
    qtbot.waitUntil(lambda: is_live(window, backend, 2))
    monkeypatch.setattr("gui.models.live.time", SimpleNamespace(monotonic=lambda: time.monotonic() + TRIAL_SECONDS))
    losing = True
    qtbot.waitUntil(lambda: window.light.status.words == "Losing sound")
    assert is_live(window, backend, 2), "after its first minute the profile is the user's business"


def test_lasting_loss_of_sound_offers_the_safe_profile(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(qtbot, window)
    button = window.live.power.safe
    assert not button.isVisible()
    monkeypatch.setattr(LossDetector, "update", lambda detector, snapshot, now: True)
    qtbot.waitUntil(button.isVisible)
    QTest.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: is_live(window, backend, 1))
    assert backend.engines[1].setup.profile is LatencyProfile.SAFE
    qtbot.waitUntil(lambda: window.light.status.words == "Losing sound")
    assert not button.isVisible(), "the profile is Safe already"
    assert "Close other programs." in window.light.status.sentence
