"""Level normalisation around the models: speech enters at the level they were trained on and leaves at its own.

Runs on the thread that processes blocks: the worker when live, the calling thread for files.
"""

from __future__ import annotations

import math

import numpy as np

from rtvc.dsp.decibels import amplitude, decibels
from rtvc.dsp.level import Ramp
from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block, Delay, Stage

AVERAGING_SECONDS = 30.0
"""Speech over which the speaker's level is averaged while it is learnt."""

MINIMUM_SPEECH_SECONDS = 0.3
"""Speech needed before the level counts as known."""

LARGEST_GAIN_DB = 24.0
GAIN_DB_PER_SECOND = 12.0


class LevelNormaliser(Stage):
    """Wraps a stage: scales speech to the level that the stage expects, and its output back to the speaker's level.

    The speaker's level is given, or learnt as the mean over the last 30 s of speech. The gain changes by at most
    12 dB/s.

    Parameters
    ----------
    inner
        The stage.
    hop
        Samples per feature frame.
    wanted_dbfs
        Level of speech that `inner` expects.
    level_dbfs
        The speaker's level (root mean square of speech); None to learn it. May be set between blocks.
    """

    def __init__(self, inner: Stage, hop: int, wanted_dbfs: float, level_dbfs: float | None = None) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.level_dbfs = level_dbfs
        self._hop = hop
        self._wanted_dbfs = wanted_dbfs
        self._activity = SpeechActivity(hop, inner.rate)
        self._power = 0.0
        self._active_frames = 0
        self._gain_db = 0.0
        self._ramp = Ramp(inner.rate, 1.0)
        if level_dbfs is not None:
            self._gain_db = wanted_dbfs - level_dbfs
            self._ramp.target = amplitude(self._gain_db)
        self.reset()

    def reset(self) -> None:
        """Reset the audio state; the learnt level stays."""
        self.inner.reset()
        self.latency = self.inner.latency
        self._activity.reset()
        self._ramp.reset()
        self._applied = Delay(self.latency, self._ramp.target)

    def _process(self, block: Block) -> Block:
        if self.level_dbfs is None:
            self._learn(block)
            wanted = self._learnt_gain_db()
        else:
            wanted = self._wanted_dbfs - self.level_dbfs
        if wanted != self._gain_db:
            most = GAIN_DB_PER_SECOND * len(block) / self.rate
            self._gain_db += min(max(wanted - self._gain_db, -most), most)
            self._ramp.target = amplitude(self._gain_db)
        gain = np.broadcast_to(self._ramp.next(len(block)), block.shape)
        result: Block = self.inner.process(block * gain) / self._applied(gain)
        return result

    def _learn(self, block: Block) -> None:
        active = self._activity.process(block)
        for level in frame_levels(block, self._hop)[active]:
            self._active_frames += 1
            weight = 1 / min(self._active_frames, AVERAGING_SECONDS * self.rate / self._hop)
            self._power += (amplitude(level) ** 2 - self._power) * weight

    def _learnt_gain_db(self) -> float:
        if self._active_frames * self._hop < MINIMUM_SPEECH_SECONDS * self.rate:
            return 0.0
        gain = self._wanted_dbfs - decibels(math.sqrt(self._power))
        return min(max(gain, -LARGEST_GAIN_DB), LARGEST_GAIN_DB)
