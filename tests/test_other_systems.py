"""What differs on Windows and macOS, simulated at the border of the libraries.

The device lists follow PortAudio's documentation and issue reports: MME cuts names at 31 characters, each device is
listed once per host API, and a device may refuse every rate but its own (error -9997).
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rtvc.devices import portaudio
from rtvc.devices.portaudio import Device, find_device, list_devices, live_rate
from rtvc.devices.virtual_cable import find_virtual_cable
from rtvc.errors import RtvcError
from tests.support.packs import identity_pack

Entry = tuple[str, int, int, int]
"""A device's name, its inputs and outputs, and its rate in Hz."""

WINDOWS: dict[str, Sequence[Entry]] = {
    "MME": [
        ("Microsoft Sound Mapper - Input", 2, 0, 44_100),
        ("Microphone (USB Audio Device of", 2, 0, 44_100),
        ("CABLE Output (VB-Audio Virtual ", 2, 0, 44_100),
        ("Microsoft Sound Mapper - Output", 0, 2, 44_100),
        ("Speakers (Realtek(R) Audio)", 0, 2, 44_100),
        ("CABLE Input (VB-Audio Virtual C", 0, 2, 44_100),
    ],
    "Windows DirectSound": [
        ("Primary Sound Capture Driver", 2, 0, 44_100),
        ("Microphone (USB Audio Device of Some Maker)", 2, 0, 44_100),
        ("Primary Sound Driver", 0, 2, 44_100),
        ("CABLE Input (VB-Audio Virtual Cable)", 0, 2, 44_100),
    ],
    "Windows WASAPI": [
        ("Speakers (Realtek(R) Audio)", 0, 2, 48_000),
        ("CABLE Input (VB-Audio Virtual Cable)", 0, 2, 48_000),
        ("CABLE Output (VB-Audio Virtual Cable)", 2, 0, 48_000),
        ("Microphone (USB Audio Device of Some Maker)", 1, 0, 16_000),
    ],
    "Windows WDM-KS": [("CABLE Output (VB-Audio Point)", 8, 0, 44_100), ("Input ()", 0, 2, 44_100)],
}
MACOS: dict[str, Sequence[Entry]] = {
    "Core Audio": [
        ("BlackHole 2ch", 2, 2, 48_000),
        ("MacBook Pro Microphone", 1, 0, 48_000),
        ("MacBook Pro Speakers", 0, 2, 44_100),
        ("Bjørns AirPods", 1, 0, 24_000),
    ],
}


class FakePortAudio:
    """sounddevice on another system, as far as listing and opening go."""

    class PortAudioError(Exception):
        """Raised with a text and PortAudio's error number."""

    class WasapiSettings:
        """WASAPI's settings."""

        def __init__(self, auto_convert: bool) -> None:
            self.auto_convert = auto_convert

    def __init__(self, system: dict[str, Sequence[Entry]], defaults: tuple[str, str], refuses: bool = False) -> None:
        self.entries = [
            {
                "name": name,
                "hostapi": api,
                "max_input_channels": inputs,
                "max_output_channels": outputs,
                "default_samplerate": float(rate),
            }
            for api, listed in enumerate(system.values())
            for name, inputs, outputs, rate in listed
        ]
        self.apis = []
        for api, name in enumerate(system):
            own = [index for index, entry in enumerate(self.entries) if entry["hostapi"] == api]
            first = [next((index for index in own if self.entries[index]["name"] == it), -1) for it in defaults]
            self.apis.append({"name": name, "default_input_device": first[0], "default_output_device": first[1]})
        self.refuses = refuses

    def query_hostapis(self) -> list[dict[str, Any]]:
        """Return the host APIs."""
        return self.apis

    def query_devices(self) -> list[dict[str, Any]]:
        """Return the devices."""
        return self.entries

    def check_input_settings(self, device: int, samplerate: float, extra_settings: Any, **rest: Any) -> None:  # noqa: ANN401
        """Refuse every rate but the device's own, or that one, too; WASAPI converts where it is asked to."""
        converts = isinstance(extra_settings, self.WasapiSettings) and extra_settings.auto_convert
        if self.refuses or (samplerate != self.entries[device]["default_samplerate"] and not converts):
            raise self.PortAudioError("Invalid sample rate", -9997)

    check_output_settings = check_input_settings


def listed(monkeypatch: pytest.MonkeyPatch, library: FakePortAudio) -> list[Device]:
    monkeypatch.setattr(portaudio, "portaudio", lambda: library)
    return list_devices()


