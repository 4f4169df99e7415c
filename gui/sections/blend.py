"""A voice between two: choose both, and move the slider from one to the other."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QWidget

from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.units import percent_text
from gui.view.voices import blend_name, two_voices
from gui.widgets.choice import Choice
from gui.widgets.expander import Expander
from gui.widgets.labelled_slider import LabelledSlider

HALF = 50


class BlendSection(Expander):
    """Takes effect as soon as a voice or the slider is moved; choosing a voice in the gallery ends the blend."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Blend two voices"), parent)
        self._session = session
        self.one, self.other = Choice(tr("From")), Choice(tr("To"))
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        for choice in (self.one, self.other):
            choice.chosen.connect(lambda name: self._use())
            row.addWidget(choice, 1)
        self.body.addLayout(row)
        self.share = LabelledSlider(
            tr("Share of the second voice"),
            tr("How far the voice lies from the first to the second"),
            ("", ""),
            lambda position: percent_text(position / 100),
        )
        self.share.set_position(HALF)
        # Each position is another map to fit, so only the released slider counts.
        self.share.slider.setTracking(False)
        self.share.moved.connect(lambda position: self._use())
        self.body.addWidget(self.share)
        session.voices.changed.connect(self._follow)
        session.preferences.settings_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        names = [voice.name for voice in self._session.voices.voices]
        self.setVisible(len(names) > 1)
        parts = two_voices(self._session.preferences.settings.voice)
        one, other = self.one.box.currentData(), self.other.box.currentData()
        if parts is not None:
            (one, _), (other, share) = parts
            self.share.set_position(round(100 * share))
            self.set_open(True)
        if names:
            one = one if one in names else names[0]
            other = other if other in names and other != one else next((name for name in names if name != one), one)
        for choice, chosen in ((self.one, one), (self.other, other)):
            choice.fill([(name, name) for name in names], chosen)

    def _use(self) -> None:
        one, other = self.one.box.currentData(), self.other.box.currentData()
        self._session.preferences.change(voice=blend_name(one, other, self.share.slider.value() / 100))
