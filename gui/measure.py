"""Cost of the panel: start time, longest block of the event loop, share of a core, and what the engine loses by it.

`measure` starts its own process without a window, with the real engine over a recording. The figures are those of the
GUI thread alone: they exclude the engine's work but include waiting for the interpreter lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PyQt6.QtCore import QElapsedTimer, QEventLoop, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from gui.main_window import MainWindow
from gui.models.devices import Use
from gui.rehearsal import START_SECONDS, port_session, rehearsal_session, rest, wait_until
from gui.session import Session
from gui.theme import theme
from rtvc.benchmark.game_load import game_load
from rtvc.benchmark.loops import PulseLoop
from rtvc.benchmark.soak import COUNTERS
from rtvc.benchmark.workload import Speech
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State

BEAT_MILLISECONDS = 10
SETTLING_SECONDS = 4.0


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


def measure(seconds: float, stress: bool = False) -> int:
    """Print the panel's figures, each measured over so many seconds; return an exit code.

    With `stress`, print instead what the engine lost while the panel showed it, beside a load like a game's.
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    began = time.time()
    command = [sys.executable, "-m", "gui.measure", str(seconds), str(began), *(["stress"] if stress else [])]
    return subprocess.run(command, env=environment).returncode


def _measure(seconds: float, began: float) -> None:
    """Print the figures of this process, which was started at `began`, in seconds of the system clock."""
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch:
        session = rehearsal_session(Path(scratch), 2 * seconds + START_SECONDS)
        with _live(application, session, began) as window:
            for spectrogram in (False, True):
                window.live.drawer.expander.set_open(spectrogram)
                _watch(seconds, "live, with the spectrogram" if spectrogram else "live")


def _measure_loss(seconds: float, began: float) -> None:
    """Print what the engine lost beside a load, with panel and engine on virtual devices in this process."""
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch, PulseLoop() as loop:
        session = port_session(Path(scratch), lambda: loop.port)
        with _live(application, session, began) as window:
            window.live.drawer.expander.set_open(True)
            loop.start(lambda rate, block: Speech(rate).blocks(block), lambda block: None)
            try:
                rest(SETTLING_SECONDS)
                with game_load():
                    before = session.live.snapshot
                    _watch(seconds, "live under load, with the spectrogram")
                    after = session.live.snapshot
            finally:
                loop.stop()
            counts = [f"{getattr(after, name) - getattr(before, name)} {name.replace('_', ' ')}" for name in COUNTERS]
            print(f"{after.priority}: {', '.join(counts)}; p99 of a step {1000 * after.compute_p99_seconds:.1f} ms")


@contextmanager
def _live(application: QApplication, session: Session, began: float) -> Iterator[MainWindow]:
    """Open the panel without a window, print its start, and yield it while it is live."""
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
        yield window
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
        (_measure_loss if "stress" in sys.argv else _measure)(float(sys.argv[1]), float(sys.argv[2]))
    except RtvcError as error:
        sys.exit(f"rtvc-gui: {error}")
