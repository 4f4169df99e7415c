"""The voices: list, outlines, choice, adding, renaming, deleting with undo, recording a new one.

Lives on the GUI thread; analysis and recording run in tasks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.models.devices import DevicesModel
from gui.models.preferences import PreferencesModel
from gui.tasks import Control, Task, Tasks
from gui.view.voices import Outline, envelope
from rtvc.app import voices
from rtvc.app.voices import AddedVoice
from rtvc.errors import RtvcError
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice

RECORD_SECONDS = 5.0


class VoicesModel(QObject):
    """The voices of a library, and which one is chosen.

    Signals
    -------
    changed
        The list has changed.
    outline_ready
        Name of a voice whose outline is known now.
    deleted
        Name of a voice that was hidden; `undo_deletion` or `settle_deletion` follow.
    recording_progressed, recorded
        Share of a new voice's recording, 0 … 1 (below 0: none is being made), and its file.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal()
    outline_ready = pyqtSignal(str)
    deleted = pyqtSignal(str)
    recording_progressed = pyqtSignal(float)
    recorded = pyqtSignal(object)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        devices: DevicesModel,
        tasks: Tasks,
        library: VoiceLibrary,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._devices = devices
        self._tasks = tasks
        self._library = library
        self._scratch = tempfile.TemporaryDirectory(prefix="rtvc-panel-", ignore_cleanup_errors=True)
        self.voices: Sequence[Voice] = ()
        self.outlines: dict[Path, Outline] = {}
        self._hidden: set[str] = set()
        self._adding: set[str] = set()
        self._recording: Task | None = None

    def reload(self) -> None:
        """List the voices again; choose the first one if the chosen one is gone."""
        self.voices = [voice for voice in self._library.list() if voice.name not in self._hidden]
        listed = {voice.reference for voice in self.voices}
        self.outlines = {path: outline for path, outline in self.outlines.items() if path in listed}
        for voice in self.voices:
            if voice.reference not in self.outlines:
                self.outlines[voice.reference] = Outline()
                self._tasks.start(partial(_outline, voice), partial(self._take_outline, voice), self.failed.emit)
        self.changed.emit()

    def choose_existing(self) -> None:
        """Choose the first voice if the chosen one does not exist."""
        if self.voices and self._preferences.settings.voice not in self.names():
            self._preferences.change(voice=self.voices[0].name)

    def _take_outline(self, voice: Voice, outline: Outline) -> None:
        if voice.reference in self.outlines:
            self.outlines[voice.reference] = outline
            self.outline_ready.emit(voice.name)

    def find(self, name: str) -> Voice:
        """Return the listed voice of a name."""
        return next(voice for voice in self.voices if voice.name == name)

    def names(self) -> set[str]:
        """Return the names of the listed voices."""
        return {voice.name for voice in self.voices}

    def taken_names(self) -> set[str]:
        """Return all names in use, including voices that are being added or whose deletion can be undone."""
        return self.names() | self._hidden | self._adding

    def choose_number(self, number: int) -> None:
        """Choose a voice by its position, from 1."""
        if number <= len(self.voices):
            self._preferences.change(voice=self.voices[number - 1].name)

    def add(self, name: str, recordings: Sequence[Path]) -> None:
        """Store a voice and choose it."""
        pack = self._preferences.wiring.pack
        self._adding.add(name)
        self.noticed.emit(f"Adding {name} …")

        def added(voice: AddedVoice) -> None:
            self.reload()
            self._preferences.change(voice=name)
            self.noticed.emit(voice.warning or f"{name} is ready.")

        self._tasks.start(
            lambda control: voices.add_voice(name, recordings, pack, voices=self._library),
            added,
            self.failed.emit,
            finished=lambda: self._adding.discard(name),
        )

    def rename(self, name: str, new_name: str) -> None:
        """Rename one of the user's voices; presets follow."""
        try:
            self._library.rename(name, new_name)
        except RtvcError as error:
            self.failed.emit(str(error))
            return
        self.reload()
        self._preferences.follow_renamed_voice(name, new_name)

    def delete(self, name: str) -> None:
        """Hide a voice; `settle_deletion` deletes it, `undo_deletion` brings it back."""
        self._hidden.add(name)
        self.reload()
        if self._preferences.settings.voice == name:
            self._preferences.change(voice=self.voices[0].name if self.voices else "")
        self.deleted.emit(name)

    def undo_deletion(self, name: str) -> None:
        """Show a hidden voice again and choose it."""
        self._hidden.discard(name)
        self.reload()
        self._preferences.change(voice=name)

    def settle_deletion(self, name: str) -> None:
        """Delete a hidden voice for good."""
        if name in self._hidden:
            self._hidden.discard(name)
            try:
                self._library.remove(name)
            except RtvcError as error:
                self.failed.emit(str(error))
                self.reload()

    def record(self) -> None:
        """Record the microphone for a new voice, or cancel that; `recorded` carries the file."""
        if self._recording is not None:
            self._recording.cancel()
            return
        microphone = self._preferences.wiring.microphone

        def finished() -> None:
            self._recording = None
            self.recording_progressed.emit(-1.0)

        self._recording = self._devices.borrow(
            lambda control: voices.record_reference(
                microphone, RECORD_SECONDS, Path(self._scratch.name), progress=control.progress
            ),
            self.recorded.emit,
            self.failed.emit,
            self.recording_progressed.emit,
            finished,
        )
        if self._recording is not None:
            self.recording_progressed.emit(0.0)

    def close(self) -> None:
        """Delete the voices that are still hidden."""
        for name in list(self._hidden):
            self.settle_deletion(name)
        self._scratch.cleanup()


def _outline(voice: Voice, control: Control) -> Outline:
    sound = voices.reference(voice)
    return Outline(len(sound.audio) / sound.rate, envelope(sound.audio))
