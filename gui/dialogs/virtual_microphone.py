"""The wizard of the virtual microphone: create it, test it, choose it in Discord or OBS."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.dialogs.wizard import Wizard
from gui.language import tr
from gui.phrases import translated
from gui.session import Session
from gui.view.devices import steps_text
from gui.view.levels import level_text, tone_verdict
from gui.widgets.labels import label, set_tone
from rtvc.app.virtual_microphone import application_steps


class VirtualMicrophoneDialog(Wizard):
    """Three steps on one page."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Be heard in Discord or OBS"), parent)
        self._session = session

        box = self._step("1", tr("The virtual microphone"))
        self.state = label("", wrap=True)
        box.addWidget(self.state)
        self.create_button = QPushButton(tr("Create it now"))
        self.create_button.setProperty("kind", "primary")
        self.create_button.clicked.connect(session.devices.make_virtual_microphone)
        box.addWidget(self.create_button, 0, Qt.AlignmentFlag.AlignLeft)

        box = self._step("2", tr("Does sound come through?"))
        self.verdict = label("", "muted", wrap=True)
        box.addWidget(self.verdict)
        self.test_button = QPushButton(tr("Send a test tone"))
        self.test_button.clicked.connect(self._test)
        box.addWidget(self.test_button, 0, Qt.AlignmentFlag.AlignLeft)

        box = self._step("3", tr("Choose it where you talk"))
        self.steps = label("", wrap=True)
        box.addWidget(self.steps)

        self.close_button = QPushButton(tr("Done"))
        self.close_button.clicked.connect(self.close)
        self.foot.addWidget(self.close_button)
        session.devices.changed.connect(self._show)
        session.live.power_changed.connect(self._show)
        session.devices.tone_heard.connect(self._show_tone)
        session.devices.tone_failed.connect(self._complain)
        self._show()

    def showEvent(self, event: QShowEvent | None) -> None:
        """List the devices again: the user may have installed a cable since."""
        super().showEvent(event)
        self._session.devices.reload()

    def _step(self, number: str, heading: str) -> QVBoxLayout:
        box = self.add_frame()
        box.addWidget(label(f"{number}   {heading}", "heading", wrap=True))
        return box

    def _show(self) -> None:
        microphone = self._session.devices.virtual_microphone
        self.create_button.setVisible(not microphone.name and microphone.can_create)
        set_tone(self.state, "good" if microphone.name else "")
        self.state.setText(
            tr("“{microphone}” is ready.", microphone=microphone.name)
            if microphone.name
            else translated(microphone.explanation)
        )
        idle = not self._session.live.on and not self._session.live.changing
        self.test_button.setEnabled(bool(microphone.name) and idle)
        if not self.verdict.text() or not idle:
            set_tone(self.verdict, "")
            self.verdict.setText(
                tr("rtvc plays a short tone into the virtual microphone and records it there.")
                if idle
                else tr("Switch the voice changer off to test with a tone.")
            )
        name = microphone.name or tr("the virtual microphone")
        self.steps.setText("\n\n".join(steps_text(steps) for steps in application_steps(name)))

    def _test(self) -> None:
        self._say(tr("Listening…"), "")
        self.test_button.setEnabled(False)
        self._session.devices.test_tone()

    def _show_tone(self, level: float) -> None:
        good, sentence = tone_verdict(level)
        self._say(tr("{sentence} ({level})", sentence=sentence, level=level_text(level)), "good" if good else "bad")

    def _complain(self, sentence: str) -> None:
        self._say(sentence, "bad")

    def _say(self, sentence: str, tone: str) -> None:
        set_tone(self.verdict, tone)
        self.verdict.setText(sentence)
        self.test_button.setEnabled(True)
