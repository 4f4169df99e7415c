import sys
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from rtvc.devices import device_stream, live_port, portaudio
from rtvc.devices.live_port import LivePort
from rtvc.devices.microphone import microphone_blocks
from rtvc.devices.portaudio import PULSE, DeviceIdentity
from rtvc.devices.virtual_microphone import SINK, VirtualMicrophone, virtual_microphone
from rtvc.errors import RtvcError
from tests.support.pulse import DEFAULT_MICROPHONE, FAKE_MICROPHONE, PIPEWIRE, SPEAKERS, PulseServer
from tests.support.waiting import until

MICROPHONE = DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor")


@pytest.fixture
def virtual(pulse: PulseServer) -> Iterator[VirtualMicrophone]:
    with VirtualMicrophone() as microphone:
        yield microphone


def sinks(pulse: PulseServer) -> set[str]:
    """Return the sinks that something plays to."""
    with pulse.client() as client:
        names = {sink.index: sink.name for sink in client.sink_list()}
        return {names[stream.sink] for stream in client.sink_input_list()}


def test_it_plays_into_the_virtual_microphone_and_the_monitor(pulse: PulseServer, virtual: VirtualMicrophone) -> None:
    port = LivePort(MICROPHONE, monitor=SPEAKERS, virtual_microphone=virtual)
    port.open()
    try:
        until(lambda: sinks(pulse) == {SINK, SPEAKERS})
        assert port.monitor is not None
        assert port.microphone_name == str(MICROPHONE)
        assert port.warning == ""
        until(lambda: port.capture.callbacks and port.playback.callbacks and port.monitor and port.monitor.callbacks)
        assert port.failure() is None
    finally:
        port.close()
    until(lambda: not sinks(pulse))


def test_a_monitor_that_is_missing_keeps_nothing_else_from_being_opened(
    pulse: PulseServer, virtual: VirtualMicrophone
) -> None:
    port = LivePort(MICROPHONE, monitor="headphones", virtual_microphone=virtual)
    port.open()
    try:
        assert port.monitor is None
        assert "No monitor: No output device is called 'headphones'" in port.warning
    finally:
        port.close()


def test_a_monitor_that_goes_is_heard_nowhere_else_and_the_voice_goes_on(
    pulse: PulseServer, virtual: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_stream, "STALL_SECONDS", 10.0)  # This is not about a busy machine.
    with pulse.client() as client:
        module = client.module_load("module-null-sink", "sink_name=rtvc_test_headphones rate=48000")
        port = LivePort(MICROPHONE, monitor="rtvc_test_headphones", virtual_microphone=virtual)
        port.open()
        try:
            until(lambda: sinks(pulse) == {SINK, "rtvc_test_headphones"})
            client.module_unload(module)
            failures: list[str | None] = []

            def warned() -> str:
                failures.append(port.failure())
                return port.warning

            until(warned)
            assert port.warning.endswith(" was disconnected: you no longer hear yourself.")
            until(lambda: sinks(pulse) == {SINK})
            before = port.capture.callbacks, port.playback.callbacks
            until(lambda: port.capture.callbacks > before[0] + 20 and port.playback.callbacks > before[1] + 20)
            assert {*failures, port.failure()} == {None}
            assert not port.playback.muted
        finally:
            port.close()


@pytest.mark.skipif(PIPEWIRE, reason="PipeWire leaves these streams where they are")
def test_a_stream_that_is_moved_is_silenced_and_the_port_has_failed(
    pulse: PulseServer, virtual: VirtualMicrophone
) -> None:
    port = LivePort(MICROPHONE, virtual_microphone=virtual)
    port.open()
    try:
        until(lambda: port.playback.callbacks > 2)
        port.playback.ring.write(np.full(port.playback.rate, 0.5, np.float32))

        import pulsectl

        def moved() -> bool:
            # ALSA may just be opening its stream anew, after an underrun: then that one is moved.
            with pulse.client() as client, suppress(pulsectl.PulseError):
                names = {sink.name: sink.index for sink in client.sink_list()}
                for stream in client.sink_input_list():
                    if stream.sink == names[SINK]:
                        client.sink_input_move(stream.index, names[SPEAKERS])
            return f"moved the voice from {SINK} to {SPEAKERS}" in str(port.failure())

        until(moved)
        assert port.playback.muted
        port.close()
        assert port.failure() is None
        port.open()
        assert port.failure() is None
        until(lambda: sinks(pulse) == {SINK})
    finally:
        port.close()


