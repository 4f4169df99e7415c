import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rtvc.devices import virtual_microphone
from rtvc.devices.device_stream import DeviceStream
from rtvc.devices.portaudio import Device, find_device, list_devices, refresh
from rtvc.devices.pulse import connect, server_errors
from rtvc.devices.route_watch import RouteWatch
from rtvc.devices.sides import Capture, Playback
from rtvc.devices.virtual_cable import DESCRIPTION, explain_virtual_cable, find_virtual_cable
from rtvc.devices.virtual_microphone import SINK, SOURCE, VirtualMicrophone
from rtvc.errors import RtvcError
from tests.support.pulse import PIPEWIRE, SPEAKERS, PulseServer
from tests.support.waiting import until


def modules(pulse: PulseServer) -> list[int]:
    with pulse.client() as client:
        return [module.index for module in client.module_list() if "rtvc_" in (module.argument or "")]


def test_applications_see_a_microphone_that_is_no_monitor_until_it_is_closed(pulse: PulseServer) -> None:
    with VirtualMicrophone(), pulse.client() as client:
        source = next(source for source in client.source_list() if source.name == SOURCE)
        assert source.description == DESCRIPTION
        assert source.monitor_of_sink_name is None
        assert SINK in [sink.name for sink in client.sink_list()]
    assert modules(pulse) == []


def test_what_a_crash_left_is_used_again_and_then_removed(pulse: PulseServer) -> None:
    crash = "from rtvc.devices.virtual_microphone import *; import os; VirtualMicrophone().open(); os._exit(1)"
    subprocess.run([sys.executable, "-c", crash], check=False)
    left = modules(pulse)
    assert len(left) == 2
    with VirtualMicrophone() as microphone:
        assert modules(pulse) == left
        microphone.open()
        assert modules(pulse) == left
    assert modules(pulse) == []


def test_half_of_it_is_replaced_by_the_whole(pulse: PulseServer) -> None:
    with VirtualMicrophone() as microphone:
        with pulse.client() as client:
            client.module_unload(modules(pulse)[1])
        microphone.open()
        assert len(modules(pulse)) == 2


