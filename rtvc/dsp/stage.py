"""The interface of everything that audio or features pass through: one block in, one block out.

A stage returns a block for every block, silence while it warms up, so the latencies of a chain add up. It refuses
blocks of a wrong length instead of buffering them. Stages keep state and belong to one thread at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float32]
"""Audio `[samples]`, full scale at ±1, or features `[frames, dim]`."""


class Stage(ABC):
    """One processing step between microphone and output.

    A row of a block is one sample of audio or one feature frame.

    Parameters
    ----------
    rate
        Rows per second of `latency`.
    latency
        Rows by which the output lags the input. Changes only at `reset`, and where a stage says so: the effects have
        that of their rack.
    granularity
        The length of a block is a multiple of this many rows.
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
        """Process one block; raise `ValueError` unless its length is a positive multiple of `granularity`."""
        if len(block) == 0 or len(block) % self.granularity:
            raise ValueError(
                f"{type(self).__name__} takes blocks of a multiple of {self.granularity} rows, not {len(block)}"
            )
        return self._process(block)

    @abstractmethod
    def _process(self, block: Block) -> Block:
        """Process a block of valid length."""

    @abstractmethod
    def reset(self) -> None:
        """Return to the initial state."""


class Delay:
    """A delay line of `rows` rows. It starts filled with `start`, or with the first row if that is None."""

    def __init__(self, rows: int, start: float | None) -> None:
        self._rows = rows
        self._start = start
        self._kept: Block | None = None

    def __call__(self, block: Block) -> Block:
        """Return the delayed rows, as many as are given."""
        if self._kept is None:
            self._kept = np.repeat(block[:1], self._rows, axis=0)
            if self._start is not None:
                self._kept[:] = self._start
        joined = np.concatenate((self._kept, block))
        self._kept = joined[len(block) :]
        return joined[: len(block)]


class Chain(Stage):
    """Stages in sequence, as one stage.

    `rate` is the first stage's. `latency_seconds` is the exact sum of all latencies, `latency` that sum rounded to
    whole rows.
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
