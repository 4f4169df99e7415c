"""The voices: choose, add, hear, rename, delete."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PyQt6.QtGui import QKeySequence, QResizeEvent
from PyQt6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QInputDialog, QLineEdit, QPushButton, QWidget

from gui.hotkeys import ADD_KEYS, Scope, in_words, keys
from gui.icons import set_icon
from gui.language import number, tr, tr_noop
from gui.models.voices import RECORD_SECONDS, SLOTS
from gui.options import VoiceOrder
from gui.sections.blend import BlendSection
from gui.session import Session
from gui.theme import SPACE
from gui.view.voices import fitting_name
from gui.widgets.card import Card
from gui.widgets.labels import label
from gui.widgets.voice_card import VoiceCard
from gui.widgets.voice_gallery import GalleryArea, VoiceGallery
from rtvc.voices.exchange import SUFFIX
from rtvc.voices.library import AUDIO_SUFFIXES

_ORDERS = {
    VoiceOrder.NAME: tr_noop("By name"),
    VoiceOrder.REGISTER: tr_noop("Low to high"),
    VoiceOrder.OWN_FIRST: tr_noop("My voices first"),
}


class VoicesSection(Card):
    """The gallery with its buttons."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Voices"), parent, fills=True)
        self._session = session
        self._record_words = ("", "")
        self.record = QPushButton()
        self.record.setAccessibleName(tr("Record a voice"))
        self.record.setProperty("kind", "quiet")
        self.record.setToolTip(tr("Create a voice from the next 5 s at the microphone"))
        set_icon(self.record, "record", "accent")
        self.record.clicked.connect(session.voices.record)
        self.add = QPushButton(tr("Add…"))
        self.add.setProperty("kind", "quiet")
        self.add.setAccessibleName(tr("Add voices from recordings"))
        self.add.setToolTip(tr("Create a voice from a recording ({keys})", keys=in_words(QKeySequence(ADD_KEYS))))
        set_icon(self.add, "plus", "accent")
        self.add.clicked.connect(self.ask_for_files)
        self.header.setSpacing(SPACE // 2)
        self.header.addWidget(self.record)
        self.header.addWidget(self.add)
        tools = QHBoxLayout()
        tools.setSpacing(SPACE)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search voices"))
        self.search.setAccessibleName(tr("Search voices"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda text: self._show_voices())
        self.order = QComboBox()
        self.order.setAccessibleName(tr("Order of the voices"))
        for order, words in _ORDERS.items():
            self.order.addItem(tr(words), order)
        self.order.activated.connect(lambda index: session.preferences.choose(voice_order=self.order.itemData(index)))
        tools.addWidget(self.search, 1)
        tools.addWidget(self.order)
        self.body.addLayout(tools)
        self.gallery = VoiceGallery()
        self.gallery.drop_area.clicked.connect(self.ask_for_files)
        self.body.addWidget(GalleryArea(self.gallery), 1)
        self.nothing = label(tr("No voice matches."), "muted")
        self.body.addWidget(self.nothing)
        self.blend = BlendSection(session)
        self.body.addWidget(self.blend)

        session.voices.changed.connect(self._show_voices)
        session.preferences.options_changed.connect(self._follow_options)
        session.preferences.settings_changed.connect(self._show_chosen)
        session.voices.outline_ready.connect(self._show_outline)
        session.previews.changed.connect(self._show_playing)
        session.voices.recording_progressed.connect(self._show_recording)
        session.voices.recorded.connect(self._name_recording)
        self._show_voices()
        self._show_recording(-1.0)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the buttons' words to the width."""
        super().resizeEvent(event)
        self._fit_words()

    def _fit_words(self) -> None:
        """Shorten the buttons' words, Add's first, where there is no room for them beside the heading."""
        long, short = self._record_words
        room = self.width() - 4 * SPACE
        for record, add in ((long, tr("Add…")), (long, ""), (short, "")):
            self.record.setText(record)
            self.add.setText(add)
            self.header.invalidate()
            if self.header.minimumSize().width() <= room:
                return

    def ask_for_files(self) -> None:
        """Let the user pick recordings and add each as a voice."""
        patterns = " ".join(f"*{suffix}" for suffix in (*AUDIO_SUFFIXES, SUFFIX))
        paths, _ = QFileDialog.getOpenFileNames(
            self, tr("Recordings of a voice, or exported voices"), "", tr("Recordings and voices") + f" ({patterns})"
        )
        self.add_files([Path(path) for path in paths])

    def add_files(self, paths: list[Path]) -> None:
        """Add each recording as a voice named after its file, and import exported voices."""
        taken = self._session.voices.taken_names()
        for path in paths:
            if path.suffix.lower() == SUFFIX:
                self._session.voices.import_file(path)
                continue
            name = fitting_name(path.stem, taken)
            taken.add(name)
            self._session.voices.add(name, [path])

    def _show_voices(self) -> None:
        session, options = self._session, self._session.preferences.options
        self._shown_options = (options.favourites, options.voice_slots, options.voice_order)
        self.order.setCurrentIndex(list(_ORDERS).index(options.voice_order))
        cards = []
        for voice in session.voices.shown(self.search.text()):
            card = VoiceCard(voice, voice.name in options.favourites, session.voices.slot(voice.name), SLOTS)
            card.set_outline(session.voices.outlines[voice.reference])
            card.chosen.connect(lambda name: session.preferences.change(voice=name))
            card.play_wanted.connect(self._play)
            card.preview_wanted.connect(self._preview)
            card.favourite_wanted.connect(session.voices.toggle_favourite)
            card.rename_wanted.connect(self._rename)
            card.duplicate_wanted.connect(self._duplicate)
            card.export_wanted.connect(self._export)
            card.clean_wanted.connect(session.voices.clean)
            card.slot_wanted.connect(session.voices.assign_slot)
            card.delete_wanted.connect(session.voices.delete)
            card.set_playing(voice.name == session.previews.voice)
            cards.append(card)
        self.gallery.set_cards(cards)
        self.nothing.setVisible(not cards and bool(self.search.text()))
        controls = [self.add, self.search, self.order, *(control for card in cards for control in card.controls)]
        for one, other in pairwise(controls):
            QWidget.setTabOrder(one, other)
        self._explain_numbers()
        self._show_chosen()

    def _follow_options(self) -> None:
        options = self._session.preferences.options
        # At the first start, voices get their hotkeys before any card is shown; cards are then made once.
        shown = bool(self.gallery.cards)
        if shown and (options.favourites, options.voice_slots, options.voice_order) != self._shown_options:
            self._show_voices()
        else:
            self._explain_numbers()

    def _explain_numbers(self) -> None:
        known = keys(self._session.preferences.options, Scope.WINDOW)
        for card in self.gallery.cards.values():
            card.explain_number(in_words(known[f"voice{card.slot}"]) if card.slot else "")

    def _play(self, name: str) -> None:
        if name == self._session.previews.voice:
            self._session.previews.stop()  # the button shows that it stops whatever plays
        else:
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
        left = number(RECORD_SECONDS * (1 - share))
        self._record_words = (
            (tr("Record {seconds} s", seconds=number(RECORD_SECONDS)), "")
            if share < 0
            else (tr("Speak… {seconds} s", seconds=left), tr("{number} s", number=left))
        )
        self._fit_words()

    def _name_recording(self, path: Path) -> None:
        name, accepted = QInputDialog.getText(self, tr("New voice"), tr("Name of the voice:"))
        if accepted:
            self._session.voices.add(fitting_name(name, self._session.voices.taken_names()), [path])

    def _rename(self, name: str) -> None:
        new_name, accepted = QInputDialog.getText(self, tr("Rename the voice"), tr("New name:"), text=name)
        if accepted and new_name != name:
            self._session.voices.rename(name, new_name)

    def _duplicate(self, name: str) -> None:
        suggested = fitting_name(name, self._session.voices.taken_names())
        new_name, accepted = QInputDialog.getText(
            self, tr("Duplicate the voice"), tr("Name of the copy:"), text=suggested
        )
        if accepted:
            self._session.voices.duplicate(name, new_name)

    def _export(self, name: str) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Export {name}", name=name), f"{name}{SUFFIX}", tr("Voices") + f" (*{SUFFIX})"
        )
        if path:
            self._session.voices.export(name, Path(path))
