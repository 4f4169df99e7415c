"""The queue in front of an output device: as short as possible without underruns.

Everything here runs on the worker. The device's callback reads the other end of the ring.
"""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np

from rtvc.devices.sides import FADE_SECONDS, Playback
from rtvc.dsp.resample import DriftResampler
from rtvc.dsp.stage import Block
from rtvc.live.drift import DriftController

LONGEST_TARGET = 0.2
LONGEST_FIRST_TARGET = 0.02
SHORTEST_TARGET = 0.006
"""A dip of 5 ms comes out of nowhere every few minutes, whatever the rest are like."""

DIP_RESERVE = 1.5
JITTER_RESERVE = 0.001
"""The target allows for dips of the queue that are deeper than those seen, by this factor and so many seconds."""

JITTER_SECONDS = 10.0
LEAST_SHRINK_SECONDS = 0.001
LARGEST_SHRINK_SECONDS = 0.025
"""How much a target that follows the jitter shrinks each time. Two of the largest steps are still trimmed from
silence, not cut out of speech: that begins at 60 ms (`drift.RESYNC_SECONDS`)."""

LATENESS_SECONDS = 0.04
"""Up to this target, a dip lengthens it, and an underrun by what the sound was late. Longer stalls are rare."""


CALM_SECONDS = 60.0
LONGEST_CALM_SECONDS = 3600.0
SETTLED_SECONDS = 1.0
SILENCE = 1e-3
"""Audio without a larger magnitude (-60 dBFS) can be shortened inaudibly."""


def needed_for(dip: float) -> float:
    """Return the target in seconds that is long enough for a dip of so many seconds."""
    return DIP_RESERVE * dip + JITTER_RESERVE


