"""Enhancement of converted files, as MKL-VC's authors advise: by DeepFilterNet, or by the user's Resemble Enhance.

Everything runs on the calling thread; Resemble Enhance is a program of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from rtvc.audio_file import AudioFile, audio_writer
from rtvc.dsp.deepfilternet import FRAME, DeepFilterNet, load_deepfilternet
from rtvc.dsp.deepfilternet import RATE as DEEPFILTERNET_RATE
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain
from rtvc.errors import RtvcError

RESEMBLE = "resemble-enhance"
RESEMBLE_OPTIONS = ("--nfe", "128", "--tau", "0", "--lambd", "1")
"""Denoise first, 128 function evaluations, temperature 0, as in MKL-VC (arXiv 2506.09709)."""

Write = Callable[[Block], None]


class Enhancer(StrEnum):
    """What enhances the result.

    Attributes
    ----------
    NONE
        Nothing.
    DEEPFILTERNET
        DeepFilterNet 3, about as fast as the conversion itself.
    RESEMBLE
        Resemble Enhance, if the user has installed it: minutes for a minute on a CPU.
    """

    NONE = "none"
    DEEPFILTERNET = "deepfilternet"
    RESEMBLE = "resemble"

    def check(self) -> None:
        """Raise `RtvcError` if it is not installed."""
        if self is Enhancer.DEEPFILTERNET:
            load_deepfilternet()
        elif self is Enhancer.RESEMBLE:
            _resemble()


class Enhancement(Protocol):
    """Takes a result block after block and hands on the enhanced one, of the same length in all."""

    def write(self, block: Block) -> None:
        """Take the next block `[n]`."""
        ...

    def close(self) -> None:
        """Hand on what is left."""
        ...


def enhancement(enhancer: Enhancer, rate: int, write: Write) -> Enhancement:
    """Return what enhances sound at `rate` Hz and calls `write` with the result."""
    if enhancer is Enhancer.NONE:
        return _Nothing(write)
    return _Streamed(rate, write) if enhancer is Enhancer.DEEPFILTERNET else _Resemble(rate, write)


class _Nothing:
    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, block: Block) -> None:
        self._write(block)

    def close(self) -> None:
        pass


class _Streamed:
    """DeepFilterNet between two resamplers, in constant memory."""

    def __init__(self, rate: int, write: Write) -> None:
        self._chain = Chain(
            [Resampler(rate, DEEPFILTERNET_RATE), DeepFilterNet(), Resampler(DEEPFILTERNET_RATE, rate)]
        )
        self._write = write
        self._unit = self._chain.granularity
        while self._unit * DEEPFILTERNET_RATE // rate % FRAME:
            self._unit += self._chain.granularity
        self._waiting = np.zeros(0, np.float32)
        self._latency = self._skip = round(self._chain.latency_seconds * rate)
        self._taken = self._given = 0

    def write(self, block: Block) -> None:
        self._taken += len(block)
        self._process(block)

    def close(self) -> None:
        missing = self._taken - self._given
        whole = -(-(missing + self._latency + len(self._waiting)) // self._unit) * self._unit
        self._process(np.zeros(whole, np.float32))

    def _process(self, block: Block) -> None:
        joined = np.concatenate((self._waiting, block))
        whole = len(joined) // self._unit * self._unit
        self._waiting = joined[whole:]
        if not whole:
            return
        result = self._chain.process(joined[:whole])
        dropped = min(self._skip, len(result))
        self._skip -= dropped
        result = result[dropped : dropped + self._taken - self._given]
        self._given += len(result)
        if len(result):
            self._write(result)


class _Resemble:
    """The program `resemble-enhance` over a file of the whole result."""

    def __init__(self, rate: int, write: Write) -> None:
        self._program = _resemble()
        self._rate, self._write = rate, write
        self._length = 0
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="rtvc-")))
        (self._folder / "in").mkdir()
        self._writing = ExitStack()
        self._file = self._writing.enter_context(
            audio_writer(self._folder / "in" / "result.wav", rate, subtype="PCM_24")
        )

    def write(self, block: Block) -> None:
        self._file.write(block)
        self._length += len(block)

    def close(self) -> None:
        with self._stack:
            self._writing.close()
            source, target = self._folder / "in", self._folder / "out"
            command = [self._program, str(source), str(target), *RESEMBLE_OPTIONS]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
            result = target / "result.wav"
            if done.returncode or not result.exists():
                reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1][:200]
                raise RtvcError(f"Resemble Enhance failed ({reason}): convert without --enhance.")
            enhanced = AudioFile(result).read(self._rate)[: self._length]
            self._write(np.pad(enhanced, (0, self._length - len(enhanced))))


def _resemble() -> str:
    beside = Path(sys.executable).with_name(RESEMBLE)
    found = shutil.which(str(beside)) or shutil.which(RESEMBLE)
    if found is None:
        raise RtvcError(
            "Resemble Enhance is not installed: `pip install resemble-enhance` in an environment on the PATH, or use "
            "--enhance deepfilternet."
        )
    return found
