import json

import pytest

from rtvc.devices import portaudio as module
from rtvc.devices.portaudio import (
    PULSE,
    Device,
    DeviceIdentity,
    Direction,
    find_device,
    list_devices,
    live_rate,
    refresh,
)
from rtvc.errors import RtvcError
from tests.support.pulse import DEFAULT_MICROPHONE, SPEAKERS, PulseServer


def device(host_api: str, name: str, inputs: int = 0, outputs: int = 0, default: bool = False) -> Device:
    return Device(host_api, name, name, inputs, outputs, 48_000, 0, default and inputs > 0, default and outputs > 0)


WINDOWS = [
    device("MME", "Microphone (USB Audio Device of", inputs=2, default=True),
    device("MME", "CABLE Input (VB-Audio Virtual C", outputs=2),
    device("DirectSound", "Microphone (USB Audio Device of Some Maker)", inputs=2),
    device("WASAPI", "Microphone (USB Audio Device of Some Maker)", inputs=2, default=True),
    device("WASAPI", "Microphone Array (Realtek)", inputs=2),
    device("WASAPI", "CABLE Input (VB-Audio Virtual Cable)", outputs=2),
    device("WASAPI", "Speakers (Realtek)", outputs=2, default=True),
]
LINUX = [
    device(PULSE, "rtvc_mic", inputs=1, default=True),
    device(PULSE, "alsa_output.pci.monitor", inputs=2),
    device(PULSE, "alsa_input.usb", inputs=1),
    device(PULSE, "rtvc_out", outputs=1, default=True),
    device(PULSE, "alsa_output.pci", outputs=2),
    device("ALSA", "HDA Intel: ALC (hw:0,0)", inputs=2, outputs=2),
]


def test_identity_is_found_again_and_survives_storage() -> None:
    for listed in WINDOWS:
        stored = DeviceIdentity(*json.loads(json.dumps(listed.identity)))
        assert find_device(stored, "input" if listed.inputs else "output", WINDOWS) == listed


def test_names_that_mme_cut_are_found() -> None:
    identity = DeviceIdentity("MME", "Microphone (USB Audio Device of Some Maker)")
    assert find_device(identity, "input", WINDOWS) is WINDOWS[0]


@pytest.mark.parametrize(
    ("wanted", "direction", "host_api", "start"),
    [
        (None, "input", "WASAPI", "Microphone (USB"),
        (None, "output", "WASAPI", "Speakers"),
        ("cable input", "output", "WASAPI", "CABLE Input"),
        ("usb audio", "input", "WASAPI", "Microphone (USB"),
        ("Speakers (Realtek)", "output", "WASAPI", "Speakers"),
        ("CABLE Input (VB-Audio Virtual C (MME)", "output", "MME", "CABLE Input"),
    ],
)
def test_a_name_or_part_of_it_means_the_best_host_api(
    wanted: str | None, direction: Direction, host_api: str, start: str
) -> None:
    found = find_device(wanted, direction, WINDOWS)
    assert found.host_api == host_api
    assert found.name.startswith(start)


def test_a_missing_or_ambiguous_name_lists_what_there_is() -> None:
    with pytest.raises(RtvcError, match=r"No input device is called 'Webcam'.*Microphone Array \(Realtek\)"):
        find_device("Webcam", "input", WINDOWS)
    with pytest.raises(RtvcError, match=r"No input device.*'Speakers \(Realtek\) \(WASAPI\)'"):
        find_device(DeviceIdentity("WASAPI", "Speakers (Realtek)"), "input", WINDOWS)
    with pytest.raises(RtvcError, match="More than one input device matches 'micro'"):
        find_device("micro", "input", WINDOWS)
    with pytest.raises(RtvcError, match="There is no input device"):
        find_device(None, "input", [])


def test_the_own_virtual_microphone_is_never_taken_by_default() -> None:
    assert find_device(None, "input", LINUX).name == "alsa_input.usb"
    assert find_device(None, "output", LINUX).name == "alsa_output.pci"
    with pytest.raises(RtvcError):
        find_device("rtvc", "input", LINUX)
    assert find_device("rtvc_out", "output", LINUX).name == "rtvc_out"


def test_what_an_output_plays_is_a_microphone_only_by_name() -> None:
    """Nor is what another host API has, as long as a sound server answers: it may lead back to the server."""
    monitor = device(PULSE, "alsa_output.pci.monitor", inputs=2, default=True)
    others = [other for other in LINUX if other.name not in ("alsa_output.pci.monitor", "alsa_input.usb")]
    for unplugged in ([monitor, *others], others):
        with pytest.raises(RtvcError, match="There is no input device"):
            find_device(None, "input", unplugged)
    assert find_device(None, "input", [monitor, *LINUX]).name == "alsa_input.usb"
    assert find_device("alsa_output.pci.monitor", "input", [monitor, *others]) is monitor
    without_server = [other for other in LINUX if other.host_api != PULSE]
    assert find_device(None, "input", without_server).host_api == "ALSA"


def test_a_virtual_cable_is_the_default_microphone_only_where_there_is_no_other() -> None:
    cable = device("WASAPI", "CABLE Output (VB-Audio Virtual Cable)", inputs=2, default=True)
    assert find_device(None, "input", [cable, *WINDOWS[4:]]).name == "Microphone Array (Realtek)"
    assert find_device(None, "input", [cable, *WINDOWS[5:]]) is cable
    assert find_device("cable output", "input", [cable, *WINDOWS]) is cable
    hole = device("Core Audio", "BlackHole 2ch", inputs=2, outputs=2, default=True)
    built_in = device("Core Audio", "MacBook Pro Microphone", inputs=1)
    assert find_device(None, "input", [hole, built_in]) is built_in


def test_sinks_and_sources_of_pulseaudio_are_devices(pulse: PulseServer) -> None:
    refresh()
    listed = list_devices()
    microphone = find_device(None, "input", listed)
    assert microphone.identity == (PULSE, DEFAULT_MICROPHONE)
    assert (microphone.inputs, microphone.outputs, microphone.default_rate) == (1, 0, 48_000)
    assert live_rate(microphone, "input") == 48_000
    assert find_device(None, "output", listed).name == SPEAKERS
    assert not any(device.name in ("pulse", "default") for device in listed)


def test_without_a_server_there_are_no_such_devices(pulse: PulseServer) -> None:
    pulse.kill()
    refresh()
    assert not any(device.host_api == PULSE for device in list_devices())


def test_rates_that_are_refused_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        PortAudioError = ValueError
        accepted = 44_100

        def check_input_settings(self, samplerate: int, **rest: object) -> None:
            if samplerate != self.accepted:
                raise ValueError

    library = Library()
    monkeypatch.setattr(module, "portaudio", lambda: library)
    assert live_rate(LINUX[5], "input") == 44_100
    library.accepted = 12_345
    with pytest.raises(RtvcError, match=r"HDA Intel.*rejects every common sample rate"):
        live_rate(LINUX[5], "input")
