"""Streaming sample-rate conversion.

Both classes use libsamplerate's sinc converters. Their output sample k is the input at time k / output rate, but it
only appears once the right half of the filter has been read. That gap is filled with silence once, so the delay is
constant and every block gets its output immediately. Each object belongs to one thread.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from typing import Literal

import numpy as np
import samplerate

from rtvc.dsp.stage import Block, Stage

Quality = Literal["sinc_fastest", "sinc_medium", "sinc_best"]
"""libsamplerate's filters: a delay of about 20, 47 and 144 samples at the lower rate, and a pass band of 80, 90 and
96 % of its Nyquist frequency."""

MAXIMUM_DRIFT_PPM = 1000.0


@lru_cache
def _wait(input_rate: int, output_rate: int, quality: Quality) -> int:
    """Return the largest number of output samples by which the converter lags its input.

    One is added: positions are floating point, so a sample due at the end of a block may come one block later.
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
    """Converts audio to another sample rate with a constant, known delay.

    A block of n samples gives exactly `n * output_rate / input_rate` samples, and the result does not depend on how
    the audio is cut into blocks. `latency` counts output samples (`rate` is the output rate) and is exact: an impulse
    comes out centred `latency` samples late. `granularity` is the smallest block that is whole at both rates: 3 for
    48 to 16 kHz, 441 for 44.1 to 16 kHz. With equal rates, audio passes unchanged.

    Parameters
    ----------
    input_rate, output_rate
        Sample rates in Hz.
    quality
        The filter: `sinc_fastest` has the shortest delay, `sinc_medium` a wider pass band.
    """

    def __init__(self, input_rate: int, output_rate: int, quality: Quality = "sinc_fastest") -> None:
        self.input_rate = input_rate
        self.output_rate = output_rate
        latency = 0 if input_rate == output_rate else _wait(input_rate, output_rate, quality)
        super().__init__(output_rate, latency, input_rate // gcd(input_rate, output_rate))
        self._ratio = output_rate / input_rate
        self._converter = samplerate.Resampler(quality, 1)
        self.reset()

    def output_length(self, samples: int) -> int:
        """Return the output samples of a block of `samples` samples, a multiple of `granularity`."""
        return samples * self.output_rate // self.input_rate

    def reset(self) -> None:
        """Return to the initial state."""
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
    """A resampler with an adjustable ratio, to follow a device whose clock runs fast or slow.

    It feeds the output ring, so it does not keep the stage contract: without drift a block gives as many samples as
    from `Resampler` (to within one), otherwise up to 0.1 % more or fewer. A change of ratio is spread over the next
    block, without a click. Equal rates are resampled too, so the delay does not depend on the drift.

    Attributes
    ----------
    rate, latency
        The output rate in Hz, and the delay in output samples.
    drift_ppm
        Additional output samples in parts per million, within ±1000. Set it before a block.
    """

    def __init__(self, input_rate: int, output_rate: int, quality: Quality = "sinc_fastest") -> None:
        self.input_rate = input_rate
        self.rate = output_rate
        self.latency = _wait(input_rate, output_rate, quality)
        self._converter = samplerate.Resampler(quality, 1)
        self.reset()

    @property
    def drift_ppm(self) -> float:
        """Additional output samples in parts per million."""
        return self._drift_ppm

    @drift_ppm.setter
    def drift_ppm(self, value: float) -> None:
        self._drift_ppm = min(max(value, -MAXIMUM_DRIFT_PPM), MAXIMUM_DRIFT_PPM)

    def reset(self) -> None:
        """Return to the initial state, without drift."""
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
