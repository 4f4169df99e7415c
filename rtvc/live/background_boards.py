"""Makes boards that take long beside the worker: loading a plug-in takes seconds.

The worker calls `BackgroundBoards` before each step. A thread of its own makes one board at a time.
"""

from __future__ import annotations

import threading

from rtvc.dsp.effects import Rack
from rtvc.dsp.effects_stage import Board
from rtvc.live.priority import hurried


class BackgroundBoards:
    """Returns the board of a rack: at once, or once another thread has made what takes longer than a step."""

    def __init__(self) -> None:
        self._made: Board | None = None
        self._thread: threading.Thread | None = None

    def __call__(self, rate: int, rack: Rack) -> Board | None:
        """Return the board of a rack at a sample rate in Hz, or None while it is being made."""
        if not rack.takes_long:
            return Board(rate, rack)
        if self._thread is not None and self._thread.is_alive():
            return None
        made, self._made = self._made, None
        if made is not None and made.adjust(rack):
            return made
        self._thread = threading.Thread(target=self._make, args=(rate, rack), name="rtvc plug-ins", daemon=True)
        self._thread.start()
        return None

    def _make(self, rate: int, rack: Rack) -> None:
        self._made = Board(rate, rack, live=True, hurry=hurried)
