"""The presets: those that come with rtvc, each with what it changes, and the user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtWidgets import QInputDialog, QMenu, QPushButton, QWidget

from gui.language import tr
from gui.session import Session
from rtvc.app.presets import SUPPLIED, preset_names


class PresetButton(QPushButton):
    """A button with a menu of presets."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Presets"), parent)
        self._session = session
        self._submenus: list[QMenu] = []
        self.setProperty("kind", "quiet")
        self.setToolTip(tr("Named sound settings: load some, or save your own"))
        self.menu_of_presets = QMenu(self)
        self.setMenu(self.menu_of_presets)
        session.preferences.presets_changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        menu, preferences = self.menu_of_presets, self._session.preferences.value
        menu.clear()
        for submenu in self._submenus:
            submenu.deleteLater()
        self._submenus.clear()
        for preset in SUPPLIED:
            # Qt aligns what follows the tab in a second column.
            menu.addAction(f"{tr(preset.name)}\t{tr(preset.sentence)}", partial(self._apply, preset.name))
        menu.addSeparator()
        for name in sorted(preferences.presets):
            menu.addAction(name, partial(self._apply, name))
        menu.addSeparator()
        menu.addAction(tr("Save these settings…"), self._store)
        self._add_submenu(tr("Duplicate"), preset_names(preferences), self._duplicate)
        if preferences.presets:
            self._add_submenu(tr("Remove"), sorted(preferences.presets), self._session.preferences.remove_preset)

    def _add_submenu(self, words: str, names: list[str], act: Callable[[str], None]) -> None:
        submenu = QMenu(words, self.menu_of_presets)
        for name in names:
            submenu.addAction(_shown(name), partial(act, name))
        self.menu_of_presets.addMenu(submenu)
        self._submenus.append(submenu)

    def _apply(self, name: str) -> None:
        self._session.preferences.apply_preset(name, self._session.voices.names())

    def _store(self) -> None:
        name = self._ask(tr("Save these settings"))
        if name:
            self._session.preferences.store_preset(name)

    def _duplicate(self, name: str) -> None:
        new_name = self._ask(tr("Duplicate {name}", name=_shown(name)), f"{_shown(name)} 2")
        if new_name:
            self._session.preferences.duplicate_preset(name, new_name)

    def _ask(self, title: str, suggested: str = "") -> str:
        name, accepted = QInputDialog.getText(self, title, tr("Name of the preset:"), text=suggested)
        return name.strip() if accepted else ""


def _shown(name: str) -> str:
    """Return a preset's name as it is shown: that of a supplied one is translated."""
    return tr(name) if any(name == preset.name for preset in SUPPLIED) else name
