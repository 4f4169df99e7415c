"""A noise gate: silence between words, so that a fan or a keyboard is not converted into a voice.

Runs on the thread that processes blocks.
"""

from __future__ import annotations

import numpy as np

from rtvc.dsp.level import Ramp
from rtvc.dsp.speech_activity import frame_levels
from rtvc.dsp.stage import Block, Stage

HYSTERESIS_DB = 6.0
ATTACK_SECONDS = 0.002
FADE_SECONDS = 0.02


class Gate(Stage):
    """Passes audio while its level is above a threshold, and for a release time after that.

    It opens within 2 ms when the level (root mean square) of a chunk reaches the threshold. It closes over 20 ms
    once the level has stayed 6 dB below the threshold for longer than the release time. It has no lookahead.

    Parameters
    ----------
    rate, chunk
        Sample rate in Hz, and samples per level measurement; a block is a whole number of chunks.
    threshold_dbfs, release_seconds
        May be set between blocks. None as the threshold keeps the gate open.

    Attributes
    ----------
    is_open
        Whether audio passes.
    """

    def __init__(
        self, rate: int, chunk: int, threshold_dbfs: float | None = None, release_seconds: float = 0.2
    ) -> None:
        super().__init__(rate, granularity=chunk)
        self.threshold_dbfs = threshold_dbfs
        self.release_seconds = release_seconds
        self._ramp = Ramp(rate, 1.0)
        self.reset()

    def reset(self) -> None:
        """Return to the initial state: closed if there is a threshold, open otherwise."""
        self.is_open = self.threshold_dbfs is None
        self._quiet = 0
        self._ramp.target = float(self.is_open)
        self._ramp.reset()

    def _process(self, block: Block) -> Block:
        output = np.empty_like(block)
        for index, level in enumerate(frame_levels(block, self.granularity)):
            self._decide(float(level))
            self._ramp.target = float(self.is_open)
            self._ramp.seconds = ATTACK_SECONDS if self.is_open else FADE_SECONDS
            chunk = slice(index * self.granularity, (index + 1) * self.granularity)
            output[chunk] = block[chunk] * self._ramp.next(self.granularity)
        return output

    def _decide(self, level: float) -> None:
        if self.threshold_dbfs is None or level >= self.threshold_dbfs:
            self.is_open, self._quiet = True, 0
        elif level < self.threshold_dbfs - HYSTERESIS_DB:
            self._quiet += 1
            self.is_open = self.is_open and self._quiet * self.granularity <= self.release_seconds * self.rate
        else:
            self._quiet = 0
