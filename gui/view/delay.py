"""The delay by its parts, and the history of step times."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gui.language import tr
from gui.view.status import Tone
from gui.view.units import milliseconds_text
from rtvc.live.snapshot import Latency, Snapshot

HEADROOM = 1.35
"""Top of the step-time graph, as a multiple of the deadline."""

AREA_SHADE = 0.18


@dataclass(frozen=True)
class DelayPart:
    """One part of the delay: its name, its length in milliseconds, and what it is."""

    name: str
    milliseconds: float
    explanation: str

    @property
    def text(self) -> str:
        """Its length with the unit."""
        return milliseconds_text(self.milliseconds / 1000)


def delay_parts(latency: Latency) -> tuple[DelayPart, ...]:
    """Return the delay's parts; their sum is the total. Over a server, the network comes last."""
    parts = latency.milliseconds
    network = []
    if "network" in parts:
        milliseconds = parts["network"] + parts["codec"]
        network = [DelayPart(tr("Network"), milliseconds, tr("to the server and back, with the codec"))]
    return (
        DelayPart(tr("Step"), parts["step"], tr("collecting one step of sound")),
        DelayPart(tr("Algorithmic"), parts["algorithmic"], tr("lookahead, overlap and resampling")),
        DelayPart(tr("Compute"), parts["compute"], tr("the models' time for one step")),
        DelayPart(tr("Queue"), parts["queue"], tr("sound buffered between the threads")),
        DelayPart(tr("Device"), parts["device"], tr("sound card and operating system, as they report it")),
        *network,
    )


SHORT_SECONDS = 0.15
ACCEPTABLE_SECONDS = 0.4
"""One-way delays of ITU-T G.114: a conversation is unaffected below the first, and hampered above the second."""


def delay_verdict(seconds: float) -> tuple[str, Tone]:
    """Return a word for a total delay, and its tone."""
    if seconds <= SHORT_SECONDS:
        return tr("short"), Tone.GOOD
    if seconds <= ACCEPTABLE_SECONDS:
        return tr("noticeable"), Tone.CAUTION
    return tr("long"), Tone.BAD


class FrameTimes:
    """The history of step times, as shares of the deadline."""

    def __init__(self, length: int = 240) -> None:
        self.shares: deque[float] = deque(maxlen=length)
        self._seen: tuple[float, ...] = ()

    def update(self, snapshot: Snapshot) -> bool:
        """Append the steps that are new in a snapshot, or clear the history of an engine that is off.

        Returns whether anything has changed.
        """
        if not snapshot.recent_compute_seconds:
            shown = bool(self.shares)
            self.shares.clear()
            self._seen = ()
            return shown
        fresh = _fresh(self._seen, snapshot.recent_compute_seconds)
        self._seen = snapshot.recent_compute_seconds
        self.shares.extend(seconds / snapshot.deadline_seconds for seconds in fresh)
        return bool(fresh)


def step_curve(shares: Sequence[float], length: int, columns: int, rows: int) -> npt.NDArray[np.uint8]:
    """Return an image of a history of step times: `[rows, columns]`, opacity 0 … 255.

    The newest step is at the right; `length` steps fill the width. The deadline lies at row
    `rows * (1 - 1 / HEADROOM)`. An image, because drawing an anti-aliased path takes ten times as long.
    """
    if not shares:
        return np.zeros((rows, columns), np.uint8)
    places = (columns - 1) * (1 - np.arange(len(shares) - 1, -1, -1) / (length - 1))
    tops = rows * (1 - np.minimum(np.asarray(shares) / HEADROOM, 1))
    top = np.interp(np.arange(columns), places, tops, left=2 * rows)
    before = np.concatenate([top[:1], top[:-1]])
    before = np.where(before > rows, top, before)
    row = np.arange(rows)[:, None]
    line = np.minimum(row + 1, np.maximum(top, before) + 0.7) - np.maximum(row, np.minimum(top, before) - 0.7)
    shade = np.maximum(np.clip(line, 0, 1), AREA_SHADE * np.clip(row + 1 - top, 0, 1))
    image: npt.NDArray[np.uint8] = (255 * shade).astype(np.uint8)
    return image


def _fresh(before: Sequence[float], now: Sequence[float]) -> Sequence[float]:
    """Return the entries that `now` has gained over `before`; the list grows at its end and drops its start."""
    if not before:
        return now
    for new in range(len(now) + 1):
        kept = now[: len(now) - new]
        if len(kept) <= len(before) and tuple(kept) == tuple(before[len(before) - len(kept) :]):
            return now[len(now) - new :]
    return now
