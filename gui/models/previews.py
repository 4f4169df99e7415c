"""Playing references and previews to the user.

Lives on the GUI thread; conversion and resampling run in tasks, so the window never waits for them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import tr
from gui.models.devices import DevicesModel
from gui.models.preferences import PreferencesModel
from gui.player import QtPlayer
from gui.tasks import Control, Task, Tasks
from gui.view.units import percent_text
from rtvc.app import voices
from rtvc.app.voices import Sound
from rtvc.dsp.resample import resample
from rtvc.errors import RtvcError
from rtvc.voices.voice import Voice

MYSELF_SECONDS = 4.0


class Playing(Enum):
    """What the player does."""

    NOTHING = auto()
    RECORDING = auto()
    PREPARING = auto()
    SOUNDING = auto()


class PreviewsModel(QObject):
    """Plays one voice at a time.

    Signals
    -------
    changed
        Name of the voice that is played or prepared, or empty; and the share that was played.
    recording_progressed
        Share of the recording for `hear_myself`, 0 … 1; below 0 once it has ended.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal(str, float)
    recording_progressed = pyqtSignal(float)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        devices: DevicesModel,
        tasks: Tasks,
        player: QtPlayer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._devices = devices
        self._tasks = tasks
        self._player = player
        self._task: Task | None = None
        self._recording_folder: tempfile.TemporaryDirectory[str] | None = None
        self._asked = ("", "")  # what is played or prepared, and of which voice
        self.state = Playing.NOTHING
        self.voice = ""
        """Name of the voice that is played or prepared; empty for none."""

    def play_reference(self, voice: Voice) -> None:
        """Play a voice's reference, or stop it."""
        self._start("reference", voice.name, lambda control: voices.reference(voice))

    def play_preview(self, voice: Voice) -> None:
        """Play a sentence converted into a voice, or stop it."""
        pack, settings = self._preferences.wiring.pack, self._preferences.settings

        def work(control: Control) -> Sound:
            # Nothing is heard before all of it is converted, so only a long fit shows its progress.
            return voices.preview(
                voice, pack, settings, progress=lambda share: control.check(), fitting=control.progress
            )

        self._start("preview", voice.name, work)

    def hear_myself(self, voice: Voice) -> None:
        """Record the user for 4 s, convert that into a voice and play it, or stop it; nobody else hears it."""
        before = self._asked
        self.stop()
        if before == ("myself", voice.name):
            return
        microphone = self._preferences.wiring.microphone
        pack, settings = self._preferences.wiring.pack, self._preferences.settings
        folder = tempfile.TemporaryDirectory(prefix="rtvc-panel-", ignore_cleanup_errors=True)

        def convert(path: Path) -> None:
            self._start(
                "myself",
                voice.name,
                lambda control: voices.preview(
                    voice,
                    pack,
                    settings,
                    speech=path,
                    progress=lambda share: control.check(),
                    fitting=control.progress,
                ),
            )

        def ended() -> None:
            self.recording_progressed.emit(-1.0)
            # The conversion that may follow keeps the recording until it has read it.
            self._recording_folder = folder

        self._task = self._devices.borrow(
            lambda control: voices.record_reference(
                microphone, MYSELF_SECONDS, Path(folder.name), progress=control.progress
            ),
            convert,
            self._fail,
            self.recording_progressed.emit,
            ended,
        )
        if self._task is not None:
            self._asked = ("myself", voice.name)
            self._enter(Playing.RECORDING, voice.name)

    def _fail(self, sentence: str) -> None:
        self.stop()
        self.failed.emit(sentence)

    def stop(self) -> None:
        """Stop playing and preparing."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._player.stop()
        self._asked = ("", "")
        self._enter(Playing.NOTHING, "")

    def _enter(self, state: Playing, voice: str) -> None:
        self.state, self.voice = state, voice
        self.changed.emit(voice, 0.0)

    def _start(self, kind: str, name: str, work: Callable[[Control], Sound]) -> None:
        """Play what `work` returns; asking for the same again stops it, and asking for something else replaces it."""
        recorded = self.state is Playing.RECORDING
        before = self._asked
        self.stop()
        if before == (kind, name) and not recorded:
            return
        self._asked = (kind, name)
        try:
            rate = self._player.rate()
        except RtvcError as error:
            self.failed.emit(str(error))
            return

        def resampled(control: Control) -> Sound:
            sound = work(control)
            return Sound(resample(sound.audio, sound.rate, rate), rate)

        def ready(sound: Sound) -> None:
            self._task = None
            self._enter(Playing.SOUNDING, name)
            try:
                self._player.play(sound, lambda share: self.changed.emit(name, share), self.stop)
            except RtvcError as error:
                self._fail(str(error))

        def progressed(share: float) -> None:
            self.noticed.emit(
                tr("Fitting the map to {name} for the preview: {percent}", name=name, percent=percent_text(share))
            )

        self._enter(Playing.PREPARING, name)
        self._task = self._tasks.start(resampled, ready, self._fail, progressed)
