"""The models page: the packs, which one is in use, and how to get others."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QWidget

from gui.language import tr
from gui.session import Session
from gui.widgets.labels import label
from gui.widgets.pack_card import PackCard
from gui.widgets.page import Page


class PacksPage(Page):
    """Cards of all packs."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._packs = packs = session.packs
        self.cards: dict[str, PackCard] = {}
        self.column.addWidget(label(tr("Models"), "title"))
        self.column.addWidget(
            label(
                tr("A model pack converts what you say into another voice. You can switch packs while you talk."),
                "muted",
                wrap=True,
            )
        )
        self.column.addStretch(1)
        packs.changed.connect(self._show)
        packs.progressed.connect(self._show_progress)
        session.preferences.wiring_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        focused = self._focused()
        for card in self.cards.values():
            self.column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = {}
        for entry in self._packs.entries:
            working = entry.name == self._packs.working_on
            card = PackCard(
                entry, entry.name == self._session.preferences.wiring.pack, bool(self._packs.working_on), working
            )
            card.use_wanted.connect(lambda name: self._session.preferences.rewire(pack=name))
            card.download_wanted.connect(self._packs.obtain)
            card.folder_wanted.connect(self._ask_folder)
            card.measure_wanted.connect(self._packs.measure)
            card.verify_wanted.connect(self._packs.verify)
            card.remove_wanted.connect(self._packs.remove)
            card.cancel_wanted.connect(self._packs.cancel)
            self.column.insertWidget(self.column.count() - 1, card)
            card.show()
            self.cards[entry.name] = card
        self._show_progress(self._packs.share, self._packs.line)
        if focused is not None:
            self._focus(*focused)

    def _focused(self) -> tuple[str, str] | None:
        """Return pack and text of the focused button, or None."""
        for name, card in self.cards.items():
            for words, button in card.buttons.items():
                if button.hasFocus():
                    return name, words
        return None

    def _focus(self, name: str, words: str) -> None:
        """Focus the same button again, or another one on its card, or any."""
        own = self.cards[name].buttons if name in self.cards else {}
        others = [button for card in self.cards.values() for button in card.buttons.values()]
        for button in (own.get(words), *own.values(), *others):
            if button is not None and button.isEnabled():
                button.setFocus()
                return

    def _show_progress(self, share: float, line: str) -> None:
        if self._packs.working_on in self.cards:
            self.cards[self._packs.working_on].set_progress(share, line)

    def _ask_folder(self, name: str) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder with the checkpoints of {name}", name=name))
        if folder:
            self._packs.obtain(name, Path(folder))
