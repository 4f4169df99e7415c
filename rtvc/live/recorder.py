"""Recording what goes into the live engine and what comes out of it.

The worker hands a `Recorder` blocks; a thread of the recorder writes them to disk.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import audio_writer, check_destination


class Recorder:
    """Writes two recordings of the same length and rate, the microphone's and the output's.

    The files appear, complete, at `close`; none does, and none is replaced, if nothing was recorded.

    Parameters
    ----------
    microphone, output
        The audio files to write.
    rate
        Samples a second of both.
    overwrite
        Whether existing files may be replaced.

    Attributes
    ----------
    failure
        Why nothing more is recorded, in one sentence; None while all is well.

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
        first = list(islice(blocks, 1))
        if not first:
            return
        try:
            with ExitStack() as stack:
                writers = [
                    stack.enter_context(audio_writer(path, self._rate, overwrite=self._overwrite, private=True))
                    for path in self._paths
                ]
                for pair in chain(first, blocks):
                    for writer, block in zip(writers, pair, strict=True):
                        writer.write(block)
        except RtvcError as error:
            self.failure = str(error)
