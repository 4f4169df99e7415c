"""The effects of the changed voice one by one: their order and their values. Changes are heard at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui.dialogs.wizard import Wizard
from gui.icons import set_icon
from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.effects import POSITIONS, kind_text, parameter_text, position, value_at, value_text
from gui.widgets.labelled_slider import LabelledSlider
from rtvc.app.effects import save_effects
from rtvc.dsp.effects import KINDS, MOST_EFFECTS, Effect
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
            action.triggered.connect(lambda checked, kind=kind: self._use([*self._effects, Effect(kind)]))
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
    def _effects(self) -> list[Effect]:
        return list(self._session.preferences.settings.effects.effects)

    def _use(self, effects: list[Effect]) -> None:
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

    def _build(self, effects: list[Effect]) -> None:
        for row in self.rows:
            self.boxes.removeWidget(row)
            row.deleteLater()
        self.rows = [EffectRow(self, index, effect.kind, len(effects)) for index, effect in enumerate(effects)]
        for row in self.rows:
            self.boxes.addWidget(row)

    def change(self, index: int, effect: Effect) -> None:
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

    def effect(self, index: int) -> Effect:
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


class EffectRow(QWidget):
    """One effect: switch, place, and a slider for each parameter."""

    def __init__(self, dialog: EffectsDialog, index: int, kind: str, count: int) -> None:
        super().__init__()
        self.kind = kind
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        heading = QHBoxLayout()
        self.active = QCheckBox(kind_text(kind))
        self.active.clicked.connect(
            lambda checked: dialog.change(index, replace(dialog.effect(index), active=checked))
        )
        heading.addWidget(self.active, 1)
        self.up = _button("chevron-up", tr("Move {effect} up", effect=kind_text(kind)))
        self.up.setEnabled(index > 0)
        self.up.clicked.connect(lambda: dialog.reorder(index, -1))
        self.down = _button("chevron-down", tr("Move {effect} down", effect=kind_text(kind)))
        self.down.setEnabled(index < count - 1)
        self.down.clicked.connect(lambda: dialog.reorder(index, 1))
        self.remove = _button("close", tr("Remove {effect}", effect=kind_text(kind)))
        self.remove.clicked.connect(lambda: dialog.remove(index))
        for button in (self.up, self.down, self.remove):
            heading.addWidget(button)
        column.addLayout(heading)
        self.sliders: dict[str, LabelledSlider] = {}
        for name, parameter in KINDS[kind].parameters.items():
            slider = LabelledSlider(
                parameter_text(name),
                tr("{parameter} of {effect}", parameter=parameter_text(name), effect=kind_text(kind)),
                ("", ""),
                lambda at, name=name, parameter=parameter: value_text(name, value_at(name, parameter, at)),  # type: ignore[misc]
                POSITIONS,
            )
            slider.moved.connect(
                lambda at, name=name, parameter=parameter: dialog.change(
                    index, dialog.effect(index).with_values({name: value_at(name, parameter, at)})
                )
            )
            self.sliders[name] = slider
            column.addWidget(slider)

    def show_effect(self, effect: Effect) -> None:
        """Show an effect's values."""
        self.active.setChecked(effect.active)
        for name, value in effect.values().items():
            self.sliders[name].set_position(position(name, KINDS[self.kind].parameters[name], value))
            self.sliders[name].setEnabled(effect.active)


def _button(icon: str, explanation: str) -> QToolButton:
    button = QToolButton()
    set_icon(button, icon, "muted", size=16)
    button.setToolTip(explanation)
    button.setAccessibleName(explanation)
    return button
