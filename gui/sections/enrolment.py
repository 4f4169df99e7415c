"""Recording an enrolment: the text to read, the level, the progress and the result."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFrame, QProgressBar, QVBoxLayout, QWidget

from gui.language import number, tr, tr_noop
from gui.session import Session
from gui.theme import SPACE
from gui.view.voices import known_voice
from gui.widgets.labels import label, set_tone
from gui.widgets.level_meter import LevelMeter
from rtvc.app.enrolment import EnrolmentProgress

SECONDS = 20.0
TEXT = tr_noop(
    "Early in the morning the harbour is quiet. A few gulls quarrel over a crust of bread, and somewhere a rope "
    "knocks against a mast. Then the first boat comes in, low in the water, and everyone wakes at once: crates are "
    "thrown, jokes are shouted, a dog runs in circles. By nine it is all over, and only the smell of fish and of "
    "strong coffee is left."
)


class EnrolmentForm(QWidget):
    """Records when `start` is called; `ended` tells whether an enrolment came of it."""

    ended = pyqtSignal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addWidget(
            label(
                tr(
                    "rtvc learns your voice while you talk. If it has learnt your voice beforehand, even the first "
                    "words are converted well. Press Start and read this aloud for {seconds} seconds, "
                    "in your normal voice:",
                    seconds=number(SECONDS),
                ),
                "muted",
                wrap=True,
            )
        )
        frame = QFrame()
        frame.setObjectName("card")
        box = QVBoxLayout(frame)
        box.setContentsMargins(2 * SPACE, SPACE + SPACE // 2, 2 * SPACE, 2 * SPACE)
        box.addWidget(label(tr(TEXT), "reading", wrap=True))
        column.addWidget(frame)
        self.meter = LevelMeter(tr("Microphone"))
        column.addWidget(self.meter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(tr("Progress of the recording"))
        column.addWidget(self.bar)
        self.outcome = label("", wrap=True)
        column.addWidget(self.outcome)
        session.enrolment.heard.connect(self._hear)
        # Bound methods, not lambdas: Qt disconnects them when a dialog with this form is deleted.
        session.enrolment.progressed.connect(self._show_progress)
        session.enrolment.finished.connect(self._finish)
        session.enrolment.recording_failed.connect(self._fail)
        session.enrolment.changed.connect(self._show_known)
        self._show_known()

    def start(self) -> None:
        """Record."""
        set_tone(self.outcome, "")
        self.outcome.setText("")
        self.bar.setValue(0)
        self._session.enrolment.record(SECONDS)

    def _show_known(self) -> None:
        enrolment = self._session.enrolment.enrolment
        if enrolment is not None and not self.outcome.text():
            self.outcome.setText(known_voice(enrolment))

    def _hear(self, heard: EnrolmentProgress) -> None:
        self.meter.set_level(heard.level_dbfs, heard.peak_dbfs)
        self.outcome.setText(tr("{seconds} s of speech so far", seconds=number(heard.speech_seconds)))

    def _show_progress(self, share: float) -> None:
        self.bar.setValue(round(1000 * share))

    def _finish(self, sentence: str) -> None:
        self._end(sentence, True)

    def _fail(self, sentence: str) -> None:
        self._end(sentence, False)

    def _end(self, sentence: str, succeeded: bool) -> None:
        set_tone(self.outcome, "good" if succeeded else "bad")
        self.outcome.setText(sentence)
        self.ended.emit(succeeded)
