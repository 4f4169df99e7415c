"""Recording the live engine's input and output.

The worker passes blocks to a `Recorder`, which writes them to disk on a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

from rtvc.audio_file import AudioWriter, audio_writer, check_destination
from rtvc.dsp.resample import DriftResampler
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.storage import StorageError

RATE = 48_000
"""Sample rate of recordings in Hz."""


@dataclass(frozen=True)
class _Sound:
    block: Block
    rate: int
    drift_ppm: float = 0.0


class _Track:
    """Brings one side to the rate of recordings. Both sides are resampled, so that they stay aligned."""

    def __init__(self) -> None:
        self._resampler = DriftResampler(RATE, RATE)

    def at_rate(self, sound: _Sound) -> Block:
        """Return the next block at the rate of recordings, by the clock of the microphone."""
        if self._resampler.input_rate != sound.rate:
            self._resampler = DriftResampler(sound.rate, RATE)
        self._resampler.drift_ppm = -sound.drift_ppm
        return self._resampler.process(sound.block)


class Recorder:
    """Writes two recordings at 48 kHz, aligned to 1 ms: the microphone's and the output's.

    The files appear on `close`, readable by the user only. If nothing was recorded, no file appears and none is
    replaced. If the disk fills up, or a WAV file reaches 4 GiB (12 hours), recording stops; WAV files keep what was
    written, other formats leave nothing.

    Parameters
    ----------
    microphone, output
        The audio files to write.
    overwrite
        Whether existing files may be replaced.

    Attributes
    ----------
    failure
        Why recording has stopped, as a sentence; None while it continues.

    Raises
    ------
    RtvcError
        If a file cannot be written there.
    """

    def __init__(self, microphone: Path, output: Path, *, overwrite: bool = False) -> None:
        for path in (microphone, output):
            check_destination(path, overwrite)
        if microphone == output:
            raise RtvcError(f"{output}: cannot contain both recordings; name two files.")
        self.failure: str | None = None
        self._paths = (microphone, output)
        self._overwrite = overwrite
        self._blocks: SimpleQueue[tuple[_Sound, _Sound] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="rtvc recorder", daemon=True)
        self._thread.start()

    def write(self, microphone: Block, output: Block, rates: tuple[int, int], drift_ppm: float = 0.0) -> None:
        """Queue two blocks of the same duration for writing and return at once.

        The caller must not modify them afterwards. `rates` are theirs in Hz; `drift_ppm` is by how much the output's
        block is longer, to follow the clock of its device.
        """
        if self.failure is None:
            self._blocks.put((_Sound(microphone, rates[0]), _Sound(output, rates[1], drift_ppm)))

    def close(self) -> None:
        """Finish both files; raise `RtvcError` if they could not be written."""
        self._blocks.put(None)
        self._thread.join()
        if self.failure is not None:
            raise RtvcError(self.failure)

    def _run(self) -> None:
        blocks = iter(self._blocks.get, None)
        first = next(blocks, None)
        if first is None:
            return
        try:
            self._write(chain([first], blocks))
        except StorageError as error:
            kept = " and ".join(path.name for path in self._paths if path.suffix.lower() == ".wav")
            consequence = f"is kept in {kept}" if kept else "is lost"
            self.failure = f"{error} Recording has stopped; what was recorded {consequence}."
        except RtvcError as error:
            self.failure = str(error)

    def _write(self, blocks: Iterable[tuple[_Sound, _Sound]]) -> None:
        tracks = _Track(), _Track()
        # A disk error of either file ends both, and each keeps its part.
        with self._writer(self._paths[0]) as microphone, self._writer(self._paths[1]) as output:
            for heard, sent in blocks:
                microphone.write(tracks[0].at_rate(heard))
                output.write(tracks[1].at_rate(sent))

    def _writer(self, path: Path) -> AbstractContextManager[AudioWriter]:
        return audio_writer(path, RATE, overwrite=self._overwrite, private=True, keep_partial=True)
