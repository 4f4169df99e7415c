"""Compensation of the drift between two device clocks.

The microphone's clock fills the output queue and the output's clock empties it. They differ by up to a few hundred
ppm, which would change the queue by one second per hour. The worker updates the controller before each block and
passes the correction to its `DriftResampler`.
"""

from __future__ import annotations

import math

SMOOTHING_SECONDS = 0.5
TIME_CONSTANT_SECONDS = 3.0
MAXIMUM_PPM = 500.0
RESYNC_SECONDS = 0.06


class DriftController:
    """Computes a resampling correction in ppm from the length of the queue.

    A proportional controller: the deviation of the queue from its target, smoothed over 0.5 s, is corrected with a
    time constant of 3 s, by at most ±500 ppm, which is inaudible. It does not integrate, so it cannot wind up or
    oscillate: a constant drift of 300 ppm leaves the queue 0.9 ms off its target.

    Attributes
    ----------
    target
        The wanted length of the queue in seconds; may be changed at any time.
    ppm
        The latest correction: positive if the queue is too short.
    """

    def __init__(self, target: float) -> None:
        self.target = target
        self.reset()

    def reset(self) -> None:
        """Start again after the queue has been filled or cut to its target."""
        self.ppm = 0.0
        self._queued = self.target

    def shorten(self, seconds: float) -> None:
        """Account for audio that was removed from the queue at once."""
        self._queued -= seconds

    @property
    def excess(self) -> float:
        """Seconds by which the smoothed queue exceeds the target."""
        return self._queued - self.target

    @property
    def resync(self) -> float:
        """Seconds of audio to drop at once (to insert, if negative), then `reset`; 0 while `ppm` is enough."""
        return self.excess if abs(self.excess) > RESYNC_SECONDS else 0.0

    def update(self, queued: float, elapsed: float) -> float:
        """Update with the length of the queue, `elapsed` seconds after the last update; return the new `ppm`.

        The queue is measured just before a block is added, by `Playback.margin`, which interpolates between the
        callbacks. Both arguments are in seconds.
        """
        self._queued += (queued - self._queued) * -math.expm1(-elapsed / SMOOTHING_SECONDS)
        self.ppm = min(max(-1e6 * self.excess / TIME_CONSTANT_SECONDS, -MAXIMUM_PPM), MAXIMUM_PPM)
        return self.ppm
