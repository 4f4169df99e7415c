"""A ring buffer of samples between an audio callback and the worker.

One thread writes, one thread reads, and neither ever waits: there are no locks, and no sample memory is allocated
after construction. It relies on Python to store and load a plain attribute atomically and in order.
"""

from __future__ import annotations

import numpy as np

from rtvc.dsp.stage import Block


class Ring:
    """The newest `capacity` samples of a stream, for one writer and one reader.

    Positions count samples since the stream began, so a sample's position is its time. The writer never waits: when
    the reader falls behind by more than `capacity`, the oldest samples are overwritten, and the reader continues with
    the oldest that are left. Nothing in the ring is therefore older than its `fill`.

    Attributes
    ----------
    capacity
        Number of samples that fit.
    written
        Position of the next sample to be written. The writer's.
    position
        Position of the next sample to be read. The reader's.
    overwritten, skipped
        Samples lost because the reader was late, and samples dropped by `skip`. The reader's.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._buffer = np.zeros(capacity, np.float32)
        self._claimed = 0
        self.written = 0
        self.position = 0
        self.overwritten = 0
        self.skipped = 0

    @property
    def fill(self) -> int:
        """Number of samples waiting to be read."""
        return min(self.written - self.position, self.capacity)

    def write(self, block: Block) -> None:
        """Append samples `[n]`. Called by the writer only."""
        start = self.written
        end = start + len(block)
        if len(block) > self.capacity:
            block = block[-self.capacity :]
            start = end - self.capacity
        # Set before the copy, so that a reader notices that its samples are being overwritten.
        self._claimed = end
        self._copy(block, start, into_ring=True)
        self.written = end

    def read_into(self, out: Block) -> int:
        """Fill the start of `out` `[n]` with the oldest samples and return how many there were.

        Called by the reader only. The rest of `out` stays as it was.
        """
        while True:
            self._move_on()
            position = self.position
            count = min(self.written - position, len(out))
            self._copy(out[:count], position, into_ring=False)
            if self._claimed - position <= self.capacity:
                self.position = position + count
                return count

    def skip(self, keep: int) -> int:
        """Drop the oldest samples until at most `keep` are left; return how many were dropped. The reader's."""
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
