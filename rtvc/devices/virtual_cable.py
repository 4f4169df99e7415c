"""Virtual cables: installed products that stand in for the virtual microphone on Windows and macOS.

They are found by name. Everything here is immutable and may be used from any thread.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtvc.devices.portaudio import Device

DESCRIPTION = "RTVC Microphone"
"""The name under which applications list the virtual microphone that rtvc creates on Linux."""

CABLES = (
    # Product, prefix of its playback device's name, and what replaces that prefix in its microphone's name.
    ("VB-CABLE", "CABLE Input", "CABLE Output"),
    ("VB-CABLE", "CABLE-A Input", "CABLE-A Output"),
    ("VB-CABLE", "CABLE-B Input", "CABLE-B Output"),
    ("VoiceMeeter", "VoiceMeeter Input", "VoiceMeeter Output"),
    ("VoiceMeeter", "VoiceMeeter Aux Input", "VoiceMeeter Aux Output"),
    ("BlackHole", "BlackHole", "BlackHole"),
)
VIRTUAL_AUDIO_CABLE = "(Virtual Audio Cable)"
"""Part of the names of that product's devices, the same in both directions."""

_HOST_APIS = ("WASAPI", "Core Audio", "DirectSound", "MME", "WDM-KS")


@dataclass(frozen=True)
class VirtualCable:
    """An installed virtual cable: rtvc plays into `playback`; applications record from `microphone`."""

    product: str
    playback: Device
    microphone: str


def find_virtual_cable(devices: Sequence[Device]) -> VirtualCable | None:
    """Return an installed virtual cable among devices as `list_devices` gives them, under WASAPI if it can be."""
    found = [cable for device in devices if (cable := _as_cable(device)) is not None]
    return min(found, key=lambda cable: _HOST_APIS.index(cable.playback.host_api), default=None)


def is_cable_microphone(name: str) -> bool:
    """Return whether an input of this name is the microphone's end of a virtual cable."""
    name = name.casefold()
    prefixes = tuple(microphone.casefold() for _, _, microphone in CABLES)
    return name.startswith(prefixes) or VIRTUAL_AUDIO_CABLE.casefold() in name


def is_virtual_cable(device: Device) -> bool:
    """Return whether a device is the playback end of a virtual cable."""
    return _as_cable(device) is not None


def explain_virtual_cable(platform: str = sys.platform) -> str:
    """Return two lines on how to get a virtual microphone on a platform."""
    if platform == "win32":
        return (
            "Install VB-CABLE (vb-audio.com/Cable) or Virtual Audio Cable, and restart the computer.\n"
            'rtvc then plays into "CABLE Input"; choose "CABLE Output" as the microphone in Discord or OBS.'
        )
    if platform == "darwin":
        return (
            "Install BlackHole with: brew install blackhole-2ch\n"
            'rtvc then plays into "BlackHole 2ch"; choose "BlackHole 2ch" as the microphone in Discord or OBS.'
        )
    return (
        "Run PipeWire with pipewire-pulse, or PulseAudio, and install the library libpulse0.\n"
        f'rtvc then creates "{DESCRIPTION}"; choose it as the microphone in Discord or OBS.'
    )


def _as_cable(device: Device) -> VirtualCable | None:
    if not device.outputs or device.host_api not in _HOST_APIS:
        return None
    name = device.description
    for product, playback, microphone in CABLES:
        if name.casefold().startswith(playback.casefold()):
            return VirtualCable(product, device, microphone + name[len(playback) :])
    if VIRTUAL_AUDIO_CABLE.casefold() in name.casefold():
        return VirtualCable("Virtual Audio Cable", device, name)
    return None
