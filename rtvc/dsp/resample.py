"""From one sample rate to another, as sound streams by.

Both classes stand on libsamplerate's sinc converters, whose output sample k is the input at time k / output rate,
only late: they wait for the right half of their filter. Here that wait is filled with silence once, so the delay is
constant and every block is answered at once. Each object belongs to one thread, the worker's.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from typing import Literal

import numpy as np
import samplerate

from rtvc.dsp.stage import Block, Stage

Quality = Literal["sinc_fastest", "sinc_medium", "sinc_best"]
"""libsamplerate's filters: a delay of about 20, 47 and 144 samples of the lower rate each way, and a pass band of
80, 90 and 96 % of its half."""

MAXIMUM_DRIFT_PPM = 1000.0


@lru_cache
def _wait(input_rate: int, output_rate: int, quality: Quality) -> int:
    """Return by how many samples, at most, the converter's output falls short of what the input is worth.

    One is added: positions are floating point, so a sample that falls due exactly at a block's end may slip.
    """
    converter = samplerate.Resampler(quality, 1)
    block = np.zeros(input_rate // gcd(input_rate, output_rate), np.float32)
    expected = output_rate // gcd(input_rate, output_rate)
    enough = ceil(400 * max(1, input_rate / output_rate) / len(block)) + 1
    owed = worst = 0
    for _ in range(enough):
        owed += expected - len(converter.process(block, output_rate / input_rate))
        worst = max(worst, owed)
    return worst + 1


class Resampler(Stage):
    """Audio at one rate in, the same audio at another rate out, late by a constant and known delay.

    A block of n samples gives exactly `n * output_rate / input_rate`, and the same samples whatever blocks the
    sound comes in. `latency` counts samples of the output (`rate` is the output rate) and is exact: an impulse
    comes out centred `latency` samples late. `granularity` is the smallest block that is whole on both sides:
    3 for 48 to 16 kHz, 441 for 44.1 to 16 kHz. Equal rates pass sound through untouched.

    Parameters
    ----------
    input_rate, output_rate
        Samples a second.
    quality
        The filter: `sinc_fastest` delays least, `sinc_medium` keeps more of the treble.
    """

    def __init__(self, input_rate: int, output_rate: int, quality: Quality = "sinc_fastest") -> None:
        self.input_rate = input_rate
        self.output_rate = output_rate
        latency = 0 if input_rate == output_rate else _wait(input_rate, output_rate, quality)
        super().__init__(output_rate, latency, input_rate // gcd(input_rate, output_rate))
        self._ratio = output_rate / input_rate
        self._converter = samplerate.Resampler(quality, 1)
        self.reset()

    def output_length(self, frames: int) -> int:
        """Return how many samples a block of `frames` samples gives; `frames` is a multiple of `granularity`."""
        return frames * self.output_rate // self.input_rate

    def reset(self) -> None:
        """Forget everything heard."""
        self._converter.reset()
        self._ready = np.zeros(self.latency, np.float32)

    def _process(self, block: Block) -> Block:
        if self.input_rate == self.output_rate:
            return block
        ready = np.concatenate((self._ready, self._converter.process(block, self._ratio)))
        length = self.output_length(len(block))
        self._ready = ready[length:].copy()
        return ready[:length]


class DriftResampler:
    """A resampler whose ratio can be nudged while it runs, to follow a device whose clock runs fast or slow.

    It feeds the output ring, so it need not keep the stage contract: at a drift of zero it answers as many samples
    as `Resampler` does (to within one), otherwise up to 0.1 % more or fewer. The nudge glides over the next
    block, without a click. Equal rates are resampled too, so the delay does not depend on the drift.

    Attributes
    ----------
    rate, latency
        The output rate, and by how many of its samples the output lies behind.
    drift_ppm
        Parts per million of samples to make beyond the nominal ones; within ±1000. Set it before a block.
    """

    def __init__(self, input_rate: int, output_rate: int, quality: Quality = "sinc_fastest") -> None:
        self.input_rate = input_rate
        self.rate = output_rate
        self.latency = _wait(input_rate, output_rate, quality)
        self._converter = samplerate.Resampler(quality, 1)
        self.reset()

    @property
    def drift_ppm(self) -> float:
        """Parts per million of samples made beyond the nominal ones."""
        return self._drift_ppm

    @drift_ppm.setter
    def drift_ppm(self, value: float) -> None:
        self._drift_ppm = min(max(value, -MAXIMUM_DRIFT_PPM), MAXIMUM_DRIFT_PPM)

    def reset(self) -> None:
        """Forget everything heard, and the drift."""
        self._converter.reset()
        self._drift_ppm = 0.0
        self._silence = np.zeros(self.latency, np.float32)

    def process(self, block: Block) -> Block:
        """Resample a block of any length; return about `len(block) * rate / input_rate` samples."""
        ratio = self.rate / self.input_rate * (1 + 1e-6 * self._drift_ppm)
        output: Block = self._converter.process(block, ratio)
        if len(self._silence):
            output = np.concatenate((self._silence, output))
            self._silence = self._silence[:0]
        return output


def resample(audio: Block, input_rate: int, output_rate: int, quality: Quality = "sinc_medium") -> Block:
    """Resample a whole recording `[n]`; return `[ceil(n * output_rate / input_rate)]`, aligned with it."""
    resampler = Resampler(input_rate, output_rate, quality)
    length = -(-len(audio) * output_rate // input_rate)
    wanted = length + resampler.latency
    blocks = ceil(wanted / resampler.output_length(resampler.granularity))
    padded = np.zeros(max(blocks, 1) * resampler.granularity, np.float32)
    padded[: len(audio)] = audio
    return resampler.process(padded)[resampler.latency : wanted]
