"""Bandwidth extension: noise above 8 kHz, where the voices of 16 kHz packs end, as loud as their consonants say.

What speech holds above 8 kHz is almost only the noise of fricatives and breath, whose level follows the band below.
Runs on the thread that processes blocks; make an `Air` on another, since importing SciPy's filters takes 0.2 s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import Ramp
from rtvc.dsp.stage import Block, Stage

BELOW = (4_000.0, 7_800.0)
ABOVE = (8_000.0, 13_000.0)
"""The bands in Hz whose level is followed, and which is filled. At 12 to 16 kHz recorded speech is 7 dB weaker."""

FOLLOW_HZ = 60.0
"""Cut-off of the envelope: it rises within 3 ms."""


class Air(Stage):
    """Adds noise at 8 to 13 kHz to audio `[n]`, without a delay; passes it unchanged where the rate has no room.

    Parameters
    ----------
    rate
        Sample rate in Hz.
    level_db
        Level of the noise relative to the band from 4 to 7.8 kHz.
    """

    def __init__(self, rate: int, level_db: float) -> None:
        super().__init__(rate)
        self._possible = rate > 2 * ABOVE[1]
        self._gain = Ramp(rate, amplitude(level_db))
        if self._possible:
            self._signal = signal = _scipy_signal()
            self._filters = {
                "below": signal.butter(2, BELOW, "band", fs=rate, output="sos"),
                "above": signal.butter(3, ABOVE, "band", fs=rate, output="sos"),
                "follow": signal.butter(1, FOLLOW_HZ, "low", fs=rate, output="sos"),
            }
            # Filtered white noise has the share of the band in the spectrum.
            self._unit = np.float32(np.sqrt(rate / 2 / (ABOVE[1] - ABOVE[0])))
        self.reset()

    @property
    def level_db(self) -> float:
        """The level that was set last; a change fades."""
        return 20 * float(np.log10(self._gain.target))

    @level_db.setter
    def level_db(self, value: float) -> None:
        self._gain.target = amplitude(value)

    def reset(self) -> None:
        """Return to the initial state, with the same noise."""
        self._gain.reset()
        self._random = np.random.default_rng(0)
        if self._possible:
            self._states = {name: np.zeros((len(sections), 2)) for name, sections in self._filters.items()}

    def _process(self, block: Block) -> Block:
        if not self._possible:
            return block
        power = self._filter("follow", np.square(self._filter("below", block)))
        noise = self._filter("above", self._random.standard_normal(len(block), np.float32))
        air = np.sqrt(np.maximum(power, 0)) * noise * self._unit
        return np.asarray(block + self._gain.next(len(block)) * air, np.float32)

    def _filter(self, name: str, sound: Block) -> Block:
        result, self._states[name] = self._signal.sosfilt(self._filters[name], sound, zi=self._states[name])
        return np.asarray(result)


def _scipy_signal() -> Any:  # noqa: ANN401
    """Return SciPy's filters, whose import takes 0.2 s that commands without effects need not wait."""
    from scipy import signal

    return signal
