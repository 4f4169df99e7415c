"""Pictures of every page, light and dark, at 100 % and 150 %: the real panel and engine over a recording.

`take_screenshots` starts one process per scale, because Qt reads the scale at start; no window is opened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from PyQt6.QtWidgets import QApplication, QWidget

from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.main_window import MainWindow
from gui.rehearsal import START_SECONDS, RehearsalEngine, rehearsal_session, rest, wait_until
from gui.theme import Appearance, theme
from gui.view.status import Tone
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State
from rtvc.storage import make_folder

SCALES = ("1", "1.5")
SIZES = ((1400, 860), (900, 1060), (360, 1000))
SETTLE_SECONDS = 0.3
SPEECH_SECONDS = 5.0
LOUD_DBFS = -30.0


def take_screenshots(folder: Path) -> int:
    """Write the pictures into a folder; return an exit code."""
    make_folder(folder)
    for scale in SCALES:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
        code = subprocess.run(
            [sys.executable, "-m", "gui.screenshots", str(folder), scale], env=environment
        ).returncode
        if code:
            return code
    return 0


def _take(folder: Path, scale: str) -> None:
    """Take all pictures at the scale of this process."""
    application = QApplication(sys.argv[:1])
    theme.install(application, Appearance.LIGHT)
    with tempfile.TemporaryDirectory() as scratch:
        session = rehearsal_session(Path(scratch), 3 * START_SECONDS)
        failures: list[str] = []
        session.failed.connect(failures.append)
        window = MainWindow(session)
        window.resize(*SIZES[0])
        window.show()
        session.begin()
        try:
            wait_until(lambda: session.packs.figures is not None or bool(failures))
            session.live.set_power(True)
            wait_until(lambda: session.live.snapshot.state is State.RUNNING or bool(failures))
            rest(SPEECH_SECONDS)
            with suppress(RtvcError):  # a computer that cannot keep up shows that in its picture
                wait_until(
                    lambda: session.live.status.tone is Tone.GOOD and session.live.snapshot.input_level > LOUD_DBFS
                )
            if failures or session.live.engine is None:
                raise RtvcError("; ".join(failures) or session.live.status.sentence)
            assert isinstance(session.live.engine, RehearsalEngine)
            session.live.engine.freeze()
            for appearance in (Appearance.LIGHT, Appearance.DARK):
                session.preferences.choose(appearance=appearance)
                _pages(window, folder, f"{appearance}-{round(float(scale) * 100)}")
        finally:
            window.close()


def _pages(window: MainWindow, folder: Path, suffix: str) -> None:
    session = window.session
    session.preferences.choose(welcomed=False, spectrogram=False)
    window.live.drawer.expander.set_open(False)
    window.resize(*SIZES[0])
    _save(window, folder / f"welcome-{suffix}.png")
    session.preferences.choose(welcomed=True)
    for tab in window.tabs:
        tab.click()
        for width, height in SIZES:
            window.resize(width, height)
            _save(window, folder / f"{tab.text().lower()}-{width}-{suffix}.png")
    window.tabs[0].click()
    window.resize(*SIZES[0])
    window.live.drawer.expander.set_open(True)
    _save(window, folder / f"spectrogram-{suffix}.png")
    for name, dialog in (
        ("enrolment", EnrolmentDialog(session, window)),
        ("virtual-microphone", VirtualMicrophoneDialog(session, window)),
    ):
        dialog.show()
        _save(dialog, folder / f"{name}-{suffix}.png")
        dialog.close()


def _save(widget: QWidget, path: Path) -> None:
    rest(SETTLE_SECONDS)
    widget.grab().save(str(path))


if __name__ == "__main__":
    try:
        _take(Path(sys.argv[1]), sys.argv[2])
    except RtvcError as error:
        sys.exit(f"rtvc-gui: {error}")
