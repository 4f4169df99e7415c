"""The choice of effects on the changed voice, as a part of the sound section."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.effects import rack_text
from gui.view.units import percent_text
from gui.widgets.choice import Choice
from gui.widgets.labelled_slider import LabelledSlider
from rtvc.app.effects import RACKS
from rtvc.dsp.effects import NO_EFFECTS, Rack

FROM_FILE = "file"


class EffectsSection(QWidget):
    """Chooses a rack of effects and how much of it is heard."""

    edit_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self.choice = Choice(tr("Effects"))
        self.choice.chosen.connect(self._choose)
        column.addWidget(self.choice)
        self.amount = LabelledSlider(
            tr("Amount"),
            tr("How much of the effects is heard"),
            ("", ""),
            lambda at: percent_text(at / 100),
        )
        self.amount.moved.connect(lambda at: self._use(replace(self._rack, amount=at / 100)))
        column.addWidget(self.amount)
        self.edit = QPushButton(tr("Edit the effects…"))
        self.edit.setProperty("kind", "link")
        self.edit.clicked.connect(self.edit_wanted)
        column.addWidget(self.edit, 0, Qt.AlignmentFlag.AlignLeft)
        session.preferences.settings_changed.connect(self._show)
        self._show()

    @property
    def _rack(self) -> Rack:
        return self._session.preferences.settings.effects

    def _show(self) -> None:
        rack = self._rack
        racks = [NO_EFFECTS, *RACKS.values()]
        shown = replace(rack, amount=1.0)
        choices: list[tuple[object, str]] = [(one, rack_text(one)) for one in racks]
        if shown not in racks:
            changed = rack.name in RACKS
            choices.append((shown, tr("{name}, changed", name=rack_text(rack)) if changed else rack_text(rack)))
        self.choice.fill([*choices, (FROM_FILE, tr("From a file…"))], shown)
        self.amount.setVisible(bool(rack.effects))
        self.amount.set_position(round(100 * rack.amount))
        self.edit.setVisible(bool(rack.effects))

    def _choose(self, chosen: object) -> None:
        name = chosen.name if isinstance(chosen, Rack) else FROM_FILE
        if chosen == FROM_FILE:
            name, _ = QFileDialog.getOpenFileName(self, tr("Effects"), "", tr("Effects") + " (*.json)")
        if chosen == NO_EFFECTS:
            self._use(NO_EFFECTS)
        elif name and (chosen == FROM_FILE or chosen in RACKS.values()):
            self._session.preferences.choose_effects(name)
        self._show()

    def _use(self, rack: Rack) -> None:
        self._session.preferences.change(effects=rack)
