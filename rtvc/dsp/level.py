"""Levels: a gain that glides, the level that models expect, and the ceiling that no sample passes.

Stages of the worker, as `rtvc.dsp.stage` says.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block, Stage

KNEE = 0.8
"""Below this magnitude the limiter leaves samples alone."""

FRAMES_PER_SECOND = 50

GLIDE_SECONDS = 0.01


class Ramp:
    """A number that glides to its `target` in a straight line, so that turning a knob makes no click.

    Attributes
    ----------
    target, seconds
        Where to go, and how long that takes; may be set between blocks.
    """

    def __init__(self, rate: int, value: float, seconds: float = GLIDE_SECONDS) -> None:
        self.target = value
        self.seconds = seconds
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        """Be at the target at once."""
        self._value = self._aim = self.target
        self._left = 0

    def next(self, samples: int) -> Block | np.float32:
        """Return the number for each of the next samples `[samples]`, or once for all if it rests."""
        if self.target != self._aim:
            self._aim, self._left = self.target, max(1, round(self._rate * self.seconds))
        if self._left == 0:
            return np.float32(self._aim)
        moving = min(samples, self._left)
        values = np.full(samples, self._aim, np.float32)
        values[:moving] = self._value + (self._aim - self._value) / self._left * np.arange(1, moving + 1)
        self._left -= moving
        self._value = float(values[moving - 1])
        return values


class Gain(Stage):
    """Multiplies audio by a factor, and glides to a new one."""

    def __init__(self, rate: int, factor: float = 1.0) -> None:
        super().__init__(rate)
        self._ramp = Ramp(rate, factor)

    @property
    def factor(self) -> float:
        """What it multiplies by, or glides to; set it between blocks."""
        return self._ramp.target

    @factor.setter
    def factor(self, value: float) -> None:
        self._ramp.target = value

    def _process(self, block: Block) -> Block:
        return block * self._ramp.next(len(block))

    def reset(self) -> None:
        """End any glide."""
        self._ramp.reset()


class Limiter(Stage):
    """Bends samples beyond `KNEE` so that none reaches full scale; it has no memory and no delay."""

    def __init__(self, rate: int) -> None:
        super().__init__(rate)

    def _process(self, block: Block) -> Block:
        magnitude = np.abs(block)
        if magnitude.max() <= KNEE:
            return block
        room = np.float32(1 - KNEE)
        bent = KNEE + room * np.tanh((magnitude - KNEE) / room)
        return np.where(magnitude > KNEE, np.copysign(bent, block), block).astype(np.float32)

    def reset(self) -> None:
        """Do nothing: the limiter remembers nothing."""


def speech_level(blocks: Iterable[Block], rate: int) -> float | None:
    """Return the level in dBFS (root mean square) of the active frames of audio at `rate`; None if none is.

    The blocks may have any length; what is left of the last frame does not count.
    """
    hop = rate // FRAMES_PER_SECOND
    activity = SpeechActivity(hop, rate)
    power, count = 0.0, 0
    rest = np.zeros(0, np.float32)
    for block in blocks:
        joined = np.concatenate([rest, block])
        whole = len(joined) // hop * hop
        rest = joined[whole:]
        if whole:
            active = activity.process(joined[:whole])
            power += float(np.sum(10 ** (frame_levels(joined[:whole], hop)[active] / 10)))
            count += int(np.count_nonzero(active))
    return None if count == 0 else float(10 * np.log10(power / count))
