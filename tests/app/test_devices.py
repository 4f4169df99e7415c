import pytest

from rtvc.app import devices as app_devices
from rtvc.app.devices import device_choices, device_rows, find_microphone
from rtvc.app.virtual_microphone import application_steps, virtual_microphone_state
from rtvc.devices import portaudio
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.devices.virtual_microphone import SINK, SOURCE


def device(host_api: str, name: str, inputs: int = 0, outputs: int = 0, default: bool = False) -> Device:
    return Device(host_api, name, name, inputs, outputs, 48_000, 0, default and inputs > 0, default and outputs > 0)


def listed(monkeypatch: pytest.MonkeyPatch, *devices: Device) -> None:
    monkeypatch.setattr(portaudio, "list_devices", lambda: list(devices))


def test_a_device_that_records_and_plays_has_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, device("WASAPI", "Headset", 1, 2, default=True), device("WASAPI", "CABLE Input (VB)", 0, 2))
    rows = device_rows()
    assert [(row.direction, row.device.name) for row in rows] == [
        ("input", "Headset"),
        ("output", "Headset"),
        ("output", "CABLE Input (VB)"),
    ]
    assert rows[0].notes == rows[1].notes == ("default",)
    assert rows[2].notes == ("virtual cable VB-CABLE: choose CABLE Output (VB) in applications",)


def test_choices_list_each_device_once_under_its_best_host_api() -> None:
    devices = [
        device("MME", "Microphone (High Definition Aud", 1),
        device("WASAPI", "Microphone (High Definition Audio Device)", 1),
        device(PULSE, "speakers.monitor", 1),
        device(PULSE, SOURCE, 1),
        device("WASAPI", "Headphones", 0, 2),
    ]
    choices = device_choices(devices, "input")
    assert [choice.label for choice in choices] == ["System default", "Microphone (High Definition Audio Device)"]
    assert choices[0].identity is None
    assert choices[1].identity == DeviceIdentity("WASAPI", "Microphone (High Definition Audio Device)")


def test_devices_of_one_description_are_told_apart() -> None:
    devices = [Device(PULSE, name, "USB Audio", 1, 0, 48_000, 0) for name in ("usb.1", "usb.2")]
    assert [choice.label for choice in device_choices(devices, "input")][1:] == [
        "USB Audio [usb.1]",
        "USB Audio [usb.2]",
    ]


def test_a_microphone_that_was_just_plugged_in_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    devices: list[Device] = []
    microphone = device("WASAPI", "Headset", 1)
    monkeypatch.setattr(portaudio, "list_devices", lambda: devices)
    monkeypatch.setattr(portaudio, "refresh", lambda: devices.append(microphone))
    assert find_microphone(microphone.identity) == microphone
    assert app_devices.find_microphone("head") == microphone


def test_the_state_of_the_virtual_microphone_follows_the_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    listed(monkeypatch)
    assert not virtual_microphone_state().can_create
    assert "PipeWire" in virtual_microphone_state().explanation
    listed(monkeypatch, device(PULSE, "speakers", 0, 2))
    assert virtual_microphone_state().can_create
    listed(monkeypatch, device(PULSE, SINK, 0, 1))
    assert virtual_microphone_state().name == DESCRIPTION
    monkeypatch.setattr("sys.platform", "win32")
    listed(monkeypatch, device("WASAPI", "CABLE Input (VB)", 0, 2))
    assert virtual_microphone_state().name == "CABLE Output (VB)"


def test_the_steps_name_the_microphone_and_the_source_of_the_platform() -> None:
    discord, obs = application_steps("RTVC Microphone", "linux")
    assert discord.path[-1] == obs.path[-1] == "RTVC Microphone"
    assert "Audio Input Capture (PulseAudio)" in obs.path
    assert "Audio Input Capture" in application_steps("CABLE Output", "win32")[1].path
