"""Power, status, and the switches used while talking."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.hotkeys import explained
from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.levels import level_fraction
from gui.view.status import LIVE, Status, Tone
from gui.widgets.card import Card
from gui.widgets.labels import FittedLabel, explain, label, set_text, set_tone
from gui.widgets.power_button import PowerButton
from gui.widgets.toggle import Toggle
from rtvc.app.live import LatencyProfile
from rtvc.live.snapshot import Snapshot


class PowerSection(Card):
    """On and off, bypass, mute and push-to-talk."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setAccessibleName(tr("Voice changer"))
        self._session = session
        self.power = PowerButton()
        self.power.clicked.connect(session.live.set_power)
        self.headline = FittedLabel("hero")
        self.sentence = label("", "muted", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sentence.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        row = QHBoxLayout()
        row.setSpacing(SPACE + SPACE // 2)
        row.addWidget(self.power)
        words = QVBoxLayout()
        words.setSpacing(SPACE // 4)
        words.addStretch(1)
        words.addWidget(self.headline)
        words.addWidget(self.sentence)
        words.addStretch(1)
        row.addLayout(words, 1)
        self.body.addLayout(row)

        self.safe = QPushButton(tr("Use the Safe profile"))
        self.safe.setProperty("kind", "primary")
        explain(self.safe, tr("More delay, but fewer gaps while a game keeps the computer busy."))
        self.safe.clicked.connect(lambda: session.preferences.choose(profile=LatencyProfile.SAFE))
        self.body.addWidget(self.safe)

        self.bypass = Toggle(tr("Bypass"), "bypass")
        self.mute = Toggle(tr("Mute"), "mute", danger=True)
        self.push_to_talk = Toggle(tr("Push to talk"), "hand")
        self.record = Toggle(tr("Record"), "record")
        self.talk = QPushButton(tr("Hold to talk"))
        self.talk.setProperty("kind", "primary")
        self.record.clicked.connect(session.live.set_recording)
        self.bypass.clicked.connect(lambda on: session.preferences.change(bypass=on))
        self.mute.clicked.connect(lambda on: session.preferences.change(mute=on))
        self.push_to_talk.clicked.connect(lambda on: session.preferences.change(push_to_talk=on, talking=False))
        self.talk.pressed.connect(lambda: session.preferences.change(talking=True))
        self.talk.released.connect(lambda: session.preferences.change(talking=False))
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        grid.addWidget(self.bypass, 0, 0)
        grid.addWidget(self.mute, 0, 1)
        grid.addWidget(self.push_to_talk, 1, 0)
        grid.addWidget(self.record, 1, 1)
        grid.addWidget(self.talk, 2, 0, 1, 2)
        self.body.addLayout(grid)

        session.preferences.options_changed.connect(self._explain)
        session.preferences.settings_changed.connect(self._show_settings)
        session.live.power_changed.connect(self._show_power)
        session.live.polled.connect(self._poll)
        self._explain()
        self._show_settings()
        self._show_power()
        self._poll(session.live.snapshot, session.live.status)

    def _explain(self) -> None:
        for button, name, explanation in (
            (self.power, "power", tr("Switch the voice changer on or off")),
            (self.bypass, "bypass", tr("Send your own voice, with the same delay as the converted one")),
            (self.mute, "mute", tr("Send silence")),
            (self.push_to_talk, "push_to_talk", tr("Send sound only while the talk key is held")),
            (self.record, "record", tr("Record the microphone and the output to files")),
            (self.talk, "talk", tr("Hold this button or the talk key to be heard")),
        ):
            explain(button, explained(explanation, self._session.preferences.options, name))

    def _show_settings(self) -> None:
        settings = self._session.preferences.settings
        self.bypass.setChecked(settings.bypass)
        self.mute.setChecked(settings.mute)
        self.push_to_talk.setChecked(settings.push_to_talk)
        self.talk.setVisible(settings.push_to_talk)

    def _show_power(self) -> None:
        self.power.setChecked(self._session.live.on)

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        self.power.set_level(level_fraction(snapshot.input_level_dbfs))
        set_text(self.headline, status.words)
        set_text(self.sentence, status.sentence)
        self.safe.setVisible(status.safe_helps)
        # A disabled control loses the focus, and the next key would act on another one.
        self.record.setEnabled(snapshot.state in LIVE or self.record.hasFocus())
        self.record.setChecked(snapshot.recording)
        set_tone(self.sentence, "bad" if status.tone is Tone.BAD else "")
