"""`rtvc devices`, which lists devices, and `rtvc doctor`, which checks that everything works together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from rtvc.app.devices import device_rows
from rtvc.app.models import open_pack
from rtvc.app.updates import newest_release, releases_page
from rtvc.app.virtual_microphone import MEASURING_SECONDS, application_steps, measure_delays, virtual_microphone
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.commands.options import PackName
from rtvc.commands.terminal import console
from rtvc.devices.portaudio import Direction, find_device, list_devices
from rtvc.errors import RtvcError
from rtvc.live.priority import probe
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import cuda_works
from rtvc.voices.library import VoiceLibrary


def devices() -> None:
    """List microphones and outputs, and show which of them belong to a virtual microphone."""
    rows = device_rows()
    if not rows:
        console.print("No devices were found: `rtvc doctor` shows what is missing.")
        return
    table = Table(box=None)
    for column in ("", "device", "host API", "channels", "rate", ""):
        table.add_column(column)
    for row in rows:
        device = row.device
        table.add_row(
            row.direction,
            device.description,
            device.host_api,
            str(device.channels(row.direction)),
            f"{device.default_rate} Hz",
            "; ".join(row.notes),
        )
    console.print(table)


def doctor(
    pack: PackName = "mini",
    updates: Annotated[
        bool, typer.Option("--updates", help="Also ask the releases page for a newer version; sends nothing else.")
    ] = False,
) -> None:
    """Check everything that live conversion needs, and measure the delay through the virtual microphone."""
    checks = Checks()
    if updates:
        with checks.check("version"):
            checks.say(_version())
    with checks.check("PortAudio"):
        found = list_devices()
        checks.say(f"{len(found)} devices")
        directions: tuple[Direction, ...] = ("input", "output")
        for direction in directions:
            with checks.check(f"default {direction}"):
                checks.say(find_device(None, direction, found).description)
    with checks.check("model pack"):
        opened = open_pack(pack)
        checks.say(f"{opened.name} runs on {'the GPU (CUDA)' if cuda_works() else 'the CPU'}; {_speed(opened)}")
    with checks.check("priority"):
        checks.say(probe().how)
    with checks.check("voices"):
        checks.say(f"{len(VoiceLibrary().list())} available")
    with checks.check("virtual microphone"), ExitStack() as stack:
        made = virtual_microphone()
        if made is not None:
            stack.enter_context(made)
        delays, name = measure_delays(made)
        if not delays:
            raise RtvcError(f"no sound came back from {name} within {MEASURING_SECONDS:.0f} s.")
        low, middle, high = (1000 * np.percentile(delays, share) for share in (0, 50, 100))
        checks.say(
            f"{name} passes sound; the delay from the output queue back through the microphone is {middle:.0f} ms "
            f"({low:.0f} to {high:.0f})"
        )
        console.print("\nStart `rtvc live --voice NAME` first. Then:")
        for steps in application_steps(name):
            console.print(f"  {steps.application}: {' > '.join(steps.path)}. {steps.advice}".rstrip(), soft_wrap=True)
    if checks.failed:
        raise typer.Exit(1)


class Checks:
    """Prints one line per check: its name, then what was found or what is wrong."""

    def __init__(self) -> None:
        self.failed = False
        self._name = ""

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Run a check. An `RtvcError` in it is printed as its failure, and the next check runs."""
        self._name = name
        try:
            yield
        except RtvcError as error:
            self.failed = True
            console.print(f"✗ {name}: {error}", style="red", soft_wrap=True)

    def say(self, finding: str) -> None:
        """Print what the check found."""
        console.print(f"✓ {self._name}: {finding}", soft_wrap=True)


def _version() -> str:
    """Return what the releases page says of this version."""
    page = releases_page()
    if page is None:
        raise RtvcError("this build has no releases page: look where you downloaded it.")
    newest = newest_release(page)
    return f"{newest.version} is out: {newest.page}" if newest.newer else f"{newest.version} is the newest"


def _speed(pack: ModelPack) -> str:
    """Convert a second of silence at the pace of live sound and return how long a step takes."""
    converter = VoiceConverter(pack)
    step = pack.defaults.step
    seconds = step / pack.frame_rate
    taken = []
    for _ in range(round(1 / seconds)):
        began = time.perf_counter()
        converter.process(np.zeros(step * pack.hop, np.float32))
        taken.append(time.perf_counter() - began)
        time.sleep(max(0.0, seconds - taken[-1]))
    return f"a step of {1000 * seconds:.0f} ms takes {1000 * np.median(taken):.1f} ms"
