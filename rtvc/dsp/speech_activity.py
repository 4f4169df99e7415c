"""Speech activity: the mask of the frames that count in statistics.

References, enrolments and live audio use the same causal rule, so silence counts on neither side of a map. Everything
runs on the calling thread.
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
    """Detects speech frame by frame from the level alone.

    A frame is active if its level is above -60 dBFS and within 32 dB of a peak level that decays by 1 dB per second.
    The mask does not depend on how the audio is cut into blocks.
    """

    def __init__(self, hop: int, sample_rate: int) -> None:
        self.hop = hop
        self._decay = PEAK_DECAY_DB_PER_SECOND * hop / sample_rate
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self._peak = FLOOR_DBFS

    def process(self, audio: Block) -> npt.NDArray[np.bool_]:
        """Return the mask `[frames]` of a block of whole frames `[frames * hop]`."""
        levels = frame_levels(audio, self.hop)
        active = np.empty(len(levels), bool)
        for index, level in enumerate(levels):
            self._peak = max(self._peak - self._decay, level)
            active[index] = level > max(FLOOR_DBFS, self._peak - BELOW_PEAK_DB)
        return active
