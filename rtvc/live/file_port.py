"""Files in place of the audio devices, played and written in real time.

A thread of the port takes the place of both device callbacks. The worker opens and closes the port.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rtvc.audio_file import AudioFile, audio_writer, check_destination
from rtvc.devices.sides import BLOCK_SECONDS, Capture, Playback
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

STALL_SECONDS = 0.5
"""After a pause longer than this, as when the computer was suspended, the clock restarts without catching up."""


class FilePort:
    """An `AudioPort` that reads its input from a file and writes its output to another.

    The output starts with the first block of the input and continues for `tail` seconds after its end.

    Parameters
    ----------
    source
        The recording to play. Its sample rate must be a multiple of 100 Hz.
    destination
        The audio file to write, at the same rate. It appears when the port ends or is closed.
    tail
        Seconds of silence after the recording; at least the delay of the chain.
    overwrite
        Whether to replace an existing destination.
    """

    def __init__(
        self, source: str | Path, destination: str | Path, *, tail: float = 0.5, overwrite: bool = False
    ) -> None:
        check_destination(Path(destination), overwrite)
        self._file = AudioFile(source)
        rate = self._file.rate
        if rate % 100:
            raise RtvcError(
                f"{source}: live needs a sample rate that is a multiple of 100 Hz, not {rate} Hz: resample the file."
            )
        self.capture = Capture(rate)
        self.playback = Playback(rate)
        self.monitor: Playback | None = None
        self.warning = ""
        self._destination = Path(destination)
        self._tail = tail
        self._overwrite = overwrite
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None
        self._ended = False

    @property
    def microphone_name(self) -> str:
        """Empty: there is no microphone."""
        return ""

    def open(self) -> None:
        """Rewind the recording."""
        self._stopping.clear()
        self._failure = None
        self._ended = False

    def start(self) -> None:
        """Start playing the recording."""
        self._thread = threading.Thread(target=self._run, name="rtvc file port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and complete the destination with what was played so far."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        """Return why the recording could not be read, or the destination could not be written."""
        return self._failure

    @property
    def ended(self) -> bool:
        """Whether the recording and its tail were played and the destination is complete, or the port has failed."""
        return self._ended or self._failure is not None

    def _blocks(self) -> Iterator[Block]:
        size = self.capture.block
        for block in self._file.blocks(size):
            yield np.pad(block, (0, size - len(block)))
        for _ in range(round(self._tail / BLOCK_SECONDS)):
            yield np.zeros(size, np.float32)

    def _run(self) -> None:
        try:
            with audio_writer(self._destination, self.playback.rate, overwrite=self._overwrite) as writer:
                out = np.zeros(self.playback.block, np.float32)
                due = time.monotonic()
                for block in self._blocks():
                    due += BLOCK_SECONDS
                    if self._stopping.wait(max(0.0, due - time.monotonic())):
                        break
                    if time.monotonic() - due > STALL_SECONDS:  # suspended: do not catch up
                        due = time.monotonic()
                    self.capture.push(block)
                    self.playback.pull(out)
                    writer.write(out)
            self._ended = True
        except RtvcError as error:
            self._failure = str(error)
