"""A microphone by itself, for enrolments and voice references. Everything runs on the thread that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtvc.devices.device_stream import DeviceStream
from rtvc.devices.portaudio import Device, live_rate
from rtvc.devices.sides import Capture
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

BLOCKS_PER_SECOND = 10


def microphone_blocks(microphone: Device, seconds: float) -> Iterator[tuple[Block, int]]:
    """Record a microphone and yield each block `[n]` of 0.1 s with its sample rate in Hz.

    The stream closes when the iterator does. Raises `RtvcError` if the microphone cannot be opened or fails.
    """
    capture = Capture(live_rate(microphone, "input"))
    stream = DeviceStream(microphone, capture, "microphone")
    size = capture.rate // BLOCKS_PER_SECOND
    stream.open()
    try:
        for _ in range(round(BLOCKS_PER_SECOND * seconds)):
            while not capture.wait(size, 1 / BLOCKS_PER_SECOND):
                if (failure := stream.failure()) is not None:
                    raise RtvcError(f"{failure}.")
            block = np.zeros(size, np.float32)
            capture.ring.read_into(block)
            yield block, capture.rate
    finally:
        stream.close()
