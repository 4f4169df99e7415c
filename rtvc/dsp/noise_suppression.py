"""Noise suppression in front of the encoder: RNNoise (Valin, arXiv 1709.08243) from the package pyrnnoise.

RNNoise also gives the probability of speech of every 10 ms, which the gate can follow. Stages run on the thread that
processes blocks; call `load_rnnoise` on another thread first, because loading its 15 MB takes longer than a step.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np

from rtvc.dsp.level import Ramp
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.errors import RtvcError

RATE = 48_000
FRAME = 480
DELAY = 960
"""Samples by which RNNoise's output lags its input: half of its 20 ms window, and a frame of lookahead."""

FULL_SCALE = 32768.0
"""RNNoise expects the range of 16-bit samples."""

_LIBRARIES = {"linux": "librnnoise.so", "darwin": "librnnoise.dylib", "win32": "rnnoise.dll"}


class NoiseSuppression(StrEnum):
    """How much of the noise to remove.

    Attributes
    ----------
    OFF
        None of it; no delay.
    LIGHT
        About 10 dB of it: the result is mixed with 30 % of the original.
    STRONG
        All that RNNoise removes.
    """

    OFF = "off"
    LIGHT = "light"
    STRONG = "strong"

    @property
    def share(self) -> float:
        """Share of RNNoise's output in the result, 0 … 1."""
        return {NoiseSuppression.OFF: 0.0, NoiseSuppression.LIGHT: 0.7, NoiseSuppression.STRONG: 1.0}[self]

    def check(self) -> None:
        """Raise `RtvcError` if it is on and RNNoise is not installed."""
        if self is not NoiseSuppression.OFF:
            load_rnnoise()


@cache
def load_rnnoise() -> ctypes.CDLL:
    """Return RNNoise's library; raise `RtvcError` if it is not installed.

    Only the library is loaded: the Python code around it imports PyAV and Matplotlib, which rtvc does without.
    """
    package = importlib.util.find_spec("pyrnnoise")
    folders = [] if package is None else package.submodule_search_locations or []
    for folder in folders:
        path = Path(folder) / _LIBRARIES.get(sys.platform, "librnnoise.so")
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        library.rnnoise_create.argtypes, library.rnnoise_create.restype = [ctypes.c_void_p], ctypes.c_void_p
        library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [ctypes.c_void_p], None
        library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        library.rnnoise_process_frame.restype = ctypes.c_float
        return library
    raise RtvcError(
        "Noise suppression needs RNNoise, which is not installed or not made for this system: "
        "`pip install --no-deps pyrnnoise` adds it."
    )


class _Rnnoise:
    """One stream through RNNoise."""

    def __init__(self) -> None:
        self._library = load_rnnoise()
        self._state = self._library.rnnoise_create(None)

    def __del__(self) -> None:
        self._library.rnnoise_destroy(self._state)

    def process(self, frame: Block) -> float:
        """Replace a frame `[480]` of contiguous 32-bit samples by the next of the result; return P(speech)."""
        probability: float = self._library.rnnoise_process_frame(self._state, frame.ctypes.data, frame.ctypes.data)
        return probability


class NoiseSuppressor(Stage):
    """Removes noise from audio at 48 kHz and detects speech, in blocks of whole 10 ms.

    While `level` is `OFF`, audio passes unchanged and without delay, and speech is still detected.

    Attributes
    ----------
    level
        How much noise to remove. A change between off and on acts at the next `reset`, as it changes the latency; a
        change between light and strong fades.
    speech
        Probability of speech of each 10 ms of the last block: `[frames]`. It refers to the input, not to the delayed
        output.
    """

    def __init__(self, level: NoiseSuppression) -> None:
        super().__init__(RATE, granularity=FRAME)
        self.level = level
        self._share = Ramp(RATE, level.share)
        self.reset()

    def reset(self) -> None:
        """Return to the initial state, at the present level."""
        self._rnnoise = _Rnnoise()
        self._removing = self.level is not NoiseSuppression.OFF
        self.latency = DELAY if self._removing else 0
        self._late = Delay(self.latency, 0.0)
        self._share.target = self.level.share
        self._share.reset()
        self.speech = np.zeros(0, np.float32)

    def _process(self, block: Block) -> Block:
        scaled = np.multiply(block, FULL_SCALE, dtype=np.float32)
        self.speech = np.array([self._rnnoise.process(frame) for frame in scaled.reshape(-1, FRAME)], np.float32)
        if not self._removing:
            return block
        original = self._late(block)
        if self.level is not NoiseSuppression.OFF:
            self._share.target = self.level.share
        share = self._share.next(len(block))
        return np.asarray(original + share * (scaled / np.float32(FULL_SCALE) - original), np.float32)


def suppress_noise(audio: Block, rate: int, level: NoiseSuppression) -> Block:
    """Return a whole recording `[n]` at `rate` Hz with its noise removed: as long as it, and aligned with it."""
    if level is NoiseSuppression.OFF or len(audio) == 0:
        return audio
    chain = Chain([Resampler(rate, RATE), NoiseSuppressor(level), Resampler(RATE, rate)])
    # A block that is whole at both rates, and whole frames of 10 ms at 48 kHz.
    unit = chain.granularity
    while unit * RATE // rate % FRAME:
        unit += chain.granularity
    delay = round(chain.latency_seconds * rate)
    padded = np.zeros(-(-(len(audio) + delay) // unit) * unit, np.float32)
    padded[: len(audio)] = audio
    result: Block = chain.process(padded)[delay : delay + len(audio)]
    return result
