"""Cost of the panel: start time, longest block of the event loop, and share of a core.

`measure` starts its own process without a window, with the real engine over a recording. The figures are those of the
GUI thread alone: they exclude the engine's work but include waiting for the interpreter lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PyQt6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from gui.main_window import MainWindow
from gui.models.devices import Use
from gui.rehearsal import START_SECONDS, rehearsal_session, wait_until
from gui.theme import theme
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State

BEAT_MILLISECONDS = 10


class Heartbeat:
    """Measures the longest block of the event loop."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MILLISECONDS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Start measuring, from zero."""
        self.longest = 0.0
        self._clock.start()
        self._timer.start()

    def _beat(self) -> None:
        self.longest = max(self.longest, self._clock.nsecsElapsed() / 1e6 - BEAT_MILLISECONDS)
        self._clock.start()


def measure(seconds: float) -> int:
    """Print the panel's figures, each measured over so many seconds; return an exit code."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    began = time.time()
    return subprocess.run([sys.executable, "-m", "gui.measure", str(seconds), str(began)], env=environment).returncode


def _measure(seconds: float, began: float) -> None:
    """Print the figures of this process, which was started at `began`, in seconds of the system clock."""
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch:
        session = rehearsal_session(Path(scratch), 2 * seconds + START_SECONDS)
        theme.install(application, session.preferences.options.appearance)
        window = MainWindow(session)
        window.show()
        session.begin()
        failures: list[str] = []
        session.failed.connect(failures.append)
        wait_until(lambda: (session.packs.figures is not None and session.devices.use is Use.FREE) or bool(failures))
        print(f"start to a usable window: {time.time() - began:.2f} s, {time.process_time():.2f} s of processor time")
        session.preferences.choose(welcomed=True)
        try:
            session.live.set_power(True)
            wait_until(lambda: session.live.snapshot.state is State.RUNNING or bool(failures))
            if failures:
                raise RtvcError(failures[0])
            for spectrogram in (False, True):
                window.live.drawer.expander.set_open(spectrogram)
                _watch(seconds, "live, with the spectrogram" if spectrogram else "live")
        finally:
            window.close()


def _watch(seconds: float, name: str) -> None:
    heartbeat, loop = Heartbeat(), QEventLoop()
    QTimer.singleShot(0, heartbeat.start)
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    worked, wall = time.thread_time(), time.monotonic()
    loop.exec()
    share = (time.thread_time() - worked) / (time.monotonic() - wall)
    print(f"{name}: {share:.1%} of a core, longest block {heartbeat.longest:.0f} ms")


if __name__ == "__main__":
    try:
        _measure(float(sys.argv[1]), float(sys.argv[2]))
    except RtvcError as error:
        sys.exit(f"rtvc-gui: {error}")
