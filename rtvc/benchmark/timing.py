"""How long work takes, when it is done at the pace of real time, and what memory it needs.

Everything runs on the calling thread.
"""

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
except ImportError:  # Windows has none
    resource = None


def distribution(seconds: Sequence[float] | npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Return percentiles in milliseconds under the names of `PERCENTILES`; None where nothing was measured."""
    if len(seconds) == 0:
        return dict.fromkeys(PERCENTILES)
    values = 1000 * np.percentile(np.asarray(seconds), list(PERCENTILES.values()))
    return {name: float(value) for name, value in zip(PERCENTILES, values, strict=True)}


@dataclass(frozen=True)
class Pace:
    """What became of work that fell due regularly.

    Attributes
    ----------
    period
        Seconds between two deadlines.
    compute
        Seconds that each piece of work took.
    late
        By how many seconds each began after it was due: the operating system's part.
    """

    period: float
    compute: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    @property
    def misses(self) -> int:
        """How many pieces were not done when the next one fell due; each counts once, however late it was."""
        return sum(late + compute > self.period for late, compute in zip(self.late, self.compute, strict=True))


def at_pace(work: Callable[[Block], object], blocks: Iterable[Block], period: float) -> Pace:
    """Do the work on each block as it falls due, every `period` seconds, and sleep in between.

    Back to back, processors stay warm and clocks stay high: that is not how a live voice arrives. After a missed
    deadline the next block is due at once, and the clock goes on from there.
    """
    pace = Pace(period)
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
    """Adds up the seconds that some stages take, each under a name, for as long as the stages live."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, name: str, stage: Stage) -> None:
        """Time every call of this stage's `process` from now on; several stages may share a name."""
        process = stage.process
        self.seconds[name] = 0.0

        def timed(block: Block) -> Block:
            began = time.perf_counter()
            result = process(block)
            self.seconds[name] += time.perf_counter() - began
            return result

        stage.process = timed  # type: ignore[method-assign]


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the garbage collector from walking what is there already, as the live engine does."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def memory() -> float | None:
    """Return the memory that this process holds now, in MiB (resident set); None where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    assert resource is not None
    return float(pages * resource.getpagesize() / _MEBIBYTE)


def peak_memory() -> float | None:
    """Return the most memory that this process has held so far, in MiB; None where that is not known."""
    if resource is None:
        return None
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MEBIBYTE if sys.platform == "darwin" else peak / 1024


def shown(value: float | None, digits: int = 1) -> str:
    """Return a figure for a table; a hyphen where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"
