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

STEADY_SECONDS = 0.1
LONGEST_SETTLING_SECONDS = 1.0


class DevicePort:
    """An `AudioPort` of given devices, with the monitor optional.

    Each is opened at its own rate in blocks of 10 ms, with `buffer_seconds` as in `DeviceStream`. To recover from a
    failure: `close`, `portaudio.refresh`, find the devices again, and make a new port.

    Attributes
    ----------
    streams
        The streams of its devices.
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
        if monitor is not None:
            self.monitor = Playback(live_rate(monitor, "output"))
            self.streams.append(DeviceStream(monitor, self.monitor, "monitor", buffer_seconds))

    def open(self) -> None:
        """Open all streams, or none; raise `RtvcError` that names the device that is refused."""
        with ExitStack() as undo:
            for stream in self.streams:
                stream.open()
                undo.callback(stream.close)
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
        """Return what has failed in any stream."""
        return next((failure for stream in self.streams if (failure := stream.failure())), None)

    @property
    def ended(self) -> bool:
        """Never: devices do not end."""
        return False


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
