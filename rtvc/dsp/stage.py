"""The one shape of everything that sound passes through: a block in, a block out.

A stage never buffers for its caller. It answers every block at once, with silence while it warms up, so time
stays simple and the latencies of a chain add up. Stages keep state and belong to one thread at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float32]
"""Audio `[samples]` in -1…1, or features `[frames, dim]`."""


class Stage(ABC):
    """One step of the way from microphone to listener.

    Parameters
    ----------
    rate
        Rows a second (samples, or frames) in which `latency` is counted.
    latency
        By how many rows the output lies behind the input. It changes at `reset` only.
    granularity
        A block must have a whole multiple of this many rows.
    """

    def __init__(self, rate: int, latency: int = 0, granularity: int = 1) -> None:
        self.rate = rate
        self.latency = latency
        self.granularity = granularity

    @property
    def latency_seconds(self) -> Fraction:
        """The latency in seconds, exactly."""
        return Fraction(self.latency, self.rate)

    def process(self, block: Block) -> Block:
        """Pass one block on; raise `ValueError` if its length is not a positive multiple of `granularity`."""
        if len(block) == 0 or len(block) % self.granularity:
            raise ValueError(
                f"{type(self).__name__} takes blocks of a multiple of {self.granularity} rows, not {len(block)}"
            )
        return self._process(block)

    @abstractmethod
    def _process(self, block: Block) -> Block:
        """Answer a block whose length has been checked."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything heard: the stage is then as if newly made."""


class Delay:
    """Gives rows back `rows` later. Before the first one lies `start`, or where that is None the first one itself."""

    def __init__(self, rows: int, start: float | None) -> None:
        self._rows = rows
        self._start = start
        self._kept: Block | None = None

    def __call__(self, block: Block) -> Block:
        """Return as many rows as are given."""
        if self._kept is None:
            self._kept = np.repeat(block[:1], self._rows, axis=0)
            if self._start is not None:
                self._kept[:] = self._start
        joined = np.concatenate((self._kept, block))
        self._kept = joined[len(block) :]
        return joined[: len(block)]


class Chain(Stage):
    """Stages one after the other, themselves a stage.

    `rate` is the first stage's rate and `latency` the sum of all latencies, rounded to its rows;
    `latency_seconds` is the exact sum.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        first = self.stages[0]
        super().__init__(first.rate, 0, first.granularity)
        self._add_up()

    @property
    def latency_seconds(self) -> Fraction:
        """The exact sum of the stages' latencies in seconds."""
        return self._latency_seconds

    def _add_up(self) -> None:
        self._latency_seconds = sum((stage.latency_seconds for stage in self.stages), Fraction(0))
        self.latency = round(self._latency_seconds * self.rate)

    def _process(self, block: Block) -> Block:
        for stage in self.stages:
            block = stage.process(block)
        return block

    def reset(self) -> None:
        """Reset every stage."""
        for stage in self.stages:
            stage.reset()
        self._add_up()
