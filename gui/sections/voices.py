"""The voices: choose, add, hear, rename, delete."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PyQt6.QtGui import QKeySequence, QResizeEvent
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QPushButton, QWidget

from gui.hotkeys import ADD_KEYS, VOICES, Scope, in_words, keys
from gui.icons import set_icon
from gui.models.voices import RECORD_SECONDS
from gui.session import Session
from gui.theme import SPACE
from gui.view.voices import fitting_name
from gui.widgets.card import Card
from gui.widgets.voice_card import VoiceCard
from gui.widgets.voice_gallery import VoiceGallery
from rtvc.voices.library import AUDIO_SUFFIXES


class VoicesSection(Card):
    """The gallery with its buttons."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Voices", parent)
        self._session = session
        self.record = QPushButton()
        self.record.setProperty("kind", "quiet")
        self.record.setToolTip("Make a voice from 5 s of what the microphone hears now")
        set_icon(self.record, "record", "accent")
        self.record.clicked.connect(session.voices.record)
        self.add = QPushButton("Add…")
        self.add.setProperty("kind", "quiet")
        self.add.setAccessibleName("Add voices from recordings")
        self.add.setToolTip(f"Make a voice from a recording ({in_words(QKeySequence(ADD_KEYS))})")
        set_icon(self.add, "plus", "accent")
        self.add.clicked.connect(self.ask_for_files)
        self.header.setSpacing(SPACE // 2)
        self.header.addWidget(self.record)
        self.header.addWidget(self.add)
        self.gallery = VoiceGallery()
        self.gallery.drop_area.clicked.connect(self.ask_for_files)
        self.body.addWidget(self.gallery)

        session.voices.changed.connect(self._show_voices)
        session.preferences.options_changed.connect(self._explain_numbers)
        session.preferences.settings_changed.connect(self._show_chosen)
        session.voices.outline_ready.connect(self._show_outline)
        session.previews.changed.connect(self._show_playing)
        session.voices.recording_progressed.connect(self._show_recording)
        session.voices.recorded.connect(self._name_recording)
        self._show_voices()
        self._show_recording(-1.0)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Show only the icon where there is no room for the word."""
        super().resizeEvent(event)
        self.add.setText("Add…" if self.width() >= 24 * self.fontMetrics().averageCharWidth() + 150 else "")

    def ask_for_files(self) -> None:
        """Let the user pick recordings and add each as a voice."""
        patterns = " ".join(f"*{suffix}" for suffix in AUDIO_SUFFIXES)
        paths, _ = QFileDialog.getOpenFileNames(self, "Recordings of a voice", "", f"Recordings ({patterns})")
        self.add_files([Path(path) for path in paths])

    def add_files(self, paths: list[Path]) -> None:
        """Add each recording as a voice named after its file."""
        taken = self._session.voices.taken_names()
        for path in paths:
            name = fitting_name(path.stem, taken)
            taken.add(name)
            self._session.voices.add(name, [path])

    def _show_voices(self) -> None:
        cards = []
        for index, voice in enumerate(self._session.voices.voices):
            number = index + 1 if index < VOICES else None
            card = VoiceCard(voice.name, voice.credit, voice.folder is not None, number)
            card.set_outline(self._session.voices.outlines[voice.reference])
            card.chosen.connect(lambda name: self._session.preferences.change(voice=name))
            card.play_wanted.connect(self._play)
            card.preview_wanted.connect(self._preview)
            card.rename_wanted.connect(self._rename)
            card.delete_wanted.connect(self._session.voices.delete)
            card.set_playing(voice.name == self._session.previews.voice)
            cards.append(card)
        self.gallery.set_cards(cards)
        controls = [self.add, *(control for card in cards for control in card.controls)]
        for one, other in pairwise(controls):
            QWidget.setTabOrder(one, other)
        self._explain_numbers()
        self._show_chosen()

    def _explain_numbers(self) -> None:
        known = keys(self._session.preferences.options, Scope.WINDOW)
        for number, card in enumerate(list(self.gallery.cards.values())[:VOICES], 1):
            card.explain_number(in_words(known[f"voice{number}"]))

    def _play(self, name: str) -> None:
        self._session.previews.play_reference(self._session.voices.find(name))

    def _preview(self, name: str) -> None:
        self._session.previews.play_preview(self._session.voices.find(name))

    def _show_chosen(self) -> None:
        for name, card in self.gallery.cards.items():
            card.setChecked(name == self._session.preferences.settings.voice)

    def _show_outline(self, name: str) -> None:
        for voice in self._session.voices.voices:
            if voice.name == name and name in self.gallery.cards:
                self.gallery.cards[name].set_outline(self._session.voices.outlines[voice.reference])

    def _show_playing(self, name: str, share: float) -> None:
        for card in self.gallery.cards.values():
            playing = card.name == name
            if playing != card.playing:
                card.set_playing(playing)
            if playing:
                card.waveform.set_played(share)

    def _show_recording(self, share: float) -> None:
        left = RECORD_SECONDS * (1 - share)
        self.record.setText(f"Record {RECORD_SECONDS:.0f} s" if share < 0 else f"Speak… {left:.0f} s")

    def _name_recording(self, path: Path) -> None:
        name, accepted = QInputDialog.getText(self, "New voice", "Name of the voice:")
        if accepted:
            self._session.voices.add(fitting_name(name, self._session.voices.taken_names()), [path])

    def _rename(self, name: str) -> None:
        new_name, accepted = QInputDialog.getText(self, "Rename the voice", "New name:", text=name)
        if accepted and new_name != name:
            self._session.voices.rename(name, new_name)
