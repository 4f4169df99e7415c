"""The soundboard: a button for each clip of a folder, their gain, and how far they give way to the voice."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QPushButton, QWidget

from gui.hotkeys import explained
from gui.language import tr
from gui.options import MOST_CLIP_GAIN_DB
from gui.session import Session
from gui.view.units import gain_text
from gui.widgets.card import Card
from gui.widgets.expander import Expander
from gui.widgets.flow import Flow
from gui.widgets.labelled_slider import LabelledSlider

MOST_DUCKING_DB = 40


class SoundboardSection(Card):
    """Clips by name; folder, gain and ducking under Details."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Soundboard"), parent)
        self._session = session
        self.buttons: list[QPushButton] = []
        self.stop = QPushButton(tr("Stop"))
        self.stop.setProperty("kind", "quiet")
        self.stop.clicked.connect(session.soundboard.stop)
        self.header.addWidget(self.stop)
        self.flow = Flow()
        self.body.addWidget(self.flow)
        self.folder = QPushButton(tr("Choose a folder of clips…"))
        self.folder.setProperty("kind", "link")
        self.folder.clicked.connect(self._choose_folder)
        self.body.addWidget(self.folder, 0, Qt.AlignmentFlag.AlignLeft)
        self.gain = LabelledSlider(
            tr("Gain of the clips"),
            tr("Applies from the next clip on"),
            ("", ""),
            gain_text,
            MOST_CLIP_GAIN_DB,
            -MOST_CLIP_GAIN_DB,
        )
        self.gain.moved.connect(lambda position: session.preferences.choose(clip_gain_db=position))
        self.ducking = LabelledSlider(
            tr("Ducking"),
            tr("How much quieter clips are while you speak"),
            ("", ""),
            gain_text,
            0,
            -MOST_DUCKING_DB,
        )
        self.ducking.moved.connect(lambda position: session.preferences.change(ducking_db=float(-position)))
        self.more = Expander(tr("Details"))
        self.more.body.addWidget(self.gain)
        self.more.body.addWidget(self.ducking)
        self.body.addWidget(self.more)
        session.soundboard.changed.connect(self._show_clips)
        session.preferences.settings_changed.connect(self._show)
        session.preferences.options_changed.connect(self._show)
        self._show_clips()
        self._show()

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Choose a folder of clips…"))
        if folder:
            self._session.soundboard.choose_folder(folder)

    def _show_clips(self) -> None:
        for button in self.buttons:
            button.setParent(None)
            button.deleteLater()
        self.buttons = []
        for number, path in enumerate(self._session.soundboard.clips, 1):
            button = QPushButton(path.stem)
            button.setToolTip(explained(path.name, self._session.preferences.options, f"clip{number}"))
            button.clicked.connect(partial(self._session.soundboard.play, number))
            self.flow.add(button)
            self.buttons.append(button)
        self.stop.setVisible(bool(self.buttons))
        self.more.setVisible(bool(self.buttons))

    def _show(self) -> None:
        self.gain.set_position(self._session.preferences.options.clip_gain_db)
        self.ducking.set_position(-round(self._session.preferences.settings.ducking_db))
