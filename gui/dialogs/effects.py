"""The effects of the changed voice one by one: their order and their values. Changes are heard at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QMenu, QPushButton, QVBoxLayout, QWidget

from gui.dialogs.effect_rows import ConvolutionRow, EffectRow, PluginRow
from gui.dialogs.wizard import Wizard
from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.effects import kind_text
from rtvc.app.effects import save_effects
from rtvc.dsp.effects import CONVOLUTION, KINDS, MOST_EFFECTS, Effect, new_effect
from rtvc.dsp.plugins import PluginEffect, installed_plugins
from rtvc.errors import RtvcError


class EffectsDialog(Wizard):
    """One box for each effect, in the order in which the sound passes through them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Effects"), parent)
        self._session = session
        self.rows: list[EffectRow] = []
        self.boxes = QVBoxLayout()
        self.boxes.setSpacing(2 * SPACE)
        self.column.addLayout(self.boxes)
        self.menu = QMenu(self)
        for kind in KINDS:
            action = self.menu.addAction(kind_text(kind))
            assert action is not None
            action.triggered.connect(lambda checked, kind=kind: self._use([*self._effects, new_effect(kind)]))
        self.plugin_menu = QMenu(tr("Plug-in"), self.menu)
        for name in installed_plugins():
            action = self.plugin_menu.addAction(name)
            assert action is not None
            action.triggered.connect(lambda checked, name=name: self._use([*self._effects, PluginEffect(name)]))
        if self.plugin_menu.actions():
            self.menu.addMenu(self.plugin_menu)
        self.add = QPushButton(tr("Add an effect"))
        self.add.setMenu(self.menu)
        self.column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.save_button = QPushButton(tr("Save as…"))
        self.save_button.clicked.connect(self.ask_for_file)
        self.close_button = QPushButton(tr("Done"))
        self.close_button.setProperty("kind", "primary")
        self.close_button.clicked.connect(self.close)
        self.foot.addWidget(self.save_button)
        self.foot.addWidget(self.close_button)
        session.preferences.settings_changed.connect(self._show)
        self._show()

    @property
    def _effects(self) -> list[Effect | PluginEffect]:
        return list(self._session.preferences.settings.effects.effects)

    def _use(self, effects: list[Effect | PluginEffect]) -> None:
        rack = self._session.preferences.settings.effects
        self._session.preferences.change(effects=replace(rack, effects=tuple(effects)))

    def _show(self) -> None:
        """Show the present values; new boxes are made only for other effects, so that a slider can be dragged."""
        effects = self._effects
        if [effect.kind for effect in effects] != [row.kind for row in self.rows]:
            self._build(effects)
        for row, effect in zip(self.rows, effects, strict=True):
            row.show_effect(effect)
        self.add.setEnabled(len(effects) < MOST_EFFECTS)
        self.save_button.setEnabled(bool(effects))

    def _build(self, effects: list[Effect | PluginEffect]) -> None:
        for row in self.rows:
            self.boxes.removeWidget(row)
            row.deleteLater()
        self.rows = [self._row(index, effect, len(effects)) for index, effect in enumerate(effects)]
        for row in self.rows:
            self.boxes.addWidget(row)

    def _row(self, index: int, effect: Effect | PluginEffect, count: int) -> EffectRow:
        if isinstance(effect, PluginEffect):
            return PluginRow(self, index, effect, count, self._session.plugins)
        if effect.kind == CONVOLUTION:
            return ConvolutionRow(self, index, effect, count, self._session.preferences.failed.emit)
        return EffectRow(self, index, effect, count)

    def change(self, index: int, effect: Effect | PluginEffect) -> None:
        """Replace one effect."""
        effects = self._effects
        effects[index] = effect
        self._use(effects)

    def reorder(self, index: int, places: int) -> None:
        """Move an effect up or down."""
        effects = self._effects
        effects.insert(index + places, effects.pop(index))
        self._use(effects)
        row = self.rows[index + places]
        (row.up if places < 0 else row.down).setFocus()

    def remove(self, index: int) -> None:
        """Take an effect out."""
        effects = self._effects
        del effects[index]
        self._use(effects)

    def effect(self, index: int) -> Effect | PluginEffect:
        """Return one effect as it is now."""
        return self._effects[index]

    def ask_for_file(self) -> None:
        """Let the user name a file for the effects."""
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Save the effects"), "effects.json", tr("Effects") + " (*.json)"
        )
        if path:
            self.save(Path(path).with_suffix(".json"))

    def save(self, path: Path) -> None:
        """Write the effects to a file, named after it."""
        try:
            self._session.preferences.change(effects=save_effects(self._session.preferences.settings.effects, path))
        except RtvcError as error:
            self._session.preferences.failed.emit(str(error))
