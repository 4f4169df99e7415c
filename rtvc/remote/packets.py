"""Received packets: putting them in order, and filling in for those that are lost.

Everything here belongs to the thread that receives packets. There is no playout buffer: the queue before the output
(`rtvc.live.output_queue`) adapts to the jitter of packets as it does to that of any other block.
"""

from __future__ import annotations

import numpy as np

from rtvc.dsp.stage import Block

LONGEST_WAIT = 0.1
"""Longest time in seconds to wait for a packet that others have overtaken."""

WINDOW_SECONDS = 10.0
MOST_CONCEALED = 3
"""Lost packets in a row that are filled in. Later ones would be silent; the output has run dry by then."""

LARGEST_JUMP = 200
"""Packets by which a stream may jump before it counts as a new one."""

_HALF = 1 << 15


class PacketOrder:
    """Releases packets in order, and tells which are lost.

    A gap is given up as soon as later packets have waited for `wait` seconds. That is 0 on a network that keeps the
    order, so a lost packet delays nothing; it follows the longest overtaking of the last 10 to 20 s.

    Attributes
    ----------
    wait
        Seconds for which a gap is kept open.
    received, lost
        Packets that were released, and packets that were given up.
    """

    def __init__(self) -> None:
        self.wait = 0.0
        self.received = self.lost = 0
        self._next: int | None = None
        self._held: dict[int, tuple[bytes, float]] = {}
        self._given_up: dict[int, float] = {}
        self._longest = [0.0, 0.0]  # of this window, and of the one before
        self._window = 0.0

    def add(self, sequence: int, payload: bytes, now: float) -> list[bytes | None]:
        """Take a packet with its 16-bit sequence number; return what is due now, None for each lost packet."""
        self._turn(now)
        if self._next is None:
            self._next, self._window = sequence, now
        offset = (sequence - self._next + _HALF) % (2 * _HALF) - _HALF
        if abs(offset) > LARGEST_JUMP:
            self._next, offset = sequence, 0
            self._held.clear()
            self._given_up.clear()
        place = self._next + offset
        if offset < 0:
            if (since := self._given_up.pop(place, None)) is not None:
                self._overtaken(now - since)
            return []
        if self._held and place < max(self._held):
            self._overtaken(now - min(arrived for _, arrived in self._held.values()))
        self._held[place] = (payload, now)
        return self._due(now)

    def _due(self, now: float) -> list[bytes | None]:
        assert self._next is not None
        due: list[bytes | None] = []
        while self._held:
            if self._next in self._held:
                due.append(self._held.pop(self._next)[0])
                self.received += 1
                self._next += 1
                continue
            first = min(self._held)
            waited_since = min(arrived for _, arrived in self._held.values())
            if now - waited_since < self.wait:
                break
            missing = range(self._next, first)
            self.lost += len(missing)
            due += [None] * min(len(missing), MOST_CONCEALED)
            self._given_up = dict.fromkeys(missing, waited_since)
            self._next = first
        return due

    def _overtaken(self, seconds: float) -> None:
        self._longest[0] = max(self._longest[0], min(seconds, LONGEST_WAIT))
        self.wait = max(self._longest)

    def _turn(self, now: float) -> None:
        if now - self._window >= WINDOW_SECONDS:
            self._longest, self._window = [0.0, self._longest[0]], now
            self.wait = max(self._longest)


HISTORY_SECONDS = 0.04
SHORTEST_PITCH, LONGEST_PITCH = 0.0025, 0.0133
JOIN_SECONDS = 0.005
FADES = ((1.0, 0.7), (0.7, 0.3), (0.3, 0.0))
"""Gain at the start and the end of each block that is filled in; silence after the last."""


class Concealer:
    """Fills in for lost blocks by repeating the last pitch period, fading out, as G.711 Appendix I does.

    Attributes
    ----------
    concealed
        Blocks that were filled in.
    """

    def __init__(self, rate: int) -> None:
        self.concealed = 0
        self._past = np.zeros(round(HISTORY_SECONDS * rate), np.float32)
        self._lags = np.arange(round(SHORTEST_PITCH * rate), round(LONGEST_PITCH * rate))
        self._join = np.linspace(0, 1, round(JOIN_SECONDS * rate), dtype=np.float32)
        self._run = 0
        self._period = self._past[:0]
        self._phase = 0

    def take(self, block: Block) -> Block:
        """Return a block that arrived, crossfaded after a loss."""
        if self._run:
            fade = len(self._join)
            block = block.copy()
            level = FADES[min(self._run, len(FADES)) - 1][1]
            block[:fade] = self._join * block[:fade] + (1 - self._join) * level * self._repeat(fade)
            self._run = 0
        self._remember(block)
        return block

    def conceal(self, samples: int) -> Block:
        """Return a block `[samples]` in place of one that is lost."""
        if self._run == 0:
            lag = self._pitch()
            self._period, self._phase = self._past[-lag:].copy(), 0
        begin, end = FADES[self._run] if self._run < len(FADES) else (0.0, 0.0)
        self._run += 1
        self.concealed += 1
        block = self._repeat(samples) * np.linspace(begin, end, samples, dtype=np.float32)
        self._remember(block)
        return block

    def _repeat(self, samples: int) -> Block:
        places = (self._phase + np.arange(samples)) % len(self._period)
        self._phase += samples
        return self._period[places]

    def _pitch(self) -> int:
        """Return the lag in samples at which the recent past resembles itself most."""
        size = len(self._past) - int(self._lags[-1])
        recent = self._past[-size:]
        shifted = np.lib.stride_tricks.sliding_window_view(self._past, size)[len(self._past) - size - self._lags]
        scores = shifted @ recent / np.sqrt(np.square(shifted).sum(axis=1) + 1e-9)
        return int(self._lags[np.argmax(scores)])

    def _remember(self, block: Block) -> None:
        self._past = np.concatenate([self._past, block])[-len(self._past) :]
