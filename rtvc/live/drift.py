"""Two devices are two clocks: holding the queue between them steady.

The microphone's clock fills the output queue and the output's clock empties it. They differ by up to some hundred
parts per million, which would empty or swell the queue by a second an hour. The worker calls this before each
block and hands the answer to its `DriftResampler`.
"""

from __future__ import annotations

import math

SMOOTHING_SECONDS = 0.5
TIME_CONSTANT_SECONDS = 3.0
MAXIMUM_PPM = 500.0
RESYNC_SECONDS = 0.06


class DriftController:
    """Says how many parts per million more samples to make, from how long the queue is.

    A proportional controller: the queue's error against its target, smoothed over half a second, is worked off with a
    time constant of three seconds, at no more than ±500 ppm, which nobody hears. It does not integrate, so it cannot
    wind up or swing: a constant drift of 300 ppm leaves the queue 0.9 ms beside its target.

    Attributes
    ----------
    target
        How long the queue should be, in seconds; may be changed at any time.
    ppm
        The latest answer: positive where the queue is too short.
    """

    def __init__(self, target: float) -> None:
        self.target = target
        self.reset()

    def reset(self) -> None:
        """Forget the past: the queue has been refilled or cut to its target."""
        self.ppm = 0.0
        self._queued = self.target

    def shorten(self, seconds: float) -> None:
        """Take account of so much having been taken out of the queue at once."""
        self._queued -= seconds

    @property
    def excess(self) -> float:
        """By how many seconds the smoothed queue is longer than the target."""
        return self._queued - self.target

    @property
    def resync(self) -> float:
        """Seconds of sound to drop (or, negative, to insert) at once, then `reset`; 0 while steering suffices."""
        return self.excess if abs(self.excess) > RESYNC_SECONDS else 0.0

    def update(self, queued: float, elapsed: float) -> float:
        """Take the length of the queue, in seconds, `elapsed` seconds after the last time; return the new `ppm`.

        Measure it as `Playback.margin` does, which is free of the steps that whole blocks make, and always at the
        same point: just before a block is added.
        """
        self._queued += (queued - self._queued) * -math.expm1(-elapsed / SMOOTHING_SECONDS)
        self.ppm = min(max(-1e6 * self.excess / TIME_CONSTANT_SECONDS, -MAXIMUM_PPM), MAXIMUM_PPM)
        return self.ppm