def test_two_threads_open_it_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel creates it while an engine that recovers does so, too."""
    inside: list[int] = []
    most: list[int] = []

    def slow_connect(name: str) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        raise RtvcError("No server answers.")

    monkeypatch.setattr(virtual_microphone, "connect", slow_connect)
    microphone = VirtualMicrophone()
    with ThreadPoolExecutor(2) as pool:
        opening = [pool.submit(microphone.open) for _ in range(2)]
        errors = [future.exception() for future in opening]
    assert most == [1, 1]
    assert all(isinstance(error, RtvcError) for error in errors)


def test_a_second_owner_is_refused_and_named(pulse: PulseServer) -> None:
    with VirtualMicrophone():
        code = "from rtvc.devices.virtual_microphone import *; VirtualMicrophone().open()"
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "RtvcError: Another rtvc (process" in second.stderr
        assert len(modules(pulse)) == 2


def test_a_restarted_server_gets_it_again_and_a_missing_one_is_explained(pulse: PulseServer) -> None:
    with VirtualMicrophone() as microphone:
        pulse.kill()
        with pytest.raises(RtvcError, match="No PulseAudio or PipeWire server"):
            microphone.open()
        pulse.start()
        microphone.open()
        assert len(modules(pulse)) == 2
        pulse.kill()
    pulse.start()
    assert modules(pulse) == []


def play_noise(playback: Playback) -> None:
    playback.ring.write(np.random.default_rng(0).uniform(-0.5, 0.5, playback.ring.capacity).astype(np.float32))


def test_voice_that_the_server_moves_is_not_heard_and_ended(pulse: PulseServer) -> None:
    refresh()
    troubles: list[str] = []
    with VirtualMicrophone():
        listed = list_devices()
        voice = DeviceStream(find_device(VirtualMicrophone.identity, "output", listed), Playback(48_000), "voice")
        monitor = DeviceStream(find_device(SPEAKERS, "output", listed), Playback(48_000), "monitor")
        leak = DeviceStream(find_device(f"{SPEAKERS}.monitor", "input", listed), Capture(48_000), "microphone")
        watch = RouteWatch([voice, leak], troubles.append)
        try:
            for stream in (leak, voice, monitor):
                stream.open()
            until(lambda: leak.side.callbacks and voice.side.callbacks > 10)
            assert isinstance(voice.side, Playback)
            play_noise(voice.side)
            watch.start()
            time.sleep(0.1)
            assert troubles == []
            assert voice.failure() is None
            with pulse.client() as client:
                client.module_unload(modules(pulse)[0])
            until(voice.failure)
            time.sleep(0.3)
            heard = np.zeros(leak.side.ring.fill, np.float32)
            leak.side.ring.read_into(heard)
            assert not heard.any()
        finally:
            watch.stop()
            for stream in (leak, voice, monitor):
                stream.close()
    # PipeWire does as it is told, and ends the stream; PulseAudio moves it, and it is ended then.
    moved = f"The sound server moved the voice from {SINK} to {SPEAKERS}"
    assert moved not in troubles if PIPEWIRE else troubles == [moved]


def test_a_microphone_that_goes_is_not_replaced_by_another(pulse: PulseServer) -> None:
    refresh()
    troubles: list[str] = []
    with pulse.client() as client:
        module = client.module_load("module-null-sink", "sink_name=rtvc_test_mic rate=48000 norewinds=1")
        microphone = find_device("rtvc_test_mic.monitor", "input", list_devices())
        stream = DeviceStream(microphone, Capture(48_000), "microphone")
        watch = RouteWatch([stream], troubles.append)
        stream.open()
        try:
            until(lambda: stream.side.callbacks)
            watch.start()
            client.module_unload(module)
            until(stream.failure)
        finally:
            watch.stop()
            stream.close()


def test_the_end_of_the_server_is_told_once(pulse: PulseServer) -> None:
    troubles: list[str] = []
    watch = RouteWatch([], troubles.append)
    watch.start()
    time.sleep(0.1)
    pulse.kill()
    until(lambda: troubles)
    time.sleep(0.5)
    watch.stop()
    assert troubles == ["The sound server stopped"]


def test_whatever_is_asked_of_a_server_that_has_died_raises_what_is_known(pulse: PulseServer) -> None:
    raised = set()
    for ask in ("sink_input_list", "server_info", "module_list"):
        with connect("rtvc test") as server:
            pulse.kill()
            for _ in range(3):
                try:
                    getattr(server, ask)()
                except server_errors() as error:
                    raised.add(type(error))
        pulse.start()
    assert len(raised) > 1  # Otherwise one type would do.


def device(host_api: str, name: str, outputs: int = 2) -> Device:
    return Device(host_api, name, name, 0, outputs, 48_000, 0)


@pytest.mark.parametrize(
    ("names", "playback", "microphone", "product"),
    [
        (
            [("MME", "CABLE Input (VB-Audio Virtual C"), ("WASAPI", "CABLE Input (VB-Audio Virtual Cable)")],
            ("WASAPI", "CABLE Input (VB-Audio Virtual Cable)"),
            "CABLE Output (VB-Audio Virtual Cable)",
            "VB-CABLE",
        ),
        (
            [("WASAPI", "Speakers (Realtek)"), ("WASAPI", "VoiceMeeter Input (VB-Audio VoiceMeeter VAIO)")],
            ("WASAPI", "VoiceMeeter Input (VB-Audio VoiceMeeter VAIO)"),
            "VoiceMeeter Output (VB-Audio VoiceMeeter VAIO)",
            "VoiceMeeter",
        ),
        (
            [("DirectSound", "Line 1 (Virtual Audio Cable)"), ("MME", "Line 1 (Virtual Audio Cable)")],
            ("DirectSound", "Line 1 (Virtual Audio Cable)"),
            "Line 1 (Virtual Audio Cable)",
            "Virtual Audio Cable",
        ),
        (
            [("Core Audio", "MacBook Pro Speakers"), ("Core Audio", "BlackHole 2ch")],
            ("Core Audio", "BlackHole 2ch"),
            "BlackHole 2ch",
            "BlackHole",
        ),
    ],
)
def test_installed_cables_are_found(
    names: list[tuple[str, str]], playback: tuple[str, str], microphone: str, product: str
) -> None:
    cable = find_virtual_cable([device(*name) for name in names])
    assert cable is not None
    assert (cable.playback.identity, cable.microphone, cable.product) == (playback, microphone, product)


def test_no_cable_is_found_among_other_devices() -> None:
    others = [device("WASAPI", "Speakers (Realtek)"), device("WASAPI", "CABLE Input (VB-Audio)", outputs=0)]
    assert find_virtual_cable(others) is None


@pytest.mark.parametrize("platform", ["win32", "darwin", "linux"])
def test_the_way_to_one_is_told_in_two_lines(platform: str) -> None:
    assert len(explain_virtual_cable(platform).splitlines()) == 2
