"""Which frames are speech: the mask under which every statistic is taken.

Reference, enrolment and live sound are masked by the same causal rule, so that silence counts on neither side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block

FLOOR_DBFS = -60.0
BELOW_PEAK_DB = 32.0
PEAK_DECAY_DB_PER_SECOND = 1.0


def frame_levels(audio: Block, hop: int) -> npt.NDArray[np.float64]:
    """Return the level in dBFS (root mean square) of each frame of `hop` samples: `[len(audio) // hop]`."""
    frames = audio[: len(audio) // hop * hop].reshape(-1, hop).astype(np.float64)
    power: npt.NDArray[np.float64] = np.mean(frames**2, axis=1) + 1e-12
    return 10 * np.log10(power)


class SpeechActivity:
    """Tells frame by frame whether someone speaks, from the level alone.

    A frame is active when it lies within 32 dB of a peak level that falls by 1 dB a second, and above -60 dBFS.
    The same sound gives the same answers whatever blocks it comes in.
    """

    def __init__(self, hop: int, sample_rate: int) -> None:
        self.hop = hop
        self._decay = PEAK_DECAY_DB_PER_SECOND * hop / sample_rate
        self.reset()

    def reset(self) -> None:
        """Forget the peak level."""
        self._peak = FLOOR_DBFS

    def process(self, audio: Block) -> npt.NDArray[np.bool_]:
        """Return the mask `[frames]` of a block of whole frames."""
        levels = frame_levels(audio, self.hop)
        active = np.empty(len(levels), bool)
        for index, level in enumerate(levels):
            self._peak = max(self._peak - self._decay, level)
            active[index] = level > max(FLOOR_DBFS, self._peak - BELOW_PEAK_DB)
        return active
