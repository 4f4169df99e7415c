"""A noise gate: silence between words, so that a fan or a keyboard is not converted into a voice.

Runs on the thread that processes blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtvc.dsp.level import Ramp
from rtvc.dsp.speech_activity import frame_levels
from rtvc.dsp.stage import Block, Stage

HYSTERESIS_DB = 6.0
SPEECH_OPENS = 0.9
SPEECH_HOLDS = 0.5
"""Probabilities of RNNoise: at 0.6 and 0.3, rain and white noise kept the gate open for 60 % of the time."""

ATTACK_SECONDS = 0.002
FADE_SECONDS = 0.02


class Gate(Stage):
    """Passes audio while its level is above a threshold, or while a detector hears speech.

    It opens within 2 ms when the level (root mean square) of a chunk reaches the threshold. It closes over 20 ms
    once the level has stayed 6 dB below the threshold for longer than the release time. With `speech`, it follows the
    probability of speech in the same way: it opens at 0.9 and closes after a release time below 0.5. It has no
    lookahead.

    Parameters
    ----------
    rate, chunk
        Sample rate in Hz, and samples per level measurement; a block is a whole number of chunks.
    threshold_dbfs, release_seconds
        May be set between blocks. None as the threshold keeps the gate open, unless it follows `speech`.

    Attributes
    ----------
    is_open
        Whether audio passes.
    speech
        Returns the probabilities of speech at equal distances over the present block, which take the place of the
        threshold; None to follow the threshold.
    """

    def __init__(
        self, rate: int, chunk: int, threshold_dbfs: float | None = None, release_seconds: float = 0.2
    ) -> None:
        super().__init__(rate, granularity=chunk)
        self.threshold_dbfs = threshold_dbfs
        self.release_seconds = release_seconds
        self.speech: Callable[[], Block] | None = None
        self._ramp = Ramp(rate, 1.0)
        self.reset()

    def reset(self) -> None:
        """Return to the initial state: closed if there is a threshold or a detector, open otherwise."""
        self.is_open = self.threshold_dbfs is None and self.speech is None
        self._quiet = 0
        self._ramp.target = float(self.is_open)
        self._ramp.reset()

    def _process(self, block: Block) -> Block:
        output = np.empty_like(block)
        if self.speech is not None:
            chunks, heard = len(block) // self.granularity, self.speech()
            measured = heard[np.arange(chunks) * len(heard) // chunks].astype(np.float64)
            opens, holds = SPEECH_OPENS, SPEECH_HOLDS
        else:
            measured = frame_levels(block, self.granularity)
            opens = -np.inf if self.threshold_dbfs is None else self.threshold_dbfs
            holds = opens - HYSTERESIS_DB
        for index, value in enumerate(measured):
            self._decide(value >= opens, value >= holds)
            self._ramp.target = float(self.is_open)
            self._ramp.seconds = ATTACK_SECONDS if self.is_open else FADE_SECONDS
            chunk = slice(index * self.granularity, (index + 1) * self.granularity)
            output[chunk] = block[chunk] * self._ramp.next(self.granularity)
        return output

    def _decide(self, opens: bool, holds: bool) -> None:
        if opens:
            self.is_open, self._quiet = True, 0
        elif not holds:
            self._quiet += 1
            self.is_open = self.is_open and self._quiet * self.granularity <= self.release_seconds * self.rate
        else:
            self._quiet = 0
