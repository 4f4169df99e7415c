"""The virtual microphone that Discord and OBS record: its state, a test tone, its delay, and how to choose it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from rtvc.devices import portaudio, pulse
from rtvc.devices.live_port import LivePort
from rtvc.devices.portaudio import PULSE, DeviceIdentity
from rtvc.devices.virtual_cable import DESCRIPTION, explain_virtual_cable, find_virtual_cable
from rtvc.devices.virtual_microphone import SINK, SOURCE, VirtualMicrophone, virtual_microphone
from rtvc.dsp.decibels import decibels
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

__all__ = [
    "ApplicationSteps",
    "VirtualMicrophoneState",
    "application_steps",
    "listeners",
    "measure_delays",
    "send_test_tone",
    "virtual_microphone",
    "virtual_microphone_name",
    "virtual_microphone_state",
]

TONE_HERTZ = 440.0
TONE_SECONDS = 1.5
TONE_AMPLITUDE = 0.2

MEASURING_SECONDS = 5.0
CLICK_SECONDS = 0.5
SETTLING_SECONDS = 1.0
CLICK_AMPLITUDE = 0.5


@dataclass(frozen=True)
class VirtualMicrophoneState:
    """Whether applications can find the virtual microphone.

    Attributes
    ----------
    name
        The name under which Discord and OBS list it; empty while there is none.
    can_create
        Whether `VirtualMicrophone.open` can create it.
    explanation
        What the user can do while there is none.
    """

    name: str
    can_create: bool
    explanation: str


@dataclass(frozen=True)
class ApplicationSteps:
    """How to choose the virtual microphone in an application: menu items in order, then advice in sentences."""

    application: str
    path: tuple[str, ...]
    advice: str = ""


def virtual_microphone_state() -> VirtualMicrophoneState:
    """Look for the virtual microphone, or for an installed virtual cable, in the latest list of devices."""
    devices = portaudio.list_devices()
    if sys.platform != "linux":
        cable = find_virtual_cable(devices)
        return VirtualMicrophoneState(cable.microphone if cable else "", False, explain_virtual_cable())
    if any(device.name == SINK for device in devices):
        return VirtualMicrophoneState(DESCRIPTION, False, "")
    if any(device.host_api == PULSE for device in devices):
        explanation = (
            "rtvc creates the virtual microphone when you switch the voice changer on. Create it now if you want to "
            "select it in Discord or OBS first."
        )
        return VirtualMicrophoneState("", True, explanation)
    return VirtualMicrophoneState("", False, explain_virtual_cable())


def virtual_microphone_name() -> str:
    """Return the name under which applications list the virtual microphone; on Linux, once it is open."""
    if sys.platform != "linux":
        cable = find_virtual_cable(portaudio.list_devices())
        return cable.microphone if cable else ""
    return DESCRIPTION


def application_steps(microphone: str, platform: str = sys.platform) -> tuple[ApplicationSteps, ...]:
    """Return how to choose the microphone of this name in Discord and OBS."""
    source = "Audio Input Capture (PulseAudio)" if platform == "linux" else "Audio Input Capture"
    return (
        ApplicationSteps(
            "Discord",
            ("User Settings", "Voice & Video", "Input Device", microphone),
            "Turn off Noise Suppression and Echo Cancellation. If it is not listed, reload Discord with Ctrl+R.",
        ),
        ApplicationSteps("OBS", ("Sources", "+", source, "Device", microphone)),
    )


def listeners() -> list[str] | None:
    """Return the names of the programs that record the virtual microphone now; None where no one can tell.

    Only PulseAudio and PipeWire tell it. Raises `RtvcError` if the server does not answer.
    """
    if sys.platform != "linux":
        return None
    try:
        with pulse.connect("rtvc listeners") as server:
            microphones = {source.index for source in server.source_list() if source.name == SOURCE}
            streams = server.source_output_list()
    except pulse.server_errors():
        raise RtvcError("The sound server no longer answers: restart it.") from None
    return sorted(
        stream.proplist.get("application.name", "A program")
        for stream in streams
        if stream.source in microphones and stream.proplist.get("application.process.id") != str(os.getpid())
    )


def send_test_tone(
    microphone: VirtualMicrophone | None, *, progress: Callable[[float], None] = lambda share: None
) -> float:
    """Play a tone of 440 Hz into the virtual microphone, listen there, and return the highest level in dBFS.

    `progress` is told the share done, 0 to 1; an exception that it raises ends the test. Raises `RtvcError` if there
    is no virtual microphone or it cannot be opened.
    """
    port, _ = _loop(microphone)
    with closing(port):
        port.open()
        port.start()
        capture, playback = port.capture, port.playback
        time_axis = np.arange(round(TONE_SECONDS * playback.rate)) / playback.rate
        playback.ring.write((TONE_AMPLITUDE * np.sin(2 * np.pi * TONE_HERTZ * time_axis)).astype(np.float32))
        loudest = np.float32(0)
        block = np.zeros(capture.block, np.float32)
        blocks = round(TONE_SECONDS * capture.rate / capture.block)
        for index in range(blocks):
            progress(index / blocks)
            if not capture.wait(len(block), TONE_SECONDS):
                break
            capture.ring.read_into(block)
            loudest = max(loudest, np.sqrt(np.mean(block**2)))
    return decibels(float(loudest))


def measure_delays(microphone: VirtualMicrophone | None) -> tuple[list[float], str]:
    """Play clicks into the virtual microphone for 5 s and listen there, as an application does.

    Returns the delay of each click in seconds, from the output queue back to this process, and the name under which
    applications list the microphone. Raises `RtvcError` if there is none, or if a device fails.
    """
    port, name = _loop(microphone)
    with closing(port):
        port.open()
        port.start()
        return _click_delays(port), name


def _loop(microphone: VirtualMicrophone | None) -> tuple[LivePort, str]:
    """Return a port whose microphone is the virtual microphone that it plays into, and that microphone's name."""
    if microphone is not None:
        return LivePort(DeviceIdentity(PULSE, SOURCE), virtual_microphone=microphone), DESCRIPTION
    cable = find_virtual_cable(portaudio.list_devices())
    if cable is None:
        raise RtvcError(f"No virtual microphone is installed.\n{explain_virtual_cable()}")
    return LivePort(cable.microphone), cable.microphone


def _click_delays(port: LivePort) -> list[float]:
    """Play a click every half second and time its return."""
    capture, playback = port.capture, port.playback
    silence: Block = np.zeros(playback.block, np.float32)
    click = silence.copy()
    click[0] = CLICK_AMPLITUDE
    heard = np.zeros(capture.block, np.float32)
    played: list[float] = []
    delays: list[float] = []
    began = time.monotonic()
    while (now := time.monotonic()) < began + MEASURING_SECONDS:
        if (failure := port.failure()) is not None:
            raise RtvcError(f"{failure}.")
        if playback.ring.fill < 2 * playback.block:
            due = now > began + SETTLING_SECONDS and (not played or now > played[-1] + CLICK_SECONDS)
            playback.ring.write(click if due else silence)
            if due:
                played.append(now)
        while capture.ring.fill >= capture.block:
            capture.ring.read_into(heard)
            peak = float(np.max(np.abs(heard)))
            if peak > CLICK_AMPLITUDE / 4 and len(delays) < len(played):
                delays.append(capture.heartbeat - played[len(delays)])
        time.sleep(0.001)
    return delays
