"""A queue of samples between an audio callback and the worker.

One thread writes, one thread reads, and neither ever waits: there are no locks, and no sample memory is allocated
after construction. It rests on Python's guarantee that a plain attribute is stored and loaded whole and in order.
"""

from __future__ import annotations

import numpy as np

from rtvc.dsp.stage import Block


class Ring:
    """The newest `capacity` samples of a stream, for one writer and one reader.

    Positions count samples since the stream began, so a sample's position is its time. The writer is never held
    up: when the reader falls behind by more than `capacity`, the oldest samples are overwritten, and the reader
    finds out and moves on to the oldest that is left. What waits in the ring is therefore never older than its
    `fill`.

    Attributes
    ----------
    capacity
        How many samples fit.
    written
        Position of the next sample to be written. The writer's.
    position
        Position of the next sample to be read. The reader's.
    overwritten, skipped, missing
        Samples lost because the reader was late, dropped by `skip`, and asked for but not there. The reader's.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._buffer = np.zeros(capacity, np.float32)
        self._claimed = 0
        self.written = 0
        self.position = 0
        self.overwritten = 0
        self.skipped = 0
        self.missing = 0

    @property
    def fill(self) -> int:
        """How many samples wait to be read."""
        return min(self.written - self.position, self.capacity)

    def write(self, block: Block) -> None:
        """Append samples `[n]`; called by the writer alone."""
        start = self.written
        end = start + len(block)
        if len(block) > self.capacity:
            block = block[-self.capacity :]
            start = end - self.capacity
        # Announced before the copy, so that a reader of what is about to be overwritten notices.
        self._claimed = end
        self._copy(block, start, into_ring=True)
        self.written = end

    def read_into(self, out: Block) -> int:
        """Fill `out` `[n]` from its start with the oldest samples and return how many there were.

        Called by the reader alone. The rest of `out` is left as it was and counted as `missing`.
        """
        while True:
            self._move_on()
            position = self.position
            count = min(self.written - position, len(out))
            self._copy(out[:count], position, into_ring=False)
            if self._claimed - position <= self.capacity:
                self.position = position + count
                self.missing += len(out) - count
                return count

    def skip(self, keep: int) -> int:
        """Drop the oldest samples until at most `keep` wait; return how many were dropped. The reader's."""
        self._move_on()
        dropped = max(0, self.written - self.position - keep)
        self.position += dropped
        self.skipped += dropped
        return dropped

    def _move_on(self) -> None:
        lost = self._claimed - self.capacity - self.position
        if lost > 0:
            self.overwritten += lost
            self.position += lost

    def _copy(self, block: Block, position: int, into_ring: bool) -> None:
        start = position % self.capacity
        first = min(len(block), self.capacity - start)
        rest = len(block) - first
        if into_ring:
            self._buffer[start : start + first] = block[:first]
            self._buffer[:rest] = block[first:]
        else:
            block[:first] = self._buffer[start : start + first]
            block[first:] = self._buffer[:rest]
