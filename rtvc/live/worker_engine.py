"""What live engines have in common, wherever their models run: the worker's life, and a recording of what it moves.

The worker runs `_run`, and alone opens and closes the port. Any thread may call the public methods, which return at
once, except `stop`, `stop_recording` and `wait`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from rtvc.devices.port import AudioPort
from rtvc.dsp.soundboard import Soundboard
from rtvc.errors import RtvcError
from rtvc.live.clips import play_clip
from rtvc.live.recorder import Recorder
from rtvc.live.snapshot import State

JOIN_SECONDS = 5.0
RETRY_SECONDS = 0.5


class WorkerEngine(ABC):
    """Base of `Engine` and `RemoteEngine`, whose workers pass blocks to `_recorder`."""

    def __init__(self, port: AudioPort) -> None:
        self.port = port
        self._state, self._message = State.STOPPED, ""
        self._recorder: Recorder | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start, and return at once; `snapshot` tells when the engine runs or has failed."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the engine is running already")
        self._stopping.clear()
        self._state, self._message = State.STARTING, ""
        self._prepare()
        self._thread = threading.Thread(target=self._run, name="rtvc worker", daemon=True)
        self._thread.start()

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

    def play_clip(self, path: Path, gain_db: float = 0.0) -> None:
        """Mix a recording into the output and the monitor: what the listeners hear, muted or not.

        Reads it on the calling thread. Raises `RtvcError` if it cannot be read, or lasts longer than 10 min.
        """
        play_clip(path, self._soundboards, gain_db)

    def stop_clips(self) -> None:
        """Fade all clips out."""
        for board in self._soundboards:
            board.stop()

    @property
    def _recording_failure(self) -> str:
        """Why the recording has stopped, as a sentence; empty otherwise."""
        recorder = self._recorder
        return "" if recorder is None else recorder.failure or ""

    @property
    @abstractmethod
    def _soundboards(self) -> Sequence[Soundboard]:
        """Those of the output and of the monitor, while the port is open."""

    @abstractmethod
    def _prepare(self) -> None:
        """Forget the run before. Called by the thread that starts the engine."""

    @abstractmethod
    def _convert(self) -> None:
        """Open the port and move sound until stopped; raise `RtvcError` if that cannot go on."""

    @abstractmethod
    def _release(self) -> None:
        """End what the worker has started, whatever became of it."""

    def _run(self) -> None:
        """Run the worker."""
        try:
            self._convert()
            self._state = State.STOPPED
        except RtvcError as error:
            self._state, self._message = State.FAILED, str(error)
        except BaseException as error:
            self._state = State.FAILED
            self._message = f"The engine has stopped because of an internal error ({error!r})."
            raise
        finally:
            self.port.close()
            self._release()

    def _reopened(self, failure: str, open_port: Callable[[], None]) -> bool:
        """Mute and close the port, and open it again until that succeeds; return False if stopped first."""
        self._state, self._message = State.RECOVERING, f"{failure.rstrip('.')}: trying again."
        self.port.playback.muted = True
        self.port.close()
        while not self._stopping.wait(RETRY_SECONDS):
            try:
                open_port()
            except RtvcError as error:
                self._message = f"{str(error).rstrip('.')}: trying again."
            else:
                return True
        return False
