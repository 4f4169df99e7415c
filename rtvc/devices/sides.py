"""The two ends of the sound path: `Capture`, filled by the microphone, and `Playback`, emptied by the listener.

Each is a ring buffer between a device callback and the worker, with counters. `push` and `pull` run in the callback's
thread (PortAudio's, or the one that stands in for it): they copy and count, and neither allocate nor wait. Everything
else is the worker's, unless it says otherwise.
"""

from __future__ import annotations

import time

import numpy as np

from rtvc.devices.ring import Ring
from rtvc.dsp.stage import Block

BLOCK_SECONDS = 0.01
RING_SECONDS = 2.0
FADE_SECONDS = 0.003

_POLL_SECONDS = 0.001
_SHORTEST_POLL_SECONDS = 0.0002
_DELAYS = 64


class Side:
    """What both ends count. Written by the callback's thread, read by any.

    Attributes
    ----------
    rate, block
        Samples per second, and samples per callback.
    ring
        The samples between the callback and the worker.
    callbacks, flags
        Number of callbacks, and how many of them PortAudio marked as an overflow or underflow.
    heartbeat
        `time.monotonic()` of the latest callback, 0 before the first.
    """

    def __init__(self, rate: int, block: int | None = None) -> None:
        self.rate = rate
        self.block = block or round(rate * BLOCK_SECONDS)
        self.ring = Ring(round(rate * RING_SECONDS))
        self.callbacks = 0
        self.flags = 0
        self.heartbeat = 0.0
        self._delays = np.zeros(_DELAYS)

    @property
    def delay(self) -> float:
        """Seconds between the callback and the device's converter: the median of the last 64 callbacks.

        Single callbacks are off by up to 0.5 s on ALSA over PulseAudio, so a mean would be of no use.
        """
        known = np.sort(self._delays[: min(self.callbacks, _DELAYS)])
        return float(known[len(known) // 2]) if len(known) else 0.0

    def beat(self, delay: float) -> None:
        """Count a callback. The callback's own."""
        self.heartbeat = time.monotonic()
        self._delays[self.callbacks % _DELAYS] = delay
        self.callbacks += 1


class Capture(Side):
    """The microphone's end: the callback pushes, the worker reads from `ring`."""

    def push(self, block: Block, delay: float = 0.0) -> None:
        """Take a block `[n]` from the device, `delay` seconds after its first sample reached the converter."""
        self.ring.write(block)
        self.beat(delay)

    def wait(self, samples: int, timeout: float) -> bool:
        """Sleep until the ring holds `samples`; return False if it does not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.ring.fill < samples:
            now = time.monotonic()
            if now > deadline:
                return False
            due = self.heartbeat + self.block / self.rate - now
            time.sleep(min(max(due, _SHORTEST_POLL_SECONDS), _POLL_SECONDS))
        return True


class Playback(Side):
    """The listener's end: the worker writes to `ring`, the callback pulls.

    Attributes
    ----------
    muted
        While set, by any thread, the callback plays silence and discards what is queued.
    underruns
        How often the queue ran dry. Sound fades out and in again over 3 ms, or half a block if that is
        shorter, instead of being cut.
    ran_dry
        `time.monotonic()` of the latest underrun, 0 before the first.
    """

    def __init__(self, rate: int, block: int | None = None) -> None:
        super().__init__(rate, block)
        self.muted = False
        self.underruns = 0
        self.ran_dry = 0.0
        fade = min(round(rate * FADE_SECONDS), self.block // 2)
        self._fade_in = np.linspace(0, 1, fade, dtype=np.float32)
        self._fade_out = self._fade_in[::-1].copy()
        self._last = 0.0
        self._dry = True

    def pull(self, out: Block, delay: float = 0.0) -> None:
        """Fill `out` `[n]` for the device, to be heard `delay` seconds later.

        At first, and after an underrun, playback waits until a whole block is queued.
        """
        if self.muted:
            self.ring.skip(max(0, self.ring.fill - len(out)))
            out[:] = 0
            self._dry = True
        elif self._dry and self.ring.fill < len(out):
            out[:] = 0
        else:
            self._fill(out)
        self.beat(delay)

    def _fill(self, out: Block) -> None:
        read = self.ring.read_into(out)
        fade = len(self._fade_in)
        if self._dry:
            np.multiply(out[:fade], self._fade_in, out=out[:fade])
            self._dry = False
        if read < len(out):
            self.ran_dry = time.monotonic()
            self.underruns += 1
            self._dry = True
            out[read:] = 0
            if read >= fade:
                np.multiply(out[read - fade : read], self._fade_out, out=out[read - fade : read])
            else:
                last = out[read - 1] if read else self._last
                np.multiply(self._fade_out, last, out=out[read : read + fade])
        self._last = float(out[-1])

    def margin(self, now: float) -> float:
        """Seconds of queued sound beyond what the device will have taken by `now` at its steady rate.

        The ring's fill steps by a block at each callback; this does not. Below 0 an underrun is due.
        """
        return self.ring.fill / self.rate - min(now - self.heartbeat, self.block / self.rate)
