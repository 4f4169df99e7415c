"""Timing at the pace of live audio, per-stage timing, and memory use. Everything runs on the calling thread."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block, Stage

PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}

_MEBIBYTE = 2**20

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None


def distribution(seconds: Sequence[float] | npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Return the percentiles named in `PERCENTILES`, in milliseconds; None for each if there are no values."""
    if len(seconds) == 0:
        return dict.fromkeys(PERCENTILES)
    values = 1000 * np.percentile(np.asarray(seconds), list(PERCENTILES.values()))
    return {name: float(value) for name, value in zip(PERCENTILES, values, strict=True)}


@dataclass(frozen=True)
class PacedRun:
    """Timing of work that was due at regular intervals.

    Attributes
    ----------
    period
        Seconds between two deadlines.
    compute
        Seconds of computation per block.
    late
        Seconds from the due time to the start of each block: how late the operating system woke the thread.
    """

    period: float
    compute: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    @property
    def misses(self) -> int:
        """Number of blocks that were not finished when the next one was due."""
        return sum(late + compute > self.period for late, compute in zip(self.late, self.compute, strict=True))


def run_paced(work: Callable[[Block], object], blocks: Iterable[Block], period: float) -> PacedRun:
    """Call `work` on one block every `period` seconds and sleep in between.

    Back-to-back calls keep caches warm and clocks high, which live audio does not. After a missed deadline the next
    block is due at once, and later due times shift accordingly.
    """
    pace = PacedRun(period)
    due = time.perf_counter()
    for block in blocks:
        due += period
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        work(block)
        ended = time.perf_counter()
        pace.late.append(began - due)
        pace.compute.append(ended - began)
        due = max(due, ended - period)
    return pace


class Stopwatch:
    """Accumulates the processing time of stages by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, name: str, stage: Stage) -> None:
        """Time every later call of this stage's `process` under `name`."""
        process = stage.process
        self.seconds[name] = 0.0

        def timed(block: Block) -> Block:
            began = time.perf_counter()
            result = process(block)
            self.seconds[name] += time.perf_counter() - began
            return result

        stage.process = timed  # type: ignore[method-assign]


@contextmanager
def gc_frozen() -> Iterator[None]:
    """Exempt existing objects from garbage collection, as the live engine does."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def memory() -> float | None:
    """Return the resident set size of this process in MiB; None where it is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    assert resource is not None
    return float(pages * resource.getpagesize() / _MEBIBYTE)


def memory_growth(first: float | None, last: float | None) -> float | None:
    """Return the difference of two memory sizes in MiB; None if either is unknown."""
    return None if first is None or last is None else last - first


def peak_memory() -> float | None:
    """Return the peak resident set size of this process in MiB; None where it is unknown."""
    if resource is None:
        return None
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MEBIBYTE if sys.platform == "darwin" else peak / 1024


def formatted(value: float | None, digits: int = 1) -> str:
    """Return a figure as text for a table; a hyphen for None."""
    return "-" if value is None else f"{value:.{digits}f}"
