"""Levels in dBFS as meters show them."""

from __future__ import annotations

from gui.language import tr
from gui.view.units import decibels_text

FLOOR_DBFS = -60.0
CAUTION_DBFS = -12.0
HOT_DBFS = -3.0
CLIP_DBFS = -0.1
PEAK_HOLD_SECONDS = 1.5
PEAK_FALL_DB_PER_SECOND = 20.0
CLIP_SECONDS = 3.0
TONE_HEARD_DBFS = -40.0


def level_fraction(level: float) -> float:
    """Return the position of a level in dBFS on a meter: 0 at -60 dBFS and below, 1 at full scale."""
    return min(1.0, max(0.0, 1 - level / FLOOR_DBFS))


def level_text(level: float) -> str:
    """Return a level in dBFS as text; silence has no figure."""
    return decibels_text(level) if level > FLOOR_DBFS else tr("silent")


def tone_verdict(level: float) -> tuple[bool, str]:
    """Tell whether a test tone arrived, from the level in dBFS at which it was recorded."""
    if level > TONE_HEARD_DBFS:
        return True, tr("The tone arrived: the virtual microphone works.")
    return False, tr("The tone did not arrive. Restart the sound server and test again.")


class PeakHold:
    """A peak that holds for 1.5 s and then falls, and a clip mark that stays for 3 s."""

    def __init__(self) -> None:
        self.peak = FLOOR_DBFS
        self.clipped = False
        self._held_until = 0.0
        self._clipped_until = float("-inf")
        self._now = 0.0

    def update(self, peak: float, now: float) -> None:
        """Take the highest sample in dBFS at `now`, in seconds of any clock."""
        if peak >= self.peak:
            self.peak = peak
            self._held_until = now + PEAK_HOLD_SECONDS
        elif now > self._held_until:
            fall = PEAK_FALL_DB_PER_SECOND * (now - max(self._now, self._held_until))
            self.peak = max(peak, FLOOR_DBFS, self.peak - fall)
        if peak >= CLIP_DBFS:
            self._clipped_until = now + CLIP_SECONDS
        self.clipped = now < self._clipped_until
        self._now = now
