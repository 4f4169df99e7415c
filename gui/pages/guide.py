"""The guided first run: one step at a time."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QHideEvent, QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.language import tr
from gui.sections.guide_steps import ApplicationsStep, EnrolmentStep, MicrophoneStep, VirtualMicrophoneStep, VoiceStep
from gui.session import Session
from gui.theme import SPACE
from gui.widgets.labels import label
from gui.widgets.page import Page

LOWEST_STEP = 32 * SPACE
"""Most steps fit: the buttons below stay where they are from step to step."""


class GuidePage(Page):
    """One step at a time, with the way back, on, and out."""

    finished = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.microphone = MicrophoneStep(session)
        self.virtual_microphone = VirtualMicrophoneStep(session)
        self.voice = VoiceStep(session)
        self.enrolment = EnrolmentStep(session)
        self.applications = ApplicationsStep(session)
        self.steps = (self.microphone, self.virtual_microphone, self.voice, self.enrolment, self.applications)
        self.column.addStretch(1)
        self.column.addWidget(label(tr("Set up rtvc"), "title"))
        self.column.addWidget(
            label(tr("Five steps, about two minutes. Everything stays on this computer."), "muted", wrap=True)
        )
        self.progress = label("", "caption", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, len(self.steps))
        reached = QVBoxLayout()
        reached.setSpacing(SPACE)
        reached.addWidget(self.progress)
        reached.addWidget(self.bar)
        self.column.addLayout(reached)
        stack = QVBoxLayout()
        for step in self.steps:
            step.setMinimumHeight(LOWEST_STEP)
            stack.addWidget(step)
        self.column.addLayout(stack)
        self.skip = QPushButton(tr("Skip the setup"))
        self.skip.setProperty("kind", "link")
        self.skip.clicked.connect(self._finish)
        self.back = QPushButton(tr("Back"))
        self.back.clicked.connect(lambda: self.show_step(self.index - 1))
        self.next = QPushButton()
        self.next.setProperty("kind", "primary")
        self.next.clicked.connect(self._go_on)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        self.column.addLayout(row)
        # In a row of its own: with large letters, three German words need more than 360 pixels.
        self.column.addWidget(self.skip, alignment=Qt.AlignmentFlag.AlignRight)
        self.column.addStretch(2)
        self.index = 0
        self.show_step(session.preferences.options.guide_step)

    def show_step(self, index: int) -> None:
        """Show a step; it is remembered, so that the guide resumes there."""
        self.steps[self.index].leave()
        self.index = min(max(index, 0), len(self.steps) - 1)
        for number, step in enumerate(self.steps):
            step.setVisible(number == self.index)
        self.progress.setText(tr("Step {number} of {count}", number=self.index + 1, count=len(self.steps)))
        self.bar.setValue(self.index + 1)
        self.bar.setAccessibleName(self.progress.text())
        self.back.setEnabled(self.index > 0)
        self.next.setText(tr("Start talking") if self.index == len(self.steps) - 1 else tr("Next"))
        self._session.preferences.choose(guide_step=self.index)
        if self.isVisible():
            self.steps[self.index].enter()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Enter the step where the guide was left."""
        super().showEvent(event)
        self.steps[self.index].enter()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop what the step does."""
        super().hideEvent(event)
        self.steps[self.index].leave()

    def _go_on(self) -> None:
        if self.index < len(self.steps) - 1:
            self.show_step(self.index + 1)
            return
        self._finish()
        self._session.live.set_power(True)

    def _finish(self) -> None:
        self._session.preferences.choose(welcomed=True, guide_step=0)
        self.finished.emit()
