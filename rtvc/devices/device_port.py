"""A microphone, an output and a monitor, each with a stream of its own, since two devices have two clocks.

One thread opens and closes the port.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from rtvc.devices.device_stream import BUFFER_SECONDS, DeviceStream
from rtvc.devices.portaudio import Device, live_rate
from rtvc.devices.sides import BLOCK_SECONDS, Capture, Playback
from rtvc.errors import RtvcError

STEADY_SECONDS = 0.1
LONGEST_SETTLING_SECONDS = 1.0


class DevicePort:
    """An `AudioPort` of given devices, with the monitor optional: without it, or when it fails, the voice goes on.

    Each is opened at its own rate in blocks of 10 ms, with `buffer_seconds` as in `DeviceStream`. To recover from a
    failure: `close`, `portaudio.refresh`, find the devices again, and make a new port.

    Attributes
    ----------
    streams
        The streams of the microphone and the output and, once it is open, of the monitor.
    warning
        Why there is no monitor, though one is wanted; empty otherwise.
    """

    def __init__(
        self,
        microphone: Device,
        output: Device,
        monitor: Device | None = None,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        block = min(BLOCK_SECONDS, buffer_seconds / 2)
        rate_in, rate_out = live_rate(microphone, "input"), live_rate(output, "output")
        self.capture = Capture(rate_in, round(rate_in * block))
        self.playback = Playback(rate_out, round(rate_out * block))
        self.monitor: Playback | None = None
        self.warning = ""
        self.microphone_name = str(microphone.identity)
        self.streams = [
            DeviceStream(microphone, self.capture, "microphone", buffer_seconds),
            DeviceStream(output, self.playback, "voice", buffer_seconds),
        ]
        self._wanted_monitor = monitor
        self._buffer_seconds = buffer_seconds

    def open(self) -> None:
        """Open the microphone and the output, or neither; raise `RtvcError` that names the one that is refused."""
        with ExitStack() as undo:
            undo.callback(self.close)
            for stream in self.streams:
                stream.open()
            if self._wanted_monitor is not None:
                self._open_monitor(self._wanted_monitor)
            settle((self.capture, self.playback))
            undo.pop_all()

    def start(self) -> None:
        """Drop what the microphone heard since `open`."""
        self.capture.ring.skip(0)

    def close(self) -> None:
        """Close all streams."""
        for stream in self.streams:
            stream.close()

    def failure(self) -> str | None:
        """Return what has failed at the microphone or the output. A monitor that has failed is a warning."""
        microphone, output, *monitors = self.streams
        for monitor in monitors:
            failure = monitor.failure()
            self.warning = f"{failure}: you no longer hear yourself." if failure else ""
        return microphone.failure() or output.failure()

    @property
    def ended(self) -> bool:
        """Never: devices do not end."""
        return False

    def _open_monitor(self, device: Device) -> None:
        try:
            side = Playback(live_rate(device, "output"))
            stream = DeviceStream(device, side, "monitor", self._buffer_seconds)
            stream.open()
        except RtvcError as error:
            self.warning = f"No monitor: {error}"
        else:
            self.monitor = side
            self.streams.append(stream)


def settle(sides: Sequence[Capture | Playback]) -> None:
    """Wait until devices that were just opened run at a steady rate, for at most 1 s.

    They begin with a burst and a pause while the system fills its buffers. A queue measured then would soon be too
    long or too short.
    """
    deadline = time.monotonic() + LONGEST_SETTLING_SECONDS
    steady = False
    while not steady and time.monotonic() < deadline:
        began, before = time.monotonic(), [side.callbacks for side in sides]
        time.sleep(STEADY_SECONDS)
        passed = time.monotonic() - began
        steady = all(
            abs(side.callbacks - count - passed * side.rate / side.block) < 2
            for side, count in zip(sides, before, strict=True)
        )