class OutputQueue:
    """Resamples audio to a device's rate and clock, and keeps the queue before it at its target length.

    What `resample` returns may be changed, and is queued by `write`.

    The length of the queue before each block is held at `target` by drift correction. The target starts at two blocks
    of the device, or at one if two are more than 20 ms. It should be half as long again as the deepest dip of the
    queue, plus 1 ms: up to 40 ms it grows by one block with every dip for which it is too short. After each minute in
    which it has not grown, and at first every 10 s, it shrinks by one block, or by a quarter, if that is long enough
    for the dips since the last but one such moment. With every underrun it grows by one block and, up to 40 ms, by
    what the audio was late. If a shorter target led to an underrun, the wait before it is tried again doubles each
    time, up to an hour; it halves again while the target holds. After an underrun, late audio is dropped until the
    output is live again. A queue more than 60 ms too long is cut at once. A smaller excess, as when a sound server
    rearranges its buffers, is trimmed from the next silence. Every cut is crossfaded.

    With `follow_jitter` the target shrinks every 10 s, also below one block, towards what the dips of the last 20 s
    need: by half of what it has beyond that, but by 1 to 25 ms, and never below 6 ms. An underrun lengthens it by one
    block only.

    Parameters
    ----------
    rate
        Sample rate in Hz of the audio that is resampled.
    playback
        The output device.
    follow_jitter
        Let the target shrink below one block of the device, as far as the measured jitter allows.

    Attributes
    ----------
    target
        Wanted length of the queue in seconds when a block is added.
    dropped
        Seconds of audio dropped to get back to live. Trimmed silence is not counted.
    """

    def __init__(self, rate: int, playback: Playback, follow_jitter: bool = False) -> None:
        self.playback = playback
        self._follow_jitter = follow_jitter
        self._dips = [0.0, 0.0]  # the deepest since the target was last examined, and before that
        self._measured = 0.0
        self._unit = playback.block / playback.rate
        self.target = max(self._unit, min(2 * self._unit, LONGEST_FIRST_TARGET))
        self.dropped = 0.0
        self._resampler = DriftResampler(rate, playback.rate)
        self._controller = DriftController(self.target)
        self._fade = np.linspace(0, 1, round(playback.rate * FADE_SECONDS), dtype=np.float32)
        self._underruns = playback.underruns
        self._starting = True
        self._join = True
        self._discard = 0
        self._settled = 0.0
        self._calm = 0.0
        self._wait = JITTER_SECONDS
        self._patience = CALM_SECONDS
        self._too_few = 0.0
        self._shrunk = False

    @property
    def latency(self) -> Fraction:
        """Delay of the resampling in seconds."""
        return Fraction(self._resampler.latency, self._resampler.rate)

    @property
    def delay(self) -> float:
        """Seconds from adding a block until the device reads its first sample, smoothed."""
        return max(0.0, self.target + self._controller.excess) + self._unit

    @property
    def drift_ppm(self) -> float:
        """The correction for a device clock that runs fast, in ppm."""
        return self._controller.ppm

    def resample(self, block: Block) -> Block:
        """Return a block at the device's rate and by its clock; its length varies by up to 0.05 %."""
        self._resampler.drift_ppm = self._controller.ppm
        return self._resampler.process(block)

    def write(self, audio: Block, more: bool) -> None:
        """Add audio at the device's rate; it may be faded in place.

        With `more`, the next block is ready too, so this one is late if the queue is empty.
        """
        margin = self.playback.margin(time.monotonic())
        seconds = len(audio) / self.playback.rate
        self._adapt(seconds)
        if self._starting:
            if more:
                self._drop(audio)
                return
            self._begin(margin)
        elif not self._discard:
            self._controller.update(margin, seconds)
            self._settled += seconds
            if self._settled >= SETTLED_SECONDS:
                self._see_dip(self.target + self._controller.excess - margin)
            if self._follow_jitter:
                self._follow(seconds)
        discarded = min(self._discard, len(audio))
        if discarded:
            self._discard -= discarded
            self._drop(audio[:discarded])
            audio = audio[discarded:]
        if self._join and len(audio):
            fade = self._fade[: len(audio)]
            audio[: len(fade)] *= fade
            self._join = False
        if len(audio):
            self._put(self._without_excess(audio), self._controller.resync)

    def _adapt(self, seconds: float) -> None:
        """Lengthen the target after an underrun, shorten it after a calm period."""
        if self.playback.underruns != self._underruns:
            self._underruns = self.playback.underruns
            self._starting, self._discard = True, 0
            if self._shrunk:
                before = self._patience if self._was_too_few(self.target) else CALM_SECONDS
                self._patience = min(2 * before, LONGEST_CALM_SECONDS)
                self._too_few = self.target
            late = 0.0 if self._follow_jitter else time.monotonic() - self.playback.ran_dry
            blocks = 1 + round(min(late, max(LATENESS_SECONDS - self.target, 0.0)) / self._unit)
            self.target = min(self.target + blocks * self._unit, LONGEST_TARGET)
            self._shrunk, self._calm, self._wait = False, 0.0, CALM_SECONDS
        self._calm += seconds
        shorter = max(self.target - max(self._unit, self.target / 4 // self._unit * self._unit), self._unit)
        tried = not self._follow_jitter and self._may_shrink(shorter)
        if tried and shorter >= needed_for(self._deepest_dip()):
            self._shrunk = self.target > self._unit
            self.target, self._wait = shorter, CALM_SECONDS
        self._controller.target = self.target

    def _see_dip(self, dip: float) -> None:
        """Remember by how much the queue has fallen below its mean; lengthen the target if that comes near it."""
        self._dips[0] = max(self._dips[0], dip)
        if self.target < min(needed_for(dip), LATENESS_SECONDS):
            self.target += self._unit
            self._shrunk, self._calm, self._wait = False, 0.0, CALM_SECONDS

    def _deepest_dip(self) -> float:
        """Return by how much the queue fell below its mean at most, since this was asked the last time but one."""
        deepest = max(self._dips)
        self._dips = [0.0, self._dips[0]]
        return deepest

    def _may_shrink(self, shorter: float) -> bool:
        """Whether it has been calm for long enough to try a shorter target; that begins a new wait."""
        if self._calm < (self._patience if self._was_too_few(shorter) else self._wait):
            return False
        if self._was_too_few(self.target):
            self._patience = max(self._patience / 2, CALM_SECONDS)
        self._calm = 0.0
        return True

    def _follow(self, seconds: float) -> None:
        """Shrink the target towards what the jitter needs, but not below what was too few without a longer wait."""
        self._measured += seconds
        if self._measured < JITTER_SECONDS:
            return
        self._measured = 0.0
        needed = max(needed_for(self._deepest_dip()), SHORTEST_TARGET)
        surplus = self.target - needed
        if surplus <= 0 or self._controller.excess > LARGEST_SHRINK_SECONDS:
            return
        shrink = min(max(surplus / 2, LEAST_SHRINK_SECONDS), LARGEST_SHRINK_SECONDS)
        shorter = max(needed, self.target - shrink)
        if not self._was_too_few(shorter) or self._may_shrink(shorter):
            self.target = shorter
            self._shrunk = True

    def _was_too_few(self, target: float) -> bool:
        """Whether a target is at most the one that last led to an underrun; half a block allows for rounding."""
        return target < self._too_few + self._unit / 2

    def _without_excess(self, audio: Block) -> Block:
        """Trim silence beyond the target length, and crossfade over the cut."""
        excess, fade = self._controller.excess, len(self._fade)
        ready = self._settled >= SETTLED_SECONDS and excess > self._unit / 2
        count = min(round(excess * self.playback.rate), len(audio) - fade)
        if not ready or count <= 0 or np.abs(audio).max() > SILENCE:
            return audio
        shorter = audio[count:].copy()
        shorter[:fade] = audio[:fade] + self._fade * (shorter[:fade] - audio[:fade])
        self._controller.shorten(count / self.playback.rate)
        return shorter

    def _begin(self, margin: float) -> None:
        """Fill the queue with silence up to the target. It has run dry, so there is nothing to fade out."""
        missing = round((self.target - margin) * self.playback.rate)
        self.playback.ring.write(np.zeros(max(0, missing), np.float32))
        self._reset()
        self._starting, self._join = False, True

    def _put(self, audio: Block, resync: float) -> None:
        """Write audio. If a resync is due, fade out, then drop or insert that many seconds."""
        if resync:
            fade = self._fade[::-1][-len(audio) :]
            audio[len(audio) - len(fade) :] *= fade
            self._join = True
        self.playback.ring.write(audio)
        if resync:
            samples = round(abs(resync) * self.playback.rate)
            if resync > 0:
                self._discard = samples
            else:
                self.playback.ring.write(np.zeros(samples, np.float32))
            self._reset()

    def _reset(self) -> None:
        self._controller.reset()
        self._settled = 0.0

    def _drop(self, audio: Block) -> None:
        self.dropped += len(audio) / self.playback.rate
        self._join = True
