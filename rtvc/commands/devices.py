"""`rtvc devices`: what there is to record and play with; and `rtvc doctor`: whether it all works together."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import typer
from rich.table import Table

from rtvc.chain.voice_converter import VoiceConverter
from rtvc.commands.options import PackName
from rtvc.commands.terminal import console
from rtvc.devices.live_port import LivePort, virtual_microphone
from rtvc.devices.portaudio import PULSE, DeviceIdentity, Direction, find_device, list_devices
from rtvc.devices.virtual_microphone import DESCRIPTION, SOURCE, explain_virtual_cable, find_virtual_cable
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import cuda_works
from rtvc.voices.library import VoiceLibrary

TEST_SECONDS = 5.0
CLICK_SECONDS = 0.5
SETTLING_SECONDS = 1.0
CLICK_AMPLITUDE = 0.5


def devices() -> None:
    """List microphones and outputs, and which of them is the virtual cable."""
    listed = list_devices()
    if not listed:
        console.print("No device was found: `rtvc doctor` says what is missing.")
        return
    cable = find_virtual_cable(listed)
    table = Table(box=None)
    for column in ("", "device", "host API", "channels", "rate", ""):
        table.add_column(column)
    for device in listed:
        for direction, channels, default in (
            ("input", device.inputs, device.default_input),
            ("output", device.outputs, device.default_output),
        ):
            if not channels:
                continue
            notes = ["default"] if default else []
            if direction == "output" and cable is not None and device == cable.playback:
                notes.append(f"virtual cable {cable.product}: applications choose {cable.microphone}")
            if device.identity == DeviceIdentity(PULSE, SOURCE):
                notes.append("the virtual microphone")
            table.add_row(
                direction,
                device.description,
                device.host_api,
                str(channels),
                f"{device.default_rate} Hz",
                "; ".join(notes),
            )
    console.print(table)


def doctor(pack: PackName = "mini") -> None:
    """Check everything that live conversion needs, and measure the delay through the virtual microphone."""
    checks = Checks()
    with checks.check("PortAudio"):
        found = list_devices()
        checks.say(f"{len(found)} devices")
        directions: tuple[Direction, ...] = ("input", "output")
        for direction in directions:
            with checks.check(f"default {direction}"):
                checks.say(find_device(None, direction, found).description)
    with checks.check("model pack"):
        opened = find_pack(pack)
        checks.say(f"{opened.name} runs on the {'GPU by CUDA' if cuda_works() else 'CPU'}; {_speed(opened)}")
    with checks.check("voices"):
        checks.say(f"{len(VoiceLibrary().list())} to choose from")
    with checks.check("virtual microphone"):
        delays, heard_as = _loopback()
        if not delays:
            raise RtvcError(f"what was played did not come back from {heard_as} within {TEST_SECONDS:.0f} s.")
        low, middle, high = (1000 * np.percentile(delays, share) for share in (0, 50, 100))
        checks.say(
            f"{heard_as} passes sound on: from the queue back to here in {middle:.0f} ms ({low:.0f} to {high:.0f})"
        )
        console.print(_steps(heard_as), soft_wrap=True)
    if checks.failed:
        raise typer.Exit(1)


class Checks:
    """Prints one line for each check: its name, and what was found or what is wrong."""

    def __init__(self) -> None:
        self.failed = False
        self._name = ""

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Run a check; an `RtvcError` in it is its failure, and the others go on."""
        self._name = name
        try:
            yield
        except RtvcError as error:
            self.failed = True
            console.print(f"✗ {name}: {error}", style="red", soft_wrap=True)

    def say(self, finding: str) -> None:
        """Print what the check found."""
        console.print(f"✓ {self._name}: {finding}", soft_wrap=True)


def _speed(pack: ModelPack) -> str:
    """Convert a second of silence at the pace of live sound and say how long a step takes."""
    converter = VoiceConverter(pack)
    step = int(pack.defaults.get("step", 1))
    seconds = step / pack.frame_rate
    taken = []
    for _ in range(round(1 / seconds)):
        began = time.perf_counter()
        converter.process(np.zeros(step * pack.hop, np.float32))
        taken.append(time.perf_counter() - began)
        time.sleep(max(0.0, seconds - taken[-1]))
    return f"a step of {1000 * seconds:.0f} ms takes {1000 * np.median(taken):.1f} ms"


def _loopback() -> tuple[list[float], str]:
    """Play clicks into the virtual microphone and listen to it as an application does.

    Returns the delays that were measured, and the name under which applications find it.
    """
    made = virtual_microphone()
    if made is None:
        cable = find_virtual_cable(list_devices())
        if cable is None:
            raise RtvcError(f"none is installed.\n{explain_virtual_cable(sys.platform)}")
        return _click_delays(LivePort(cable.microphone)), cable.microphone
    with made:
        port = LivePort(DeviceIdentity(PULSE, SOURCE), virtual_microphone=made)
        return _click_delays(port), DESCRIPTION


def _click_delays(port: LivePort) -> list[float]:
    """Play a click each half second and time its return."""
    with closing(port):
        port.open()
        capture, playback = port.capture, port.playback
        silence = np.zeros(playback.block, np.float32)
        click = silence.copy()
        click[0] = CLICK_AMPLITUDE
        heard = np.zeros(capture.block, np.float32)
        played: list[float] = []
        delays: list[float] = []
        began = time.monotonic()
        while (now := time.monotonic()) < began + TEST_SECONDS:
            if (failure := port.failure()) is not None:
                raise RtvcError(f"{failure}.")
            if playback.ring.fill < 2 * playback.block:
                due = now > began + SETTLING_SECONDS and (not played or now > played[-1] + CLICK_SECONDS)
                playback.ring.write(click if due else silence)
                if due:
                    played.append(now)
            while capture.ring.fill >= capture.block:
                capture.ring.read_into(heard)
                place = int(np.argmax(np.abs(heard)))
                if abs(heard[place]) > CLICK_AMPLITUDE / 4 and len(delays) < len(played):
                    delays.append(capture.heartbeat - played[len(delays)])
            time.sleep(0.001)
    return delays


def _steps(microphone: str) -> str:
    return (
        "\nStart `rtvc live --voice NAME` first. Then:\n"
        f'  Discord: User Settings > Voice & Video > Input Device > "{microphone}"; turn Noise Suppression and '
        "Echo Cancellation off.\n"
        f"           If it is not listed, reload Discord with Ctrl-R.\n  OBS: Sources > + > {_obs_source()} > "
        f'Device > "{microphone}".'
    )


def _obs_source() -> str:
    return "Audio Input Capture (PulseAudio)" if sys.platform == "linux" else "Audio Input Capture"
