"""Levels: a ramp, a gain without clicks, a limiter, and the level of speech in a recording.

The stages run on the thread that processes blocks; `speech_level` runs on the calling thread.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block, Stage

KNEE = 0.8
"""Magnitude up to which the limiter leaves samples unchanged."""

FRAMES_PER_SECOND = 50

GLIDE_SECONDS = 0.01


class Ramp:
    """A value that moves linearly to its `target`, so that a change of gain makes no click.

    Attributes
    ----------
    target, seconds
        The value to reach, and the duration of the ramp; may be set between blocks.
    """

    def __init__(self, rate: int, value: float, seconds: float = GLIDE_SECONDS) -> None:
        self.target = value
        self.seconds = seconds
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        """Jump to the target."""
        self._value = self._aim = self.target
        self._left = 0

    def next(self, samples: int) -> Block | np.float32:
        """Return the value at each of the next samples `[samples]`, or one scalar if it is constant."""
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
    """Multiplies audio by a factor; a new factor is reached in 10 ms."""

    def __init__(self, rate: int, factor: float = 1.0) -> None:
        super().__init__(rate)
        self._ramp = Ramp(rate, factor)

    @property
    def factor(self) -> float:
        """The factor, or the one being approached; set it between blocks."""
        return self._ramp.target

    @factor.setter
    def factor(self, value: float) -> None:
        self._ramp.target = value

    def _process(self, block: Block) -> Block:
        return block * self._ramp.next(len(block))

    def reset(self) -> None:
        """Jump to the factor."""
        self._ramp.reset()


class Limiter(Stage):
    """A soft clipper: compresses magnitudes above `KNEE` by tanh to below full scale, without state or delay."""

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
        """Do nothing: the limiter has no state."""


def speech_level(blocks: Iterable[Block], rate: int) -> float | None:
    """Return the level in dBFS (root mean square) of the speech frames of audio at `rate` Hz; None without speech.

    The blocks may have any length. An incomplete last frame is ignored.
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
