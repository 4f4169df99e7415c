"""Clicks that survive a voice changer's resampling, and where they are in a recording.

A recording holds both: the click as the microphone hears it, and the same click as it comes out, less than half a
period later. So a click after a longer silence is one that went in, even where the recording has a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from rtvc.dsp.stage import Block

PERIOD_SECONDS = 2.0
"""From one click to the next: twice the longest delay that can be measured."""

CLICK_SECONDS = 0.003
CLICK_HZ = 2000.0
AMPLITUDE = 0.5

LEAST_SHARE = 0.3
"""What is smaller than this share of the largest click is none."""

QUIETEST = 0.01


def click(rate: int) -> Block:
    """Return one click `[samples]`: a short burst of a tone that every resampler passes."""
    time = np.arange(round(CLICK_SECONDS * rate)) / rate
    return (AMPLITUDE * np.hanning(len(time)) * np.sin(2 * np.pi * CLICK_HZ * time)).astype(np.float32)


def click_train(rate: int, block: int) -> Iterator[Block]:
    """Return blocks `[block]` without end, of silence with a click every period, the first after half a period."""
    period, sound = round(PERIOD_SECONDS * rate), click(rate)
    for start in count(0, block):
        out = np.zeros(block, np.float32)
        first = (start - period // 2 - len(sound)) // period
        for beat in (first, first + 1, first + 2):
            offset = period // 2 + beat * period - start
            begin, end = max(0, offset), min(block, offset + len(sound))
            if beat >= 0 and begin < end:
                out[begin:end] = sound[begin - offset : end - offset]
        yield out


def find_clicks(recording: Block, rate: int) -> list[float]:
    """Return the times in seconds at which clicks begin in a recording `[samples]`, to a fraction of a millisecond.

    A filter matched to the click, in quadrature so that its phase does not matter, finds them.
    """
    time = np.arange(round(CLICK_SECONDS * rate)) / rate
    matched = np.hanning(len(time)) * np.exp(2j * np.pi * CLICK_HZ * time)
    if len(recording) < len(matched):
        return []
    likeness = np.abs(np.convolve(recording, matched[::-1].conj(), "valid")) / (np.hanning(len(time)) ** 2).sum()
    highest = likeness.max()
    if highest < QUIETEST * AMPLITUDE:
        return []
    found = []
    alone = len(matched)
    candidates = np.flatnonzero(likeness > LEAST_SHARE * highest)
    for group in np.split(candidates, np.flatnonzero(np.diff(candidates) > alone) + 1):
        found.append(float(group[np.argmax(likeness[group])]) / rate)
    return found


@dataclass(frozen=True)
class Heard:
    """A click that went in and came out: when it went in, and how much later it came out, in seconds."""

    time: float
    delay: float


def click_delays(times: Sequence[float]) -> list[Heard]:
    """Pair the times, in order, at which clicks were heard; those that never came out are left out."""
    heard = []
    went_in: float | None = None
    before = -PERIOD_SECONDS
    for time in times:
        if time - before > PERIOD_SECONDS / 2:
            went_in = time
        elif went_in is not None:
            heard.append(Heard(went_in, time - went_in))
            went_in = None
        before = time
    return heard
