"""The presets: settings stored under a name."""

from __future__ import annotations

from functools import partial

from PyQt6.QtWidgets import QInputDialog, QMenu, QPushButton, QWidget

from gui.language import tr
from gui.session import Session


class PresetButton(QPushButton):
    """A button with a menu of presets."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Presets"), parent)
        self._session = session
        self._remove: QMenu | None = None
        self.setProperty("kind", "quiet")
        self.setToolTip(tr("Store voice and sound settings under a name, and load them again"))
        self.menu_of_presets = QMenu(self)
        self.setMenu(self.menu_of_presets)
        session.preferences.presets_changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        menu, presets = self.menu_of_presets, sorted(self._session.preferences.value.presets)
        menu.clear()
        if self._remove is not None:
            self._remove.deleteLater()
            self._remove = None
        for name in presets:
            menu.addAction(
                name, lambda name=name: self._session.preferences.apply_preset(name, self._session.voices.names())
            )
        if presets:
            menu.addSeparator()
        menu.addAction(tr("Save these settings…"), self._store)
        if presets:
            remove = self._remove = QMenu(tr("Remove"), menu)
            for name in presets:
                remove.addAction(name, partial(self._session.preferences.remove_preset, name))
            menu.addMenu(remove)

    def _apply(self, name: str) -> None:
        self._session.preferences.apply_preset(name, self._session.voices.names())

    def _store(self) -> None:
        name, accepted = QInputDialog.getText(self, tr("Save these settings"), tr("Name of the preset:"))
        if accepted and name.strip():
            self._session.preferences.store_preset(name.strip())
