"""One effect in the dialog of effects: switch, place, and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from gui.icons import set_icon
from gui.language import tr
from gui.models.plugins import PluginsModel
from gui.theme import SPACE
from gui.view.effects import POSITIONS, impulse_text, kind_text, parameter_text, position, value_at, value_text
from gui.view.units import percent_text
from gui.widgets.choice import Choice
from gui.widgets.expander import Expander
from gui.widgets.labelled_slider import LabelledSlider
from rtvc.app.effects import add_impulse
from rtvc.dsp.effects import KINDS, Effect
from rtvc.dsp.impulse_responses import SUFFIXES, find_impulse, impulse_names
from rtvc.dsp.plugins import PluginEffect
from rtvc.errors import RtvcError

MOST_SLIDERS = 40
"""A plug-in may have hundreds of parameters; its own window has them all."""


class Editor(Protocol):
    """What a row asks of the dialog that it is in."""

    def effect(self, index: int) -> Effect | PluginEffect: ...  # noqa: D102
    def change(self, index: int, effect: Effect | PluginEffect) -> None: ...  # noqa: D102
    def reorder(self, index: int, places: int) -> None: ...  # noqa: D102
    def remove(self, index: int) -> None: ...  # noqa: D102


class EffectRow(QWidget):
    """An effect: switch, place, and a slider for each parameter."""

    def __init__(self, editor: Editor, index: int, effect: Effect | PluginEffect, count: int) -> None:
        super().__init__()
        self.kind = effect.kind
        self.sliders: dict[str, LabelledSlider] = {}
        self._editor, self._index = editor, index
        words = effect.plugin if isinstance(effect, PluginEffect) else kind_text(effect.kind)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(SPACE)
        heading = QHBoxLayout()
        self.active = QCheckBox(words)
        self.active.clicked.connect(
            lambda checked: editor.change(index, replace(editor.effect(index), active=checked))
        )
        heading.addWidget(self.active, 1)
        self.up = _button("chevron-up", tr("Move {effect} up", effect=words))
        self.up.setEnabled(index > 0)
        self.up.clicked.connect(lambda: editor.reorder(index, -1))
        self.down = _button("chevron-down", tr("Move {effect} down", effect=words))
        self.down.setEnabled(index < count - 1)
        self.down.clicked.connect(lambda: editor.reorder(index, 1))
        self.remove = _button("close", tr("Remove {effect}", effect=words))
        self.remove.clicked.connect(lambda: editor.remove(index))
        for button in (self.up, self.down, self.remove):
            heading.addWidget(button)
        self.column.addLayout(heading)
        if isinstance(effect, Effect):
            self._add_sliders(effect)

    def _add_sliders(self, effect: Effect) -> None:
        for name, parameter in KINDS[effect.kind].parameters.items():
            slider = LabelledSlider(
                parameter_text(name),
                tr("{parameter} of {effect}", parameter=parameter_text(name), effect=kind_text(effect.kind)),
                ("", ""),
                lambda at, name=name, parameter=parameter: value_text(name, value_at(name, parameter, at)),  # type: ignore[misc]
                POSITIONS,
            )
            slider.moved.connect(
                lambda at, name=name, parameter=parameter: self._set(name, value_at(name, parameter, at))
            )
            self.sliders[name] = slider
            self.column.addWidget(slider)

    def _set(self, name: str, value: float) -> None:
        self._editor.change(self._index, self._editor.effect(self._index).with_values({name: value}))

    def show_effect(self, effect: Effect | PluginEffect) -> None:
        """Show an effect's values."""
        self.active.setChecked(effect.active)
        if isinstance(effect, Effect):
            for name, value in effect.values().items():
                self.sliders[name].set_position(position(name, KINDS[self.kind].parameters[name], value))
                self.sliders[name].setEnabled(effect.active)


