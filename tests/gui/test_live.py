"""Every control of the live page, against an engine and a backend that only remember."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QThreadPool, QUrl, pyqtBoundSignal
from PyQt6.QtGui import QDropEvent
from PyQt6.QtTest import QTest as _QTest
from PyQt6.QtWidgets import QApplication, QComboBox, QInputDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.enrolment import EnrolmentDialog
from gui.main_window import MainWindow
from gui.protocol import Sound
from gui.view_state import CLIP_DBFS, TROUBLE_MARKS, Tone, transport_words
from rtvc.devices.portaudio import DeviceIdentity
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Snapshot, State
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.support.panel import RUNNING, FakeBackend, FakeEngine, FakePlayer, device, learnt, open_window

QTest: Any = _QTest  # its stubs take static methods for methods
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    return FakeBackend(tmp_path, shipped=("Amber", "Bernard"), own=("Grandfather",))


@pytest.fixture
def player() -> FakePlayer:
    return FakePlayer()


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, backend: FakeBackend, player: FakePlayer) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, backend, player) as window:
        yield window


def switch_on(qtbot: QtBot, window: MainWindow) -> None:
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.waitUntil(lambda: window.session.engine is not None)


def settings(window: MainWindow) -> Settings:
    return window.session.settings


@contextmanager
def record_messages(signal: pyqtBoundSignal) -> Iterator[list[str]]:
    messages: list[str] = []
    signal.connect(messages.append)
    yield messages
    signal.disconnect(messages.append)


def test_the_switch_starts_and_stops_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    assert window.live.power.headline.text() == "Off"
    switch_on(qtbot, window)
    assert backend.running() == 1
    assert window.live.power.headline.text() == window.light.status.words == "On"
    assert window.live.power.power.isChecked()
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.waitUntil(lambda: not window.session.on and not window.session.changing)
    assert backend.running() == 0
    assert window.live.power.headline.text() == "Off"


def test_switching_off_waits_behind_nothing_that_takes_long(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "add_voice", lambda *args: None if backend.may_end.wait(10.0) else "Too late.")
    switch_on(qtbot, window)
    for number in range(QThreadPool().maxThreadCount()):
        window.session.add_voice(f"Voice {number}", [])
    QTest.mouseClick(window.live.power.power, LEFT)
    assert backend.engines[0].settings.mute, "nobody is heard from now on"
    qtbot.waitUntil(lambda: window.light.status.words == "Off")
    assert backend.running() == 0
    switch_on(qtbot, window)
    backend.may_end.set()


def test_nobody_is_told_that_it_is_off_before_it_is(
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


def test_an_engine_that_is_not_wanted_any_more_never_starts(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    window.session.set_power(True)
    window.session.set_power(False)
    qtbot.waitUntil(lambda: len(backend.engines) == 1 and not window.session.changing)
    assert backend.engines[0].started == 0
    assert window.light.status.words == "Off"


@pytest.mark.parametrize("control", ["power", "record"])
def test_a_control_keeps_the_focus_whatever_the_engine_does(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, control: str
) -> None:
    window.activateWindow()
    switch_on(qtbot, window)
    button = getattr(window.live.power, control)
    qtbot.waitUntil(button.isEnabled)
    button.setFocus()
    window.session.rewire(pack="large")
    qtbot.waitUntil(lambda: len(backend.engines) == 2 and window.session.engine is backend.engines[1])
    window.session.set_power(False)
    qtbot.waitUntil(lambda: backend.running() == 0 and not window.session.changing)
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
    qtbot.waitUntil(lambda: not window.session.on)
    assert window.live.power.sentence.text() == "The pack is damaged."
    qtbot.waitUntil(lambda: not backend.engines[0].running)
    switch_on(qtbot, window)
    assert len(backend.engines) == 2


def test_recovery_is_shown_and_ends_by_itself(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    backend.engines[0].now = Snapshot(State.RECOVERING, "The headset has gone: trying again.")
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


def test_push_to_talk_is_heard_only_while_held(qtbot: QtBot, window: MainWindow) -> None:
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


def test_a_recording_that_ends_with_its_engine_is_told_of(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    switch_on(qtbot, window)
    window.session.set_recording(True)
    recording = backend.engines[0].recording
    assert recording is not None
    window.session.hear_myself(True)
    qtbot.waitUntil(lambda: str(recording[1]) in window.toast.message.text())


def test_sliders_set_what_they_say(window: MainWindow) -> None:
    sound = window.live.sound
    sound.strength.slider.setValue(40)
    assert settings(window).map.strength == 0.4
    assert sound.strength.value_label.text() == "40 %"
    sound.similarity.slider.setValue(0)
    assert settings(window).map.block_size == 1
    sound.similarity.slider.setValue(4)
    assert settings(window).map.block_size is None, "the pack's own K is not pinned"
    assert sound.similarity.value_label.text() == "K = 16 (usual)"
    sound.similarity.slider.setValue(6)
    assert settings(window).map.block_size == 64
    sound.input_gain.slider.setValue(6)
    sound.output_gain.slider.setValue(-3)
    assert (settings(window).input_gain_db, settings(window).output_gain_db) == (6.0, -3.0)
    sound.gate.slider.setValue(-40)
    assert settings(window).gate_threshold_dbfs == -40
    sound.gate.slider.setValue(sound.gate.slider.minimum())
    assert settings(window).gate_threshold_dbfs is None
    assert sound.gate.value_label.text() == "off"


def test_sliders_follow_settings_without_an_echo(window: MainWindow) -> None:
    wanted = replace(settings(window), map=MapChoice(block_size=5, strength=0.333))
    window.session.change_map(strength=0.333, block_size=5)
    assert settings(window) == wanted
    assert window.live.sound.strength.slider.value() == 33


def test_gains_unfold(qtbot: QtBot, window: MainWindow) -> None:
    assert not window.live.sound.gate.isVisible()
    QTest.mouseClick(window.live.sound.more.button, LEFT)
    assert window.live.sound.gate.isVisible()


def choose(box: QComboBox, text: str) -> None:
    index = box.findText(text)
    assert index >= 0, [box.itemText(i) for i in range(box.count())]
    box.setCurrentIndex(index)
    box.activated.emit(index)


def test_the_microphone_that_the_engine_made_is_shown(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    devices = window.live.devices
    assert devices.create_button.isVisible()
    backend.create_virtual_microphone()
    assert window.session.output_name == "the virtual microphone"
    switch_on(qtbot, window)
    qtbot.waitUntil(lambda: devices.output.box.currentText() == "RTVC Microphone")
    assert not devices.create_button.isVisible()
    assert "RTVC Microphone" in window.live.power.sentence.text()


def test_another_microphone_rebuilds_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    choose(window.live.devices.microphone.box, "USB Headset")
    qtbot.waitUntil(lambda: len(backend.engines) == 2 and window.session.engine is backend.engines[1])
    assert not backend.engines[0].running
    assert backend.engines[1].wiring.microphone == DeviceIdentity("PulseAudio", "usb_headset")
    assert window.session.on


def test_a_device_that_is_unplugged_stays_chosen(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    choose(window.live.devices.microphone.box, "USB Headset")
    backend.listed = backend.listed[:1]
    QTest.mouseClick(window.live.devices.refresh, LEFT)
    qtbot.waitUntil(lambda: len(window.session.devices) == 1)
    assert window.live.devices.microphone.box.currentText() == "usb_headset (not plugged in)"


def test_the_virtual_microphone_is_made_by_one_button(qtbot: QtBot, window: MainWindow) -> None:
    devices = window.live.devices
    assert devices.create_button.isVisible()
    QTest.mouseClick(devices.create_button, LEFT)
    qtbot.waitUntil(lambda: not devices.create_button.isVisible())
    assert devices.output.box.currentText() == "RTVC Microphone"
    assert "Discord" in devices.hint.text()


def test_playing_into_a_real_output_warns(window: MainWindow) -> None:
    choose(window.live.devices.output.box, "Speakers")
    assert window.session.wiring.output == DeviceIdentity("PulseAudio", "speakers")
    assert "virtual cable" in window.live.devices.hint.text()
    assert not window.live.devices.create_button.isVisible()
    assert window.session.output_name == "Speakers"


def test_the_monitor_has_a_device_and_a_volume(qtbot: QtBot, window: MainWindow) -> None:
    devices = window.live.devices
    assert not devices.monitor_gain.isVisible()
    QTest.mouseClick(devices.monitor, LEFT)
    assert settings(window).monitor
    assert devices.monitor_gain.isVisible()
    assert devices.monitor_device.box.currentText() == "USB Headset", "an output that is there"
    devices.monitor_gain.slider.setValue(-12)
    assert settings(window).monitor_gain_db == -12
    choose(devices.monitor_device.box, "Speakers")
    assert window.session.wiring.monitor == DeviceIdentity("PulseAudio", "speakers")


def test_the_monitor_begins_as_the_engine_would(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    headset = device("Headset", outputs=2)
    backend.listed = [
        replace(headset, host_api="MME", default_output=True),
        replace(headset, host_api="WASAPI", default_output=True),
        replace(headset, host_api="WASAPI", name="rtvc_output", default_output=True),
    ]
    qtbot.waitUntil(lambda: not window.session._listing)
    window.session.reload_devices()
    qtbot.waitUntil(lambda: window.session.devices[0].host_api == "MME")
    window.session.hear_myself(True)
    assert window.session.wiring.monitor == DeviceIdentity("WASAPI", "headset")
    assert window.live.devices.monitor_device.box.currentText() == "Headset"


def test_choosing_a_voice(qtbot: QtBot, window: MainWindow) -> None:
    cards = window.live.voices.gallery.cards
    assert list(cards) == ["Grandfather", "Amber", "Bernard"]
    assert cards["Grandfather"].isChecked(), "the first voice is chosen where none was"
    QTest.mouseClick(cards["Bernard"], LEFT)
    assert settings(window).voice == "Bernard"
    assert [name for name, card in cards.items() if card.isChecked()] == ["Bernard"]
    QTest.mouseClick(cards["Bernard"], LEFT)
    assert cards["Bernard"].isChecked()
    cards["Amber"].setFocus()
    QTest.keyClick(cards["Amber"], Qt.Key.Key_Return)
    assert settings(window).voice == "Amber"


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, modifiers))


def test_a_dropped_recording_becomes_the_chosen_voice(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path
) -> None:
    drop(window, tmp_path / "my_uncle.wav", tmp_path / "letter.txt")
    qtbot.waitUntil(lambda: "my uncle" in window.live.voices.gallery.cards)
    assert backend.own == ["Grandfather", "my uncle"]
    assert settings(window).voice == "my uncle"


def test_a_recording_that_will_not_do_is_refused_in_a_sentence(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    drop(window, tmp_path / "silent.wav")
    qtbot.waitUntil(lambda: "no speech" in window.toast.message.text())
    assert list(window.live.voices.gallery.cards) == ["Grandfather", "Amber", "Bernard"]


def test_deleting_can_be_undone(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    card = window.live.voices.gallery.cards["Grandfather"]
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert "Grandfather" not in window.live.voices.gallery.cards
    assert settings(window).voice == "Amber"
    QTest.mouseClick(window.toast.action, LEFT)
    assert "Grandfather" in window.live.voices.gallery.cards
    assert settings(window).voice == "Grandfather"
    assert backend.own == ["Grandfather"]


def test_a_failure_does_not_take_the_way_back_away(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.keyClick(window.live.voices.gallery.cards["Grandfather"], Qt.Key.Key_Delete)
    window.session.failed.emit("The headset has gone.")
    window.session.noticed.emit("Amber is ready.")
    QTest.mouseClick(window.toast.action, LEFT)
    assert backend.own == ["Grandfather"]
    assert "Grandfather" in window.live.voices.gallery.cards
    assert window.toast.isVisible()
    assert window.toast.message.text() == "The headset has gone.", "it waited"
    window.session.noticed.emit("Amber is ready.")
    assert window.toast.message.text() == "Amber is ready."


@pytest.mark.parametrize("settle", [lambda window: window.toast.dismiss.click(), lambda window: window.close()])
def test_deleting_is_done_once_it_cannot_be_undone(
    window: MainWindow, backend: FakeBackend, settle: Callable[[MainWindow], None]
) -> None:
    window.live.voices.gallery.cards["Grandfather"].delete_wanted.emit("Grandfather")
    assert backend.own == ["Grandfather"]
    settle(window)
    assert backend.own == []


def test_shipped_voices_cannot_be_deleted(qtbot: QtBot, window: MainWindow) -> None:
    card = window.live.voices.gallery.cards["Amber"]
    assert not hasattr(card, "more")
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert "Amber" in window.live.voices.gallery.cards


def test_renaming(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("Uncle", True))
    window.session.change(voice="Grandfather")
    rename = window.live.voices.gallery.cards["Grandfather"].rename_action
    assert rename is not None
    rename.trigger()
    assert list(window.live.voices.gallery.cards) == ["Uncle", "Amber", "Bernard"]
    assert settings(window).voice == "Uncle"


def test_presets_follow_a_voice_to_its_new_name(window: MainWindow) -> None:
    session = window.session
    session.change(voice="Grandfather")
    session.store_preset("stage")
    session.rename_voice("Grandfather", "Uncle")
    session.change(voice="Amber")
    session.apply_preset("stage")
    assert settings(window).voice == "Uncle"


def test_a_preset_of_a_voice_that_is_gone_says_so(window: MainWindow) -> None:
    session = window.session
    session.change(voice="Grandfather", map=MapChoice(strength=0.5))
    session.store_preset("stage")
    session.delete_voice("Grandfather")
    session.settle_deletion("Grandfather")
    session.change(voice="Bernard", map=MapChoice())
    with record_messages(session.failed) as said:
        session.apply_preset("stage")
    assert "Grandfather" in said[0]
    assert (settings(window).voice, settings(window).map.strength) == ("Bernard", 0.5)


def test_a_voice_that_is_being_learnt_has_its_name(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = backend.add_voice

    def slowly(name: str, recordings: Sequence[Path], pack: str) -> str | None:
        backend.may_end.wait(10.0)
        return added(name, recordings, pack)

    monkeypatch.setattr(backend, "add_voice", slowly)
    (tmp_path / "other").mkdir()
    drop(window, tmp_path / "uncle.wav")
    drop(window, tmp_path / "other" / "uncle.wav")
    backend.may_end.set()
    qtbot.waitUntil(lambda: {"uncle", "uncle 2"} <= set(window.live.voices.gallery.cards))
    drop(window, tmp_path / "silent.wav")
    qtbot.waitUntil(lambda: "silent" not in window.session.voice_names())


def test_a_voice_that_comes_back_is_drawn_anew(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, reference = window.session, backend.folder / "Grandfather.wav"
    qtbot.waitUntil(lambda: session.outlines[reference].seconds > 0)
    session.delete_voice("Grandfather")
    session.settle_deletion("Grandfather")
    monkeypatch.setattr(backend, "reference", lambda voice: Sound(np.ones(32_000, np.float32), 16_000))
    session.add_voice("Grandfather", [])
    qtbot.waitUntil(lambda: reference in session.outlines and session.outlines[reference].seconds == 2.0)


def test_hearing_the_reference_and_stopping(qtbot: QtBot, window: MainWindow, player: FakePlayer) -> None:
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.play, LEFT)
    qtbot.waitUntil(lambda: player.sound is not None)
    assert window.session.playing == "Amber"
    assert card.playing
    QTest.mouseClick(card.play, LEFT)
    assert player.sound is None
    assert not card.playing


def test_where_nothing_can_be_played_nothing_is_prepared(
    window: MainWindow, backend: FakeBackend, player: FakePlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise RtvcError("There is no output to play on.")

    monkeypatch.setattr(player, "rate", refuse)
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.preview, LEFT)
    assert window.toast.message.text() == "There is no output to play on."
    assert not card.playing
    assert ("preview", "Amber") not in backend.heard


def test_hearing_a_preview_to_its_end(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    cards = window.live.voices.gallery.cards
    QTest.mouseClick(cards["Amber"].play, LEFT)
    qtbot.waitUntil(lambda: player.sound is not None)
    QTest.mouseClick(cards["Bernard"].preview, LEFT)
    assert not cards["Amber"].playing
    # It comes at the player's rate: the window waits for no resampling.
    qtbot.waitUntil(lambda: player.sound is not None and player.sound.rate == player.rate())
    assert ("preview", "Bernard") in backend.heard
    player.finish()
    assert not cards["Bernard"].playing


def test_recording_a_new_voice(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("Me", True))
    record = window.live.voices.record
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: record.text() == "Speak… 2 s")
    backend.may_end.set()
    qtbot.waitUntil(lambda: "Me" in window.live.voices.gallery.cards)
    assert record.text() == "Record 5 s"


def test_a_recording_can_be_broken_off(qtbot: QtBot, window: MainWindow) -> None:
    record = window.live.voices.record
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: "Speak" in record.text())
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: record.text() == "Record 5 s")
    assert list(window.live.voices.gallery.cards) == ["Grandfather", "Amber", "Bernard"]


def test_the_meters_show_the_snapshot(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    meters = window.live.meters
    assert meters.delay.text() == "93 ms"
    assert [round(part.milliseconds) for part in meters.delay_bar.parts] == [20, 34, 6, 12, 21]
    assert meters.counters["Gaps"].text() == "0"
    assert len(meters.graph.times.shares) == len(RUNNING.recent_compute)
    backend.engines[0].now = replace(RUNNING, underruns=2, dropped_frames=7, overruns=1, input_peak=CLIP_DBFS)
    qtbot.waitUntil(lambda: meters.counters["Gaps"].text() == "2")
    assert meters.counters["Dropped"].text() == "8"
    assert meters.input.clipped
    assert not meters.output.clipped
    assert window.light.status.words == "On", "a single gap is no alarm"


def test_the_meters_show_nothing_old(qtbot: QtBot, window: MainWindow) -> None:
    switch_on(qtbot, window)
    meters = window.live.meters
    assert meters.delay.text() == "93 ms"
    window.tabs[2].click()
    window.session.set_power(False)
    qtbot.waitUntil(lambda: window.light.status.words == "Off")
    window.tabs[0].click()
    assert meters.delay.text() == meters.counters["Processor"].text() == "—"
    assert meters.input.accessibleDescription() == "silent"


def test_lasting_losses_are_an_alarm(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(qtbot, window)
    now = time.monotonic()
    for second in range(TROUBLE_MARKS):
        backend.engines[0].now = replace(RUNNING, underruns=second + 1)
        monkeypatch.setattr("gui.session.time", SimpleNamespace(monotonic=lambda second=second: now + second))
        window.session.poll()
    assert window.light.status.words == "Losing sound"
    assert window.light.status.tone is Tone.BAD


@pytest.mark.parametrize("width", [360, 900, 1180, 1400])
def test_cards_stand_in_as_many_columns_as_fit(qtbot: QtBot, qapp: QApplication, tmp_path: Path, width: int) -> None:
    backend = FakeBackend(tmp_path, shipped=[f"Voice {number}" for number in range(9)])
    with open_window(qtbot, qapp, backend, FakePlayer(), width) as window:
        cards = list(window.live.voices.gallery.cards.values())

        def narrowest() -> int:
            return min(card.width() for card in cards)

        qtbot.waitUntil(lambda: narrowest() >= 130)
        first_row = [card for card in cards if card.y() == cards[0].y()]
        assert len(first_row) >= 2
        assert narrowest() < 2 * 168, "and no fewer"


def test_choices_are_remembered(window: MainWindow, backend: FakeBackend) -> None:
    window.session.change_map(strength=0.5)
    window.close()
    assert backend.saved.settings == settings(window)
    assert backend.saved.settings.map.strength == 0.5
    assert backend.closed


def test_whatever_goes_wrong_all_is_closed_and_the_terminal_told(
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
    window.session.change_map(strength=0.5)
    for owner, name in ((window.session.engine, "stop"), (backend, "remove_voice"), (backend, "save")):
        monkeypatch.setattr(owner, name, refuse)
    monkeypatch.setattr(backend, "close", fail)
    window.session.delete_voice("Grandfather")
    window.close()
    assert quits == [True]
    assert caplog.text.count("The disk is full") == 3
    assert "no scratch folder" in caplog.text


def test_what_another_panel_saved_stays_where_nothing_was_changed(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    qtbot.waitUntil(lambda: backend.saved.settings.voice == "Grandfather")
    backend.saved = others = replace(backend.saved, presets={"stage": Settings()})
    window.close()
    assert backend.saved is others


def test_closing_stops_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    window.close()
    assert not backend.engines[0].running


@pytest.mark.parametrize("width", [360, 640, 900, 1400])
def test_nothing_is_cut_at_any_width(qtbot: QtBot, window: MainWindow, width: int) -> None:
    window.resize(width, 700)
    qtbot.waitUntil(lambda: window.width() == width)
    page, viewport, live = window.live.area.widget(), window.live.area.viewport(), window.live
    assert page is not None
    assert viewport is not None
    sections = (live.power, live.voices, live.sound, live.devices, live.meters)
    qtbot.waitUntil(lambda: page.width() == viewport.width() and all(one.width() >= 300 for one in sections))
    for section in sections:
        assert section.geometry().right() <= page.width()
        assert section.minimumSizeHint().width() <= section.width()


def test_nothing_starts_once_the_window_is_closed(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    qtbot.waitUntil(lambda: not window.session._listing)
    window.session.reload_devices()
    window.quit()
    qtbot.waitUntil(lambda: not window.session._listing)
    assert len(backend.engines) == 1
    assert window.session.tasks.idle
    assert not window.session.changing


# The map


def test_another_map_is_taken_at_once_and_k_is_there_for_mkl_only(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    switch_on(qtbot, window)
    sound = window.live.sound
    assert [sound.transport.choice.box.itemData(index) for index in range(4)] == ["mkl", "knn", "sinkhorn", "flow"]
    sound.similarity.slider.setValue(2)
    assert sound.similarity.isVisible()
    choose(sound.transport.choice.box, transport_words("knn").name)
    assert backend.engines[0].settings.map.transport == "knn"
    assert len(backend.engines) == 1
    assert not sound.similarity.isVisible()
    assert not sound.transport.teach.isVisible(), "kNN needs no enrolment"
    choose(sound.transport.choice.box, transport_words("mkl").name)
    assert sound.similarity.isVisible()
    assert backend.engines[0].settings.map.block_size == 4


@pytest.mark.parametrize("name", ["sinkhorn", "flow"])
def test_a_map_that_needs_enrolment_says_so_and_leads_there(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, name: str
) -> None:
    part = window.live.sound.transport
    choose(part.choice.box, transport_words(name).name)
    assert "teach rtvc your voice" in part.sentence.text()
    QTest.mouseClick(part.teach, LEFT)
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.close()
    backend.enrolled = learnt(20.0)
    window.session.reload_devices()
    qtbot.waitUntil(lambda: not part.teach.isVisible())
    assert "teach rtvc your voice" not in part.sentence.text()


def test_a_long_fit_shows_progress_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    part = window.live.sound.transport
    switch_on(qtbot, window)
    choose(part.choice.box, transport_words("knn").name)
    choose(part.choice.box, transport_words("flow").name)
    assert not part.fit.isVisible()
    backend.engines[0].now = replace(RUNNING, fit_progress=0.25)
    qtbot.waitUntil(part.fit.isVisible)
    assert part.bar.value() == 250
    QTest.mouseClick(part.cancel, LEFT)
    assert backend.engines[0].settings.map.transport == "knn"
    assert part.choice.box.currentData() == "knn"
    backend.engines[0].now = RUNNING
    qtbot.waitUntil(lambda: not part.fit.isVisible())


def test_a_preview_by_a_map_that_is_long_to_fit_tells_its_progress_and_stops(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    window.session.choose_transport("flow")
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.preview, LEFT)
    qtbot.waitUntil(lambda: "25%" in window.toast.message.text())
    QTest.mouseClick(card.play, LEFT)
    assert not card.playing
    assert player.sound is None
    QTest.mouseClick(card.preview, LEFT)
    backend.may_end.set()
    qtbot.waitUntil(lambda: player.sound is not None)
