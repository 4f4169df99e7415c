"""The queue before a device that plays: as short as it can be without a gap, whatever the clocks do.

Everything here is the worker's; the other end of the ring is the device's callback.
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
CALM_SECONDS = 60.0
LONGEST_CALM_SECONDS = 3600.0
SETTLED_SECONDS = 1.0
SILENCE = 1e-3
"""Where no sample is larger, sound can be left out without anybody noticing."""


class OutputQueue:
    """Brings sound from the chain's rate and clock to a device's, and keeps just enough of it waiting.

    What waits when a block is added is steered to `target` by resampling a little more or less. The target starts at
    one of the device's blocks, grows by one with every underrun, and shrinks by one after a calm minute. Where that
    was one too few, it is tried again after calm of twice the length, and so on; the calm that is asked for halves as
    long as all is well there. After an underrun, sound that comes late is dropped until it is live again, so that a
    delay once suffered does not stay, and so is at once what is far too much. What is a little too much, as when a
    server rearranges its buffers, is left out of the next silence. Every join is faded.

    Parameters
    ----------
    rate
        Samples a second of the sound that is written.
    playback
        Where it goes.

    Attributes
    ----------
    target
        How much should wait, in seconds, when a block is added.
    dropped
        Seconds of sound that were dropped to be live again; silence that was left out is not among them.
    """

    def __init__(self, rate: int, playback: Playback) -> None:
        self.playback = playback
        self.target = self._unit = playback.block / playback.rate
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
        self._patience = CALM_SECONDS
        self._too_few = 0.0
        self._shrunk = False

    @property
    def latency(self) -> Fraction:
        """The resampling's delay in seconds."""
        return Fraction(self._resampler.latency, self._resampler.rate)

    @property
    def delay(self) -> float:
        """Seconds from when a block is added until the device takes its first sample, smoothed."""
        return max(0.0, self.target + self._controller.excess) + self._unit

    @property
    def drift_ppm(self) -> float:
        """By how much the device's clock runs fast, as it is being corrected."""
        return self._controller.ppm

    def write(self, block: Block, more: bool) -> None:
        """Add a block; `more` says that another is there already, so that this one is late if nothing waits."""
        margin = self.playback.margin(time.monotonic())
        seconds = len(block) / self._resampler.input_rate
        self._adapt(seconds)
        self._resampler.drift_ppm = self._controller.ppm
        sound = self._resampler.process(block)
        if self._starting:
            if more:
                self._drop(sound)
                return
            self._begin(margin)
        elif not self._discard:
            self._controller.update(margin, seconds)
            self._settled += seconds
        discarded = min(self._discard, len(sound))
        if discarded:
            self._discard -= discarded
            self._drop(sound[:discarded])
            sound = sound[discarded:]
        if self._join and len(sound):
            fade = self._fade[: len(sound)]
            sound[: len(fade)] *= fade
            self._join = False
        if len(sound):
            self._put(self._without_excess(sound), self._controller.resync)

    def _adapt(self, seconds: float) -> None:
        """Grow after an underrun, shrink after calm."""
        if self.playback.underruns != self._underruns:
            self._underruns = self.playback.underruns
            self._starting, self._discard = True, 0
            if self._shrunk:
                before = self._patience if self._was_too_few(self.target) else CALM_SECONDS
                self._patience = min(2 * before, LONGEST_CALM_SECONDS)
                self._too_few = self.target
            self.target = min(self.target + self._unit, LONGEST_TARGET)
            self._shrunk, self._calm = False, 0.0
        self._calm += seconds
        if self._calm >= (self._patience if self._was_too_few(self.target - self._unit) else CALM_SECONDS):
            if self._was_too_few(self.target):
                self._patience = max(self._patience / 2, CALM_SECONDS)
            self._shrunk, self._calm = self.target > self._unit, 0.0
            self.target = max(self.target - self._unit, self._unit)
        self._controller.target = self.target

    def _was_too_few(self, target: float) -> bool:
        """Whether a target is no more than what turned out one too few, but for rounding."""
        return target < self._too_few + self._unit / 2

    def _without_excess(self, sound: Block) -> Block:
        """Leave out of sound in which nothing is to be heard what is too much, and crossfade over the gap."""
        excess, fade = self._controller.excess, len(self._fade)
        ready = self._settled >= SETTLED_SECONDS and excess > self._unit / 2
        count = min(round(excess * self.playback.rate), len(sound) - fade)
        if not ready or count <= 0 or np.abs(sound).max() > SILENCE:
            return sound
        shorter = sound[count:].copy()
        shorter[:fade] = sound[:fade] + self._fade * (shorter[:fade] - sound[:fade])
        self._controller.shorten(count / self.playback.rate)
        return shorter

    def _begin(self, margin: float) -> None:
        """Lay in silence up to the target; the device has run dry, so there is nothing to fade out."""
        missing = round((self.target - margin) * self.playback.rate)
        self.playback.ring.write(np.zeros(max(0, missing), np.float32))
        self._reset()
        self._starting, self._join = False, True

    def _put(self, sound: Block, resync: float) -> None:
        """Write sound; if there is far too much or too little, end in a fade and set it right at once."""
        if resync:
            fade = self._fade[::-1][-len(sound) :]
            sound[len(sound) - len(fade) :] *= fade
            self._join = True
        self.playback.ring.write(sound)
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

    def _drop(self, sound: Block) -> None:
        self.dropped += len(sound) / self.playback.rate
        self._join = True
