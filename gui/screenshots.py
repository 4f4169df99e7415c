"""Pictures of every page, light and dark, at 100 % and 150 %: the real panel and engine, over a recording.

`take_screenshots` starts one process for each scale, since Qt takes the scale when it starts; no window is opened.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PyQt6.QtWidgets import QApplication, QWidget

from gui.backend import LocalBackend
from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.main_window import MainWindow
from gui.options import Options
from gui.player import QtPlayer
from gui.protocol import VirtualMicrophoneState
from gui.session import Session
from gui.theme import Appearance, theme
from rtvc.audio.devices import Device
from rtvc.audio.duplex import FilePort
from rtvc.audio.files import atomic_writer
from rtvc.audio.virtual_microphone import DESCRIPTION
from rtvc.engine import Engine
from rtvc.enrolment import EnrolmentLibrary
from rtvc.errors import RtvcError
from rtvc.pack import find_pack
from rtvc.preferences import PreferenceFile, Wiring
from rtvc.settings import Settings
from rtvc.snapshot import State
from rtvc.voices import VoiceLibrary, shipped_voices

SCALES = ("1", "1.5")
SIZES = ((1400, 860), (900, 1060), (360, 1000))
RECORDING_SECONDS = 90
SETTLE_SECONDS = 0.3
SPEECH_SECONDS = 5.0
START_SECONDS = 30.0


def take_screenshots(folder: Path) -> int:
    """Write the pictures into a folder; return an exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    for scale in SCALES:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
        code = subprocess.run(
            [sys.executable, "-m", "gui.screenshots", str(folder), scale], env=environment
        ).returncode
        if code:
            return code
    return 0


class RecordingBackend(LocalBackend):
    """A backend whose microphone is a recording and whose output is a file: it needs no sound card."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            PreferenceFile(folder / "preferences.json"),
            VoiceLibrary(folder / "voices"),
            EnrolmentLibrary(folder / "enrolments"),
        )
        self._folder = folder
        voice = shipped_voices()[-1].recording
        once = voice.read()
        with atomic_writer(folder / "microphone.wav", voice.rate) as writer:
            writer.write(np.tile(once, int(RECORDING_SECONDS * voice.rate / len(once)) + 1))

    def devices(self, refresh: bool) -> Sequence[Device]:
        """List none: a builder's devices are not worth a picture."""
        return ()

    def virtual_microphone(self) -> VirtualMicrophoneState:
        """Tell of it as where there is one."""
        return VirtualMicrophoneState(DESCRIPTION, False, "")

    def open_engine(self, wiring: Wiring, settings: Settings, options: Options) -> Engine:
        """Make an engine between the two files."""
        port = FilePort(self._folder / "microphone.wav", self._folder / "output.wav", overwrite=True)
        return Engine(find_pack(wiring.pack), port, settings)


def _take(folder: Path, scale: str) -> None:
    """Take all pictures at the scale of this process."""
    application = QApplication(sys.argv[:1])
    theme.install(application, Appearance.LIGHT)
    with tempfile.TemporaryDirectory() as scratch:
        session = Session(RecordingBackend(Path(scratch)), QtPlayer())
        failures: list[str] = []
        session.failed.connect(failures.append)
        window = MainWindow(session)
        window.show()
        session.begin()
        try:
            _until(lambda: session.pack.feature_dim > 1 or bool(failures))
            session.set_power(True)
            _until(lambda: session.snapshot.state is State.RUNNING or bool(failures))
            _rest(SPEECH_SECONDS)
            if failures:
                raise RtvcError(failures[0])
            for appearance in (Appearance.LIGHT, Appearance.DARK):
                session.choose(appearance=appearance)
                _pages(window, folder, f"{appearance}-{round(float(scale) * 100)}")
        finally:
            window.close()


def _pages(window: MainWindow, folder: Path, suffix: str) -> None:
    session = window.session
    session.choose(welcomed=False, spectrogram=False)
    window.live.drawer.expander.set_open(False)
    window.resize(*SIZES[0])
    _save(window, folder / f"welcome-{suffix}.png")
    session.choose(welcomed=True)
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
    _rest(SETTLE_SECONDS)
    widget.grab().save(str(path))


def _rest(seconds: float) -> None:
    began = time.monotonic()
    with suppress(RtvcError):
        _until(lambda: time.monotonic() > began + seconds)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RtvcError("The engine did not start in time for the pictures.")
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    try:
        _take(Path(sys.argv[1]), sys.argv[2])
    except RtvcError as error:
        sys.exit(f"rtvc-gui: {error}")
