"""Microphone, output and monitor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.devices import Found
from rtvc.devices.portaudio import DeviceIdentity
from tests.support.panel import (
    LEFT,
    FakeBackend,
    QTest,
    choose,
    device,
    is_live,
    settings,
    switch_on,
    wait_for_devices,
)


def test_the_microphone_that_the_engine_made_is_shown(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    devices = window.live.devices
    assert devices.create_button.isVisible()
    backend.microphone.open()
    assert window.session.devices.output_name == "the virtual microphone"
    switch_on(qtbot, window)
    qtbot.waitUntil(lambda: devices.output.box.currentText() == "RTVC Microphone")
    assert not devices.create_button.isVisible()
    assert "RTVC Microphone" in window.live.power.sentence.text()


def test_another_microphone_rebuilds_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    choose(window.live.devices.microphone.box, "USB Headset")
    qtbot.waitUntil(lambda: is_live(window, backend, 1))
    assert not backend.engines[0].running
    assert backend.engines[1].setup.microphone == DeviceIdentity("PulseAudio", "usb_headset")
    assert window.session.live.on


def test_an_unplugged_device_stays_chosen(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    choose(window.live.devices.microphone.box, "USB Headset")
    backend.listed = backend.listed[:1]
    QTest.mouseClick(window.live.devices.refresh, LEFT)
    qtbot.waitUntil(lambda: len(window.session.devices.devices) == 1)
    assert window.live.devices.microphone.box.currentText() == "usb_headset (not plugged in)"


def test_the_virtual_microphone_is_made_by_one_button(qtbot: QtBot, window: MainWindow) -> None:
    devices = window.live.devices
    assert devices.create_button.isVisible()
    QTest.mouseClick(devices.create_button, LEFT)
    qtbot.waitUntil(lambda: not devices.create_button.isVisible())
    assert devices.output.box.currentText() == "RTVC Microphone"
    assert "Discord" in devices.hint.text()


def test_playing_to_a_real_output_warns(window: MainWindow) -> None:
    choose(window.live.devices.output.box, "Speakers")
    assert window.session.preferences.wiring.output == DeviceIdentity("PulseAudio", "speakers")
    assert "virtual cable" in window.live.devices.hint.text()
    assert not window.live.devices.create_button.isVisible()
    assert window.session.devices.output_name == "Speakers"


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
    assert window.session.preferences.wiring.monitor == DeviceIdentity("PulseAudio", "speakers")


def test_the_monitor_starts_on_the_default_output(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    headset = device("Headset", outputs=2)
    backend.listed = [
        replace(headset, host_api="MME", default_output=True),
        replace(headset, host_api="WASAPI", default_output=True),
        replace(headset, host_api="WASAPI", name="rtvc_output", default_output=True),
    ]
    wait_for_devices(qtbot, window)
    window.session.devices.reload()
    qtbot.waitUntil(lambda: window.session.devices.devices[0].host_api == "MME")
    window.session.devices.hear_myself(True)
    assert window.session.preferences.wiring.monitor == DeviceIdentity("WASAPI", "headset")
    assert window.live.devices.monitor_device.box.currentText() == "Headset"


def test_the_virtual_microphone_is_made_even_while_devices_are_listed(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_devices(qtbot, window)
    look = backend.look

    def slowly(refresh: bool) -> Found:
        backend.may_end.wait(10.0)
        return look(refresh)

    monkeypatch.setattr(backend, "look", slowly)
    window.session.devices.reload()
    window.live.devices.create_button.click()
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.session.devices.virtual_microphone.name == "RTVC Microphone")
