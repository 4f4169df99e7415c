"""Test clicks that pass every resampler, and their detection in a recording.

The recording holds each click twice: at the microphone, and at the output less than half a period later. A click
after a longer silence is therefore an input click, even if the recording has a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from rtvc.dsp.stage import Block

PERIOD_SECONDS = 2.0
"""Interval between clicks, twice the longest delay that can be measured."""

CLICK_SECONDS = 0.003
CLICK_HZ = 2000.0
AMPLITUDE = 0.5

MIN_SHARE = 0.3
"""Peaks below this share of the largest one are ignored."""

MIN_AMPLITUDE = 0.01
"""A recording whose largest peak is below this share of a click holds no clicks."""


def click(rate: int) -> Block:
    """Return one click `[samples]`: 3 ms of a windowed 2 kHz tone, which every resampler passes."""
    time = np.arange(round(CLICK_SECONDS * rate)) / rate
    return (AMPLITUDE * np.hanning(len(time)) * np.sin(2 * np.pi * CLICK_HZ * time)).astype(np.float32)


def click_train(rate: int, block: int) -> Iterator[Block]:
    """Yield endless blocks `[block]` of silence with a click every period, the first after half a period."""
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
    """Return the start times of the clicks in a recording `[samples]`, in seconds, to within 0.2 ms.

    Uses a matched filter in quadrature, so the phase of the click does not matter.
    """
    time = np.arange(round(CLICK_SECONDS * rate)) / rate
    matched = np.hanning(len(time)) * np.exp(2j * np.pi * CLICK_HZ * time)
    if len(recording) < len(matched):
        return []
    correlation = np.abs(np.convolve(recording, matched[::-1].conj(), "valid")) / (np.hanning(len(time)) ** 2).sum()
    highest = correlation.max()
    if highest < MIN_AMPLITUDE * AMPLITUDE:
        return []
    found = []
    candidates = np.flatnonzero(correlation > MIN_SHARE * highest)
    for group in np.split(candidates, np.flatnonzero(np.diff(candidates) > len(matched)) + 1):
        found.append(float(group[np.argmax(correlation[group])]) / rate)
    return found


@dataclass(frozen=True)
class ClickDelay:
    """The time of a click at the input and its delay to the output, in seconds."""

    time: float
    delay: float


def click_delays(times: Sequence[float]) -> list[ClickDelay]:
    """Pair sorted click times into input and output; clicks that never came out are skipped."""
    heard = []
    went_in: float | None = None
    before = -PERIOD_SECONDS
    for time in times:
        if time - before > PERIOD_SECONDS / 2:
            went_in = time
        elif went_in is not None:
            heard.append(ClickDelay(went_in, time - went_in))
            went_in = None
        before = time
    return heard
