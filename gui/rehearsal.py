"""The real panel and engine over a recording: without a sound card, for pictures and measurements."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
from PyQt6.QtWidgets import QApplication

from gui.models.devices import Found
from gui.models.live import OpenEngine
from gui.player import QtPlayer
from gui.session import Session
from rtvc.app.live import LiveSetup
from rtvc.app.models import open_pack
from rtvc.app.preferences import PreferenceFile
from rtvc.app.virtual_microphone import VirtualMicrophoneState
from rtvc.audio_file import audio_writer
from rtvc.devices.port import AudioPort
from rtvc.devices.virtual_cable import DESCRIPTION, explain_virtual_cable
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.engine import Engine
from rtvc.live.file_port import FilePort
from rtvc.live.snapshot import Snapshot
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary, shipped_voices

START_SECONDS = 30.0
KEPT_SECONDS = 3.0
ROUNDS = 20


class RehearsalEngine(Engine):
    """An engine that can be stopped and goes on showing its last moment, so that a picture does not race it."""

    _kept: tuple[Snapshot, tuple[Block, Block]] | None = None

    def freeze(self) -> None:
        """Keep the snapshot and the sound of this moment, and stop."""
        self._kept = self.snapshot(), self.recent_audio(KEPT_SECONDS)
        self.stop()

    def snapshot(self) -> Snapshot:
        """Return the snapshot, or the kept one."""
        return super().snapshot() if self._kept is None else self._kept[0]

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds, or the kept sound."""
        return super().recent_audio(seconds) if self._kept is None else self._kept[1]


def rehearsal_session(folder: Path, seconds: float) -> Session:
    """Return a session whose microphone is a recording and whose output is a file.

    Parameters
    ----------
    folder
        Where everything is kept.
    seconds
        Length of the recording.
    """
    voice = shipped_voices()[-1].recording
    once = voice.read()
    with audio_writer(folder / "microphone.wav", voice.rate) as writer:
        writer.write(np.tile(once, int(seconds * voice.rate / len(once)) + 1))

    def open_port() -> AudioPort:
        return FilePort(folder / "microphone.wav", folder / "output.wav", overwrite=True)

    return port_session(folder, open_port)


def port_session(folder: Path, open_port: Callable[[], AudioPort]) -> Session:
    """Return a session that keeps everything in a folder, and whose engine takes this port for its devices."""

    def open_engine(setup: LiveSetup, settings: Settings) -> Engine:
        return RehearsalEngine(open_pack(setup.pack), open_port(), settings)

    def look(refresh: bool) -> Found:
        return Found((), VirtualMicrophoneState(DESCRIPTION, False, ""))

    return _session(folder, look, open_engine)


def bare_session(folder: Path) -> Session:
    """Return a session on a computer with nothing plugged in and no sound server."""

    def look(refresh: bool) -> Found:
        return Found((), VirtualMicrophoneState("", False, explain_virtual_cable()))

    return _session(folder, look)


def _session(folder: Path, look: Callable[[bool], Found], open_engine: OpenEngine | None = None) -> Session:
    """Return a session that keeps everything in a folder."""
    return Session(
        QtPlayer(),
        preferences=PreferenceFile(folder / "preferences.json"),
        library=VoiceLibrary(folder / "voices"),
        enrolments=EnrolmentLibrary(folder / "enrolments"),
        open_engine=open_engine,
        look=look,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Run the event loop until a condition holds; raise `RtvcError` after 30 s."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RtvcError("The engine did not start in time.")
        QApplication.processEvents()
        time.sleep(0.005)


def rest(seconds: float) -> None:
    """Run the event loop for so many seconds, and at least `ROUNDS` times.

    On a busy computer, a change of colours can take all that time in one round; the layout follows in the next ones.
    """
    end, rounds = time.monotonic() + seconds, count()
    wait_until(lambda: next(rounds) >= ROUNDS and time.monotonic() > end)
