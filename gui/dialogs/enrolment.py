"""The enrolment wizard: 20 s of reading aloud teach rtvc the user's voice; it can also be forgotten."""

from __future__ import annotations

from PyQt6.QtWidgets import QPushButton, QWidget

from gui.dialogs.wizard import Wizard
from gui.language import tr
from gui.sections.enrolment import EnrolmentForm
from gui.session import Session
from gui.view.devices import NO_MICROPHONE, has_microphone


class EnrolmentDialog(Wizard):
    """Records, reports the result, and forgets."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Teach rtvc your voice"), parent)
        self._session = session
        self.form = EnrolmentForm(session)
        self.column.addWidget(self.form)
        self.forget_button = QPushButton(tr("Forget my voice"))
        self.forget_button.setProperty("kind", "quiet")
        self.forget_button.setAutoDefault(False)
        self.forget_button.clicked.connect(self._forget)
        self.foot.insertWidget(0, self.forget_button)
        self.close_button = QPushButton(tr("Cancel"))
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.close)
        self.start_button = QPushButton(tr("Start"))
        self.start_button.setProperty("kind", "primary")
        self.start_button.setDefault(True)
        self.start_button.clicked.connect(self.start)
        self.foot.addWidget(self.close_button)
        self.foot.addWidget(self.start_button)
        self.form.ended.connect(self._finish)
        session.enrolment.changed.connect(self._show_known)
        session.devices.changed.connect(self._follow_devices)
        self._show_known()
        self._follow_devices()

    def start(self) -> None:
        """Record."""
        self.forget_button.hide()
        self.start_button.setEnabled(False)
        self.start_button.setText(tr("Listening…"))
        self.form.start()

    def done(self, result: int) -> None:
        """Cancel a recording, however the dialog is closed."""
        self._session.enrolment.cancel()
        super().done(result)

    def _follow_devices(self) -> None:
        found = has_microphone(self._session.devices.devices)
        self.start_button.setEnabled(found)
        if not found:
            self.form.outcome.setText(tr(NO_MICROPHONE))

    def _show_known(self) -> None:
        self.forget_button.setVisible(self._session.enrolment.enrolment is not None)

    def _forget(self) -> None:
        # The main window offers Undo, which this dialog would cover.
        self._session.enrolment.forget()
        self.close()

    def _finish(self, succeeded: bool) -> None:
        if succeeded:
            self.close_button.setText(tr("Done"))
        self._show_known()
        self.start_button.setText(tr("Record again") if succeeded else tr("Try again"))
        self.start_button.setEnabled(True)