class ConvolutionRow(EffectRow):
    """A convolution: also a choice of its impulse response."""

    def __init__(self, editor: Editor, index: int, effect: Effect, count: int, failed: Callable[[str], None]) -> None:
        super().__init__(editor, index, effect, count)
        self._failed = failed
        self.impulse = Choice(tr("Impulse response"))
        self.impulse.chosen.connect(self._choose)
        self.column.insertWidget(1, self.impulse)

    def show_effect(self, effect: Effect | PluginEffect) -> None:
        """Show an effect's values."""
        super().show_effect(effect)
        assert isinstance(effect, Effect)
        names = list(dict.fromkeys([*impulse_names(), effect.impulse]))
        choices: list[tuple[object, str]] = [(name, impulse_text(name)) for name in names]
        self.impulse.fill([*choices, (None, tr("Add a recording…"))], effect.impulse)
        self.impulse.setEnabled(effect.active)

    def _choose(self, name: str | None) -> None:
        effect = self._editor.effect(self._index)
        assert isinstance(effect, Effect)
        try:
            if name is None:
                patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
                chosen, _ = QFileDialog.getOpenFileName(
                    self, tr("Impulse response"), "", f"{tr('Impulse response')} ({patterns})"
                )
                name = add_impulse(Path(chosen)) if chosen else effect.impulse
            find_impulse(name)
        except RtvcError as error:
            self._failed(str(error))
        else:
            self._editor.change(self._index, replace(effect, impulse=name))
        self.show_effect(self._editor.effect(self._index))


class PluginRow(EffectRow):
    """A plug-in of the user's: its own window, and its parameters once it has told them."""

    def __init__(self, editor: Editor, index: int, effect: PluginEffect, count: int, plugins: PluginsModel) -> None:
        super().__init__(editor, index, effect, count)
        self._plugins = plugins
        self.window_button = QPushButton(tr("Open its window…"))
        self.window_button.setProperty("kind", "link")
        self.window_button.clicked.connect(self._open_window)
        self.column.addWidget(self.window_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.parameters = Expander(tr("Parameters"))
        self.parameters.setVisible(False)
        self.column.addWidget(self.parameters)
        plugins.described.connect(self._describe)
        if effect.plugin in plugins.reports:
            self._describe(effect.plugin)
        else:
            plugins.describe(effect)

    def _open_window(self) -> None:
        effect = self._editor.effect(self._index)
        assert isinstance(effect, PluginEffect)
        self._plugins.show_window(effect)

    def _describe(self, name: str) -> None:
        effect = self._editor.effect(self._index)
        if not isinstance(effect, PluginEffect) or effect.plugin != name or self.sliders:
            return
        for parameter, words, _ in self._plugins.reports[name].parameters[:MOST_SLIDERS]:
            slider = LabelledSlider(
                words,
                tr("{parameter} of {effect}", parameter=words, effect=name),
                ("", ""),
                lambda at: percent_text(at / POSITIONS),
                POSITIONS,
            )
            slider.moved.connect(lambda at, parameter=parameter: self._set(parameter, at / POSITIONS))
            self.sliders[parameter] = slider
            self.parameters.body.addWidget(slider)
        self.parameters.setVisible(bool(self.sliders))
        self.show_effect(effect)

    def show_effect(self, effect: Effect | PluginEffect) -> None:
        """Show an effect's values."""
        super().show_effect(effect)
        if isinstance(effect, PluginEffect) and effect.plugin in self._plugins.reports:
            told = {name: value for name, _, value in self._plugins.reports[effect.plugin].parameters}
            for name, value in {**told, **dict(effect.parameters)}.items():
                if name in self.sliders:
                    self.sliders[name].set_position(round(POSITIONS * value))
                    self.sliders[name].setEnabled(effect.active)


def _button(icon: str, explanation: str) -> QToolButton:
    button = QToolButton()
    set_icon(button, icon, "muted", size=16)
    button.setToolTip(explanation)
    button.setAccessibleName(explanation)
    return button