def test_windows_prefers_wasapi_and_never_the_cable_as_a_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    cable_is_default = ("CABLE Output (VB-Audio Virtual Cable)", "Speakers (Realtek(R) Audio)")
    devices = listed(monkeypatch, FakePortAudio(WINDOWS, cable_is_default))
    microphone = find_device(None, "input", devices)
    assert (microphone.host_api, microphone.name) == ("WASAPI", "Microphone (USB Audio Device of Some Maker)")
    cable = find_virtual_cable(devices)
    assert cable is not None
    assert cable.playback.identity == ("WASAPI", "CABLE Input (VB-Audio Virtual Cable)")
    assert cable.microphone == "CABLE Output (VB-Audio Virtual Cable)"


def test_macos_takes_the_built_in_microphone_and_plays_into_blackhole(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = listed(monkeypatch, FakePortAudio(MACOS, ("BlackHole 2ch", "MacBook Pro Speakers")))
    assert find_device(None, "input", devices).name == "MacBook Pro Microphone"
    assert find_device("airpods", "input", devices).name == "Bjørns AirPods"
    cable = find_virtual_cable(devices)
    assert cable is not None
    assert (cable.product, cable.playback.name) == ("BlackHole", "BlackHole 2ch")


def test_wasapi_converts_rates_and_other_host_apis_get_the_rate_of_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = listed(monkeypatch, FakePortAudio(WINDOWS, ("", "")))
    by_name = {(device.host_api, device.name): device for device in devices}
    assert live_rate(by_name["WASAPI", "Microphone (USB Audio Device of Some Maker)"], "input") == 16_000
    assert live_rate(by_name["MME", "Microphone (USB Audio Device of"], "input") == 44_100


def test_a_device_that_refuses_every_rate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = listed(monkeypatch, FakePortAudio(MACOS, ("", ""), refuses=True))
    with pytest.raises(RtvcError, match="MacBook Pro Microphone rejects"):
        live_rate(find_device("macbook", "input", devices), "input")


def run_rtvc(environment: dict[str, str], *arguments: str) -> bytes:
    command = [sys.executable, "-m", "rtvc.cli", *arguments]
    ended = subprocess.run(command, capture_output=True, env=environment)
    assert ended.returncode == 0, ended.stderr.decode("cp1252")
    return ended.stdout + ended.stderr


def test_a_home_with_spaces_and_letters_beyond_ascii_and_a_console_without_unicode(tmp_path: Path) -> None:
    home = tmp_path / "Jürgen Müller 山田"
    pack = identity_pack(home / "mein Paket")
    said = home / "Aufnahme Ä 1.wav"
    random = np.random.default_rng(0)
    soundfile.write(said, 0.1 * random.standard_normal(48_000 * 2) * np.hanning(96_000), 48_000)
    names = ("LOCALAPPDATA", "APPDATA", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    environment = {**os.environ, "HOME": str(home), "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    environment |= {name: str(home / name) for name in names}

    def rtvc(*arguments: str) -> bytes:
        return run_rtvc(environment, *arguments)

    rtvc("convert", str(said), "--voice", "Willow", "--pack", str(pack.folder), "-o", str(home / "Ergebnis Ä 1.wav"))
    assert (home / "Ergebnis Ä 1.wav").exists()
    rtvc("voices", "add", "山田 é", str(Path(__file__).parent.parent / "rtvc/assets/voices/alder.flac"))
    assert b"\\u5c71\\u7530" in rtvc("voices", "list")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for open files in /proc")
def test_without_posix_signals_and_locks_folders_are_converted_and_live_runs(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    said, ended = tmp_path / "said", tmp_path / "ended"
    said.mkdir()
    ended.mkdir()
    for name in ("one.wav", "two.wav"):
        soundfile.write(said / name, 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    windows = Path(__file__).parent / "support" / "windows"
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(windows)}
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        environment[name] = str(tmp_path / name)
    chosen = ("--voice", "Willow", "--pack", str(pack.folder))
    (ended / "one.wav").write_bytes(b"replaced")
    commands = [
        ["convert", str(said), *chosen, "--jobs", "2", "-o", str(ended), "--force"],
        ["live", *chosen, "--input", str(said / "one.wav"), "--output-file", str(tmp_path / "live.wav")],
    ]
    program = f"from rtvc.cli import app\nfor command in {commands}: app(command, standalone_mode=False)"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert {path.name for path in ended.iterdir()} == {"one.wav", "two.wav"}
    assert soundfile.info(ended / "one.wav").duration == 1.0
    assert soundfile.info(tmp_path / "live.wav").duration >= 1.0