def test_other_streams_of_the_same_program_are_left_alone(
    pulse: PulseServer, virtual: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short recording of another microphone, and a second port between other devices."""
    monkeypatch.setattr(device_stream, "STALL_SECONDS", 10.0)  # This is not about a busy machine.
    port, other = LivePort(MICROPHONE, virtual_microphone=virtual), LivePort(DEFAULT_MICROPHONE, SPEAKERS)
    try:
        port.open()
        microphone = portaudio.find_device(DEFAULT_MICROPHONE, "input", portaudio.list_devices())
        assert sum(len(block) / rate for block, rate in microphone_blocks(microphone, 1.0)) == pytest.approx(1.0)
        other.open()
        began = other.capture.callbacks, other.playback.callbacks
        until(lambda: other.capture.callbacks > began[0] + 50 and other.playback.callbacks > began[1] + 50)
        for one in (port, other):
            assert one.failure() is None
            assert not one.playback.muted
    finally:
        other.close()
        port.close()


def test_a_microphone_that_is_missing_is_named(pulse: PulseServer, virtual: VirtualMicrophone) -> None:
    port = LivePort("headset", virtual_microphone=virtual)
    with pytest.raises(RtvcError, match="No input device is called 'headset'"):
        port.open()
    port.close()
    assert port.failure() is None


def test_without_a_virtual_cable_the_way_to_one_is_told(pulse: PulseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    portaudio.refresh()
    monkeypatch.setattr(sys, "platform", "win32")
    assert virtual_microphone() is None
    monkeypatch.undo()
    with pytest.raises(RtvcError, match="No virtual microphone is installed"):
        LivePort(MICROPHONE).open()


def test_a_library_that_fails_is_a_failure_to_open(pulse: PulseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise portaudio.portaudio().PortAudioError("Unanticipated host error")

    monkeypatch.setattr(portaudio, "refresh", fail)
    with pytest.raises(RtvcError, match="cannot reach the devices"):
        LivePort(MICROPHONE).open()


@pytest.mark.parametrize("host_api", [PULSE, portaudio.JACK])
def test_the_virtual_microphone_is_played_into_over_the_microphones_host_api(
    monkeypatch: pytest.MonkeyPatch, host_api: str
) -> None:
    listed = [
        portaudio.Device(api, name, name, 1, 1, 48_000, 0)
        for api in (PULSE, portaudio.JACK)
        for name in ("headset", SINK, VirtualMicrophone.jack_identity.name)
    ]
    opened: list[portaudio.DeviceIdentity] = []

    class Port:
        microphone_name = "headset"

        def __init__(self, *arguments: object) -> None:
            opened.extend(device.identity for device in arguments if isinstance(device, portaudio.Device))

        def open(self) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(portaudio, "refresh", lambda: None)
    monkeypatch.setattr(portaudio, "list_devices", lambda: listed)
    monkeypatch.setattr(live_port, "DevicePort", Port)
    monkeypatch.setattr(LivePort, "_guard", lambda *port: None)
    virtual = VirtualMicrophone()
    monkeypatch.setattr(virtual, "open", lambda: None)
    LivePort(f"headset ({host_api})", virtual_microphone=virtual).open()
    own = VirtualMicrophone.identity if host_api == PULSE else VirtualMicrophone.jack_identity
    assert opened == [portaudio.DeviceIdentity(host_api, "headset"), own]


def test_before_it_is_opened_there_are_no_sides() -> None:
    port = LivePort()
    with pytest.raises(RuntimeError):
        _ = port.capture
    assert not port.ended
    port.close()
