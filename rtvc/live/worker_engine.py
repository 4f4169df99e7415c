"""What live engines have in common, wherever their models run: a worker thread, and a recording of what it moves.

Any thread may call the methods. They return at once, except `stop`, `stop_recording` and `wait`.
"""

from __future__ import annotations

import threading
from pathlib import Path

from rtvc.errors import RtvcError
from rtvc.live.recorder import Recorder

JOIN_SECONDS = 5.0


class WorkerEngine:
    """Base of `Engine` and `RemoteEngine`, which start the worker and pass blocks to `_recorder`."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """Stop, and finish any recording; may be called again.

        Waits at most 5 s for the devices to close: a sound server that hangs blocks the worker, not the caller.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
        self.stop_recording()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the engine has stopped, as it does at the end of a file; return whether it has."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def start_recording(self, microphone: Path, output: Path, *, overwrite: bool = False) -> None:
        """Record the microphone, and the output as it is heard, at 48 kHz. Raises as `Recorder`."""
        if self._recorder is not None:
            raise RtvcError("A recording is being made already: stop it first.")
        self._recorder = Recorder(microphone, output, overwrite=overwrite)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one; raise `RtvcError` if it could not be written."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()
