"""The enrolment wizard: 20 s of reading aloud teach rtvc the user's voice; it can also be forgotten."""

from __future__ import annotations

from PyQt6.QtWidgets import QProgressBar, QPushButton, QWidget

from gui.dialogs.wizard import Wizard
from gui.session import Session
from gui.view.voices import known_voice
from gui.widgets.labels import label, set_tone
from gui.widgets.level_meter import LevelMeter
from rtvc.app.enrolment import EnrolmentProgress

SECONDS = 20.0
TEXT = (
    "Early in the morning the harbour is quiet. A few gulls quarrel over a crust of bread, and somewhere a rope "
    "knocks against a mast. Then the first boat comes in, low in the water, and everyone wakes at once: crates are "
    "thrown, jokes are shouted, a dog runs in circles. By nine it is all over, and only the smell of fish and of "
    "strong coffee is left."
)


class EnrolmentDialog(Wizard):
    """Explains, records, and reports the result."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Teach rtvc your voice", parent)
        self._session = session
        self.column.addWidget(
            label(
                "rtvc learns your voice while you talk. If it knows your voice beforehand, even the first words are "
                f"converted well. Press Start and read this aloud for {SECONDS:.0f} seconds, in your normal voice:",
                "muted",
                wrap=True,
            )
        )
        self.add_frame().addWidget(label(TEXT, "reading", wrap=True))
        self.meter = LevelMeter("Microphone")
        self.column.addWidget(self.meter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the recording")
        self.column.addWidget(self.bar)
        self.outcome = label("", wrap=True)
        self.column.addWidget(self.outcome)
        self.forget_button = QPushButton("Forget my voice")
        self.forget_button.setProperty("kind", "quiet")
        self.forget_button.setAutoDefault(False)
        self.forget_button.clicked.connect(self._forget)
        self.foot.insertWidget(0, self.forget_button)
        self.close_button = QPushButton("Cancel")
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.close)
        self.start_button = QPushButton("Start")
        self.start_button.setProperty("kind", "primary")
        self.start_button.setDefault(True)
        self.start_button.clicked.connect(self.start)
        self.foot.addWidget(self.close_button)
        self.foot.addWidget(self.start_button)
        session.enrolment.heard.connect(self._hear)
        session.enrolment.progressed.connect(self._show_progress)
        session.enrolment.finished.connect(self._finish)
        session.enrolment.recording_failed.connect(self._fail)
        session.enrolment.changed.connect(self._show_known)
        self._show_known()

    def start(self) -> None:
        """Record."""
        self.forget_button.hide()
        self.start_button.setEnabled(False)
        self.start_button.setText("Listening…")
        set_tone(self.outcome, "")
        self.outcome.setText("")
        self.bar.setValue(0)
        self._session.enrolment.record(SECONDS)

    def done(self, result: int) -> None:
        """Cancel a recording, however the dialog is closed."""
        self._session.enrolment.cancel()
        super().done(result)

    def _show_known(self) -> None:
        enrolment = self._session.enrolment.enrolment
        self.forget_button.setVisible(enrolment is not None)
        if enrolment is not None and not self.outcome.text():
            self.outcome.setText(known_voice(enrolment))

    def _forget(self) -> None:
        # The main window offers Undo, which this dialog would cover.
        self._session.enrolment.forget()
        self.close()

    def _hear(self, heard: EnrolmentProgress) -> None:
        self.meter.set_level(heard.level_dbfs, heard.peak_dbfs)
        self.outcome.setText(f"{heard.speech_seconds:.0f} s of speech so far")

    def _show_progress(self, share: float) -> None:
        self.bar.setValue(round(1000 * share))

    def _finish(self, sentence: str) -> None:
        set_tone(self.outcome, "good")
        self.outcome.setText(sentence)
        self._again("Once more")
        self.close_button.setText("Done")

    def _fail(self, sentence: str) -> None:
        set_tone(self.outcome, "bad")
        self.outcome.setText(sentence)
        self._again("Try again")

    def _again(self, words: str) -> None:
        self.forget_button.setVisible(self._session.enrolment.enrolment is not None)
        self.start_button.setText(words)
        self.start_button.setEnabled(True)
