import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rtvc.devices import device_port, device_stream
from rtvc.devices.device_port import DevicePort
from rtvc.devices.portaudio import find_device, list_devices, refresh
from rtvc.devices.sides import Capture, Playback
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from tests.support.pulse import FAKE_MICROPHONE, PulseServer
from tests.support.waiting import until

RATE = 48_000


def tone(frames: int) -> Block:
    return (0.5 * np.sin(2 * np.pi * 300 * np.arange(frames) / RATE)).astype(np.float32)


def test_devices_that_begin_with_bursts_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    bursts = [0.0, 0.001, 0.002, 0.003, 0.05, 0.13, 0.131, 0.132, 0.133]
    due = {side: [*bursts, *np.arange(0.14, 3, 0.01)] for side in (Capture(RATE), Playback(RATE))}

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        for side, times in due.items():
            side.callbacks = sum(moment <= now for moment in times)

    monkeypatch.setattr(device_port, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    device_port.settle(list(due))
    assert 0.15 < now < 0.5
    due[Playback(RATE)] = []  # It never begins.
    device_port.settle(list(due))
    assert 1 < now < 2


@pytest.fixture
def loop(pulse: PulseServer) -> Iterator[DevicePort]:
    """A port whose output is its own microphone."""
    refresh()
    listed = list_devices()
    port = DevicePort(
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), find_device(FAKE_MICROPHONE, "output", listed)
    )
    port.open()
    yield port
    port.close()


def test_sound_goes_out_and_comes_in_through_devices(loop: DevicePort) -> None:
    audio = tone(RATE // 2)
    until(lambda: loop.capture.callbacks > 5)
    loop.playback.ring.write(audio)
    until(lambda: loop.capture.ring.written > RATE)
    heard = np.zeros(loop.capture.ring.fill, np.float32)
    loop.capture.ring.read_into(heard)
    assert np.max(heard) == pytest.approx(0.5, abs=0.01)
    best = np.max(np.correlate(heard, audio[1000:5000], "valid")) / np.sum(audio[1000:5000] ** 2)
    assert best > 0.9
    assert loop.failure() is None
    assert -0.01 < loop.capture.delay < 0.3
    assert 0 < loop.playback.delay < 0.3
    assert "PULSE_SINK" not in os.environ


@pytest.mark.usefixtures("pulse")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"index": 1000}, "cannot be opened"),
        ({"host_api": "ALSA", "index": 1000}, "rejects every common sample rate"),
    ],
)
def test_a_monitor_that_is_refused_keeps_nothing_else_from_being_opened(
    changes: dict[str, object], reason: str
) -> None:
    refresh()
    listed = list_devices()
    output = find_device(FAKE_MICROPHONE, "output", listed)
    monitor = replace(output, **changes)  # type: ignore[arg-type]
    port = DevicePort(find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), output, monitor)
    port.open()
    try:
        assert port.monitor is None
        assert port.warning.startswith("No monitor: ")
        assert reason in port.warning
        assert port.failure() is None
        until(lambda: port.capture.callbacks and port.playback.callbacks)
        assert port.warning
    finally:
        port.close()


@pytest.mark.usefixtures("pulse")
def test_a_monitor_that_stalls_is_a_warning_until_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    refresh()
    listed = list_devices()
    output = find_device(FAKE_MICROPHONE, "output", listed)
    port = DevicePort(find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), output, output)
    port.open()
    try:
        with monkeypatch.context() as stalled:
            stalled.setattr(port.streams[2], "failure", lambda: "Headphones has stalled")
            assert port.failure() is None
            assert port.warning == "Headphones has stalled: you no longer hear yourself."
        assert port.failure() is None
        assert port.warning == ""
    finally:
        port.close()


def test_looking_for_devices_from_elsewhere_leaves_open_streams_alone(loop: DevicePort) -> None:
    until(lambda: loop.capture.callbacks > 2)
    refresh()
    before = loop.capture.callbacks
    until(lambda: loop.capture.callbacks > before + 5)
    assert loop.failure() is None


@pytest.mark.usefixtures("pulse")
def test_devices_may_be_looked_for_by_two_at_once() -> None:
    troubles: list[Exception] = []

    def look() -> None:
        try:
            for _ in range(4):
                refresh()
                list_devices()
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def test_the_end_of_the_server_is_noticed_and_a_new_port_recovers(pulse: PulseServer, loop: DevicePort) -> None:
    until(lambda: loop.capture.callbacks > 2)
    pulse.kill()
    until(loop.failure)
    assert "was disconnected" in str(loop.failure())
    loop.close()
    refresh()
    with pytest.raises(RtvcError):
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", list_devices())
    pulse.start()
    refresh()
    listed = list_devices()
    again = DevicePort(
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), find_device(FAKE_MICROPHONE, "output", listed)
    )
    again.open()
    try:
        until(lambda: again.capture.callbacks > 2)
        assert again.failure() is None
    finally:
        again.close()


def test_a_stream_that_stalls_silently_is_noticed(
    pulse: PulseServer, loop: DevicePort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_stream, "STARTING_SECONDS", 0.0)
    until(lambda: loop.capture.callbacks > 2)
    pulse.signal(signal.SIGSTOP)
    try:
        until(loop.failure)
        assert "has stalled" in str(loop.failure())
    finally:
        pulse.signal(signal.SIGCONT)


def test_a_device_that_does_not_exist_any_more_is_refused(pulse: PulseServer) -> None:
    refresh()
    listed = list_devices()
    microphone = find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed)
    output = find_device(FAKE_MICROPHONE, "output", listed)
    pulse.kill()
    port = DevicePort(microphone, output)
    with pytest.raises(RtvcError, match="cannot be opened"):
        port.open()
    assert port.failure() is None
