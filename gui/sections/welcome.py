"""The first start: three steps, and then it is out of the way for good."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton, QWidget

from gui.session import Session
from gui.widgets.card import Card
from gui.widgets.flow import Flow
from gui.widgets.labels import label


class WelcomeSection(Card):
    """Shown until it is dismissed."""

    microphone_wanted = pyqtSignal()
    enrolment_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Welcome", parent)
        self.body.addWidget(
            label(
                "Pick a voice and press the round button: whoever listens to the virtual microphone hears you in "
                "that voice. Five seconds of any voice, dropped into this window, make a new one. Everything stays "
                "on this computer.",
                wrap=True,
            )
        )
        actions = Flow()
        self.microphone = QPushButton("Be heard in Discord or OBS…")
        self.microphone.clicked.connect(self.microphone_wanted)
        self.teach = QPushButton("Teach rtvc my voice…")
        self.teach.clicked.connect(self.enrolment_wanted)
        self.dismiss = QPushButton("Got it")
        self.dismiss.setProperty("kind", "primary")
        self.dismiss.clicked.connect(lambda: session.preferences.choose(welcomed=True))
        for button in (self.dismiss, self.microphone, self.teach):
            actions.add(button)
        self.body.addWidget(actions)
        self._session = session
        session.preferences.options_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setVisible(not self._session.preferences.options.welcomed)
