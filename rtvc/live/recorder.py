"""Recording what goes into the live engine and what comes out of it.

The worker hands a `Recorder` blocks; a thread of the recorder writes them to disk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioWriter, audio_writer, check_destination
from rtvc.storage import StorageError


class Recorder:
    """Writes two recordings of the same length and rate, the microphone's and the output's.

    The files appear at `close`, readable by the user only. If the disk fills, WAV files keep what was recorded until
    then. If nothing was recorded, no file appears and none is replaced.

    Parameters
    ----------
    microphone, output
        The audio files to write.
    rate
        Samples per second of both.
    overwrite
        Whether existing files may be replaced.

    Attributes
    ----------
    failure
        Why recording has stopped, in a sentence; None while it goes on.

    Raises
    ------
    RtvcError
        If a file cannot be written there.
    """

    def __init__(self, microphone: Path, output: Path, rate: int, *, overwrite: bool = False) -> None:
        for path in (microphone, output):
            check_destination(path, overwrite)
        if microphone == output:
            raise RtvcError(f"{output}: cannot hold both recordings; name two files.")
        self.failure: str | None = None
        self._paths = (microphone, output)
        self._rate = rate
        self._overwrite = overwrite
        self._blocks: SimpleQueue[tuple[Block, Block] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="rtvc recorder", daemon=True)
        self._thread.start()

    def write(self, microphone: Block, output: Block) -> None:
        """Hand over two blocks `[n]`, which are not changed any more; returns at once."""
        if self.failure is None:
            self._blocks.put((microphone, output))

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
            self.failure = f"{error} The recording up to there is kept, and nothing more is recorded."
        except RtvcError as error:
            self.failure = str(error)

    def _write(self, blocks: Iterable[tuple[Block, Block]]) -> None:
        """Write both files. If the disk fills, finish both with what they hold, then raise `StorageError`."""
        microphone_path, output_path = self._paths
        failure: StorageError | None = None
        output_failure: StorageError | None = None
        # Each writer must see its own error only: one that belongs to the other file would discard this one.
        with self._writer(output_path) as output:
            try:
                with self._writer(microphone_path) as microphone:
                    for heard, sent in blocks:
                        microphone.write(heard)
                        try:
                            output.write(sent)
                        except StorageError as error:
                            output_failure = error
                            break
            except StorageError as error:
                failure = error
            if output_failure is not None:
                raise output_failure
        if failure is not None:
            raise failure

    def _writer(self, path: Path) -> AbstractContextManager[AudioWriter]:
        return audio_writer(path, self._rate, overwrite=self._overwrite, private=True, keep_partial=True)
