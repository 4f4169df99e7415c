"""Microphones and outputs as a front end lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rtvc.devices import portaudio
from rtvc.devices.live_port import Wanted
from rtvc.devices.microphone import microphone_blocks
from rtvc.devices.portaudio import OWN_PREFIX, PULSE, Device, DeviceIdentity, Direction
from rtvc.devices.virtual_cable import find_virtual_cable, is_cable_microphone, is_virtual_cable
from rtvc.devices.virtual_microphone import SINK, SOURCE
from rtvc.dsp.decibels import decibels


@dataclass(frozen=True)
class DeviceRow:
    """One direction of a device, for a table of everything there is.

    Attributes
    ----------
    direction, device
        What is listed. A device that records and plays has two rows.
    notes
        What the user should know about it, such as "default"; often empty.
    """

    direction: Direction
    device: Device
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DeviceChoice:
    """One entry of a menu of devices; `identity` None is the system's default."""

    identity: DeviceIdentity | None
    label: str


def find_microphone(wanted: Wanted) -> Device:
    """Look for devices anew and return the wanted microphone; raise `RtvcError` if it is not plugged in."""
    portaudio.refresh()
    return portaudio.find_device(wanted, "input", portaudio.list_devices())


def listen(microphone: Wanted, seconds: float, heard: Callable[[float, float], None]) -> None:
    """Report level and peak of a microphone in dBFS ten times a second, to show that it works.

    An exception that `heard` raises ends it early. Raises `RtvcError` if the microphone is missing or fails.
    """
    for block, _ in microphone_blocks(find_microphone(microphone), seconds):
        heard(decibels(float(np.sqrt(np.mean(block**2)))), decibels(float(np.max(np.abs(block)))))


def device_rows() -> list[DeviceRow]:
    """List every device of every host API, and say which belong to a virtual microphone."""
    devices = portaudio.list_devices()
    cable = find_virtual_cable(devices)
    rows = []
    for device in devices:
        if device.inputs:
            notes = ["default"] if device.default_input else []
            if device.identity == DeviceIdentity(PULSE, SOURCE):
                notes.append("the virtual microphone")
            elif is_cable_microphone(device.name):
                notes.append("virtual cable: applications record from it")
            rows.append(DeviceRow("input", device, tuple(notes)))
        if device.outputs:
            notes = ["default"] if device.default_output else []
            if cable is not None and device == cable.playback:
                notes.append(f"virtual cable {cable.product}: choose {cable.microphone} in applications")
            elif device.identity == DeviceIdentity(PULSE, SINK):
                notes.append("feeds the virtual microphone")
            elif is_virtual_cable(device):
                notes.append("virtual cable")
            rows.append(DeviceRow("output", device, tuple(notes)))
    return rows


def device_choices(devices: Sequence[Device], direction: Direction) -> list[DeviceChoice]:
    """Return the devices a user can choose, each once, under the best host API that lists it.

    rtvc's own virtual microphone and the monitors of outputs are left out: neither is a microphone to speak into.
    """
    usable = [
        device
        for device in portaudio.by_preference(devices)
        if device.channels(direction)
        and not device.name.startswith(OWN_PREFIX)
        and not (direction == "input" and device.name.endswith(".monitor"))
    ]
    kept: list[Device] = []
    for device in usable:
        # MME cuts names off, so only their beginnings can be compared.
        length = portaudio.MME_NAME_LENGTH if device.host_api == "MME" else None
        name = device.description[:length].casefold()
        if not any(
            better.host_api != device.host_api and better.description[:length].casefold() == name for better in kept
        ):
            kept.append(device)
    count = Counter(device.description for device in kept)
    choices = [DeviceChoice(None, "System default")]
    for device in kept:
        label = device.description
        choices.append(DeviceChoice(device.identity, label if count[label] == 1 else f"{label} [{device.name}]"))
    return choices
