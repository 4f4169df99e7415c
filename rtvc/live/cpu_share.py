"""The share of a core that this process computes for. Belongs to the worker."""

from __future__ import annotations

import time

CPU_SECONDS = 1.0


class CpuShare:
    """The process's CPU share of one core, measured about once a second."""

    def __init__(self) -> None:
        self._share = 0.0
        self._then, self._used = time.monotonic(), time.process_time()

    def update(self) -> float:
        """Return the latest share."""
        now = time.monotonic()
        if now - self._then >= CPU_SECONDS:
            used = time.process_time()
            self._share = (used - self._used) / (now - self._then)
            self._then, self._used = now, used
        return self._share
