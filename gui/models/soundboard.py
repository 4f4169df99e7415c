"""The soundboard's clips: found in a task, played into the running engine.

Lives on the GUI thread.
"""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import tr
from gui.models.live import LiveModel
from gui.models.preferences import PreferencesModel
from gui.tasks import Tasks
from rtvc.app.soundboard import find_clips


class SoundboardModel(QObject):
    """Plays the clips of the folder that the user chose.

    Signals
    -------
    changed
        `clips` has changed.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self, preferences: PreferencesModel, live: LiveModel, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._live = live
        self._tasks = tasks
        self.clips: list[Path] = []

    def choose_folder(self, folder: str) -> None:
        """Use the clips of another folder."""
        self._preferences.choose(clips=folder)
        self.reload()

    def reload(self) -> None:
        """Look for the clips; `changed` follows."""
        folder = self._preferences.options.clips
        if not folder:
            return

        def done(clips: list[Path]) -> None:
            self.clips = clips
            self.changed.emit()

        def failed(sentence: str) -> None:
            done([])
            self.failed.emit(sentence)

        self._tasks.start(lambda control: find_clips(Path(folder)), done, failed)

    def play(self, number: int) -> None:
        """Play a clip, from 1 on; nothing where there is none of this number."""
        engine, gain_db = self._live.engine, float(self._preferences.options.clip_gain_db)
        if number > len(self.clips):
            return
        if engine is None:
            self.noticed.emit(tr("Switch the voice changer on to play clips."))
            return
        path = self.clips[number - 1]
        self._tasks.start(lambda control: engine.play_clip(path, gain_db), failed=self.failed.emit)

    def stop(self) -> None:
        """Fade all clips out."""
        if (engine := self._live.engine) is not None:
            engine.stop_clips()
