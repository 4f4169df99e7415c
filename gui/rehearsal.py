"""The real panel and engine over a recording: without a sound card, for pictures and for measurements."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PyQt6.QtWidgets import QApplication

from gui.backend import LocalBackend
from gui.options import Options
from gui.protocol import VirtualMicrophoneState
from rtvc.app.preferences import PreferenceFile, Wiring
from rtvc.devices.portaudio import Device
from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.errors import RtvcError
from rtvc.files.audio_file import audio_writer
from rtvc.live.engine import Engine
from rtvc.live.file_port import FilePort
from rtvc.packs.pack import find_pack
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary, shipped_voices

START_SECONDS = 30.0


class RecordingBackend(LocalBackend):
    """A backend whose microphone is a recording and whose output is a file.

    Parameters
    ----------
    folder
        Where everything is kept.
    seconds
        How long the recording is.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(
            PreferenceFile(folder / "preferences.json"),
            VoiceLibrary(folder / "voices"),
            EnrolmentLibrary(folder / "enrolments"),
        )
        self._folder = folder
        voice = shipped_voices()[-1].recording
        once = voice.read()
        with audio_writer(folder / "microphone.wav", voice.rate) as writer:
            writer.write(np.tile(once, int(seconds * voice.rate / len(once)) + 1))

    def devices(self, refresh: bool) -> Sequence[Device]:
        """List none: those of this machine are of no account."""
        return ()

    def virtual_microphone(self) -> VirtualMicrophoneState:
        """Tell of it as where there is one."""
        return VirtualMicrophoneState(DESCRIPTION, False, "")

    def open_engine(self, wiring: Wiring, settings: Settings, options: Options) -> Engine:
        """Make an engine between the two files."""
        port = FilePort(self._folder / "microphone.wav", self._folder / "output.wav", overwrite=True)
        return Engine(find_pack(wiring.pack), port, settings)


def wait_until(condition: Callable[[], bool]) -> None:
    """Run the event loop until something is so; raise `RtvcError` if that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RtvcError("The engine did not start in time.")
        QApplication.processEvents()
        time.sleep(0.005)


def rest(seconds: float) -> None:
    """Run the event loop for so long."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end)
