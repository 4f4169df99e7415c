"""The user's own voice: record an enrolment, look it up for the microphone in use, forget it with undo.

Lives on the GUI thread; recording and analysis run in tasks.
"""

from __future__ import annotations

from enum import Enum, auto

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import tr
from gui.models.devices import DevicesModel
from gui.models.live import LiveModel
from gui.models.preferences import PreferencesModel
from gui.phrases import translated
from gui.tasks import Control, Task, Tasks
from gui.view.voices import known_voice
from rtvc.app import enrolment as enrolling
from rtvc.app.enrolment import EnrolmentProgress
from rtvc.app.preferences import Wiring
from rtvc.voices.enrolment import Enrolment, EnrolmentLibrary


class Enrolling(Enum):
    """Whether an enrolment is being recorded."""

    IDLE = auto()
    RECORDING = auto()


class EnrolmentModel(QObject):
    """What rtvc knows of the user's voice at the chosen microphone.

    Signals
    -------
    changed
        `enrolment` was replaced.
    heard
        While recording: an `EnrolmentProgress`, ten times a second.
    progressed
        Share of the recording, 0 … 1.
    finished
        A sentence: the recording succeeded.
    recording_failed
        A sentence: the recording failed or was cancelled.
    forgotten
        The enrolment was deleted; `undo_forgetting` brings it back.
    failed
        A sentence for the user: something else failed.
    """

    changed = pyqtSignal()
    heard = pyqtSignal(object)
    progressed = pyqtSignal(float)
    finished = pyqtSignal(str)
    recording_failed = pyqtSignal(str)
    forgotten = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        devices: DevicesModel,
        live: LiveModel,
        tasks: Tasks,
        library: EnrolmentLibrary,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._devices = devices
        self._live = live
        self._tasks = tasks
        self._library = library
        self.state = Enrolling.IDLE
        self.enrolment: Enrolment | None = None
        self._task: Task | None = None
        self._look_up_task: Task | None = None
        self._undo: tuple[Enrolment, Wiring] | None = None
        preferences.wiring_changed.connect(self.look_up)
        devices.changed.connect(self.look_up)

    def look_up(self) -> None:
        """Look for an enrolment at the chosen microphone; a microphone that is not plugged in has none."""
        wiring = self._preferences.wiring
        if self._look_up_task is not None:
            self._look_up_task.cancel()
        self._look_up_task = self._tasks.start(
            lambda control: enrolling.find_enrolment(wiring.microphone, wiring.pack, enrolments=self._library),
            self._show,
            lambda sentence: self._show(None),
        )

    def record(self, seconds: float) -> None:
        """Record the user's voice for so long; `finished` or `recording_failed` follow."""
        wiring, level = self._preferences.wiring, self._preferences.settings.noise_suppression

        def work(control: Control) -> Enrolment:
            def progress(heard: EnrolmentProgress) -> None:
                self.heard.emit(heard)
                control.progress(min(1.0, heard.seconds / seconds))

            return enrolling.record_enrolment(
                wiring.microphone,
                seconds,
                wiring.pack,
                noise_suppression=level,
                progress=progress,
                enrolments=self._library,
            )

        def done(enrolment: Enrolment) -> None:
            self._use(enrolment, wiring)
            self.finished.emit(translated(enrolment.warning) if enrolment.warning else known_voice(enrolment))

        def ended() -> None:
            cancelled = self._task is not None and self._task.cancelled
            self.state, self._task = Enrolling.IDLE, None
            if cancelled:
                self.recording_failed.emit(tr("The recording was cancelled. Start it again when you are ready."))

        self._task = self._devices.borrow(work, done, self.recording_failed.emit, self.progressed.emit, ended)
        if self._task is not None:
            self.state = Enrolling.RECORDING

    def cancel(self) -> None:
        """Cancel a recording."""
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Delete the enrolment; `forgotten` follows."""
        enrolment, wiring = self.enrolment, self._preferences.wiring
        if enrolment is None:
            return

        def done(existed: bool) -> None:
            self._undo = (enrolment, wiring)
            self._use(None, wiring)
            self.forgotten.emit()

        self._tasks.start(
            lambda control: enrolling.remove_enrolment(enrolment.microphone, wiring.pack, enrolments=self._library),
            done,
            self.failed.emit,
        )

    def undo_forgetting(self) -> None:
        """Bring the deleted enrolment back."""
        if self._undo is not None:
            (enrolment, wiring), self._undo = self._undo, None
            self._tasks.start(
                lambda control: enrolling.store_enrolment(enrolment, wiring.pack, enrolments=self._library),
                lambda nothing: self._use(enrolment, wiring),
                self.failed.emit,
            )

    def _use(self, enrolment: Enrolment | None, wiring: Wiring) -> None:
        """Take a change of the enrolment, unless the microphone or the pack has changed since."""
        current = self._preferences.wiring
        if (wiring.microphone, wiring.pack) != (current.microphone, current.pack):
            return
        if self._look_up_task is not None:
            self._look_up_task.cancel()
        if self._live.engine is not None:
            self._live.engine.enrolment = enrolment
        self._show(enrolment)

    def _show(self, enrolment: Enrolment | None) -> None:
        self.enrolment = enrolment
        self.changed.emit()
