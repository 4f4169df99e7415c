"""The hotkeys: a key field for every action."""

from __future__ import annotations

from functools import partial

from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from gui.hotkeys import HOTKEYS, Scope, heard_everywhere, keys, problem, unavailable, with_keys
from gui.language import tr, tr_noop
from gui.models.voices import SLOTS
from gui.session import Session
from gui.theme import SPACE
from gui.widgets.card import Card
from gui.widgets.expander import Expander
from gui.widgets.key_field import KeyField, field_width
from gui.widgets.key_row import KeyRow
from gui.widgets.labels import label

_HEADINGS = {Scope.WINDOW: tr_noop("In this window"), Scope.GLOBAL: tr_noop("Everywhere")}


class HotkeysSection(Card):
    """Keys that are taken or cannot be heard are refused with the reason."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Hotkeys"), parent)
        self._session = session
        self.reset = QPushButton(tr("Reset keys"))
        self.reset.setProperty("kind", "quiet")
        self.reset.setToolTip(tr("Restore the default keys of every hotkey"))
        self.reset.clicked.connect(self._reset)
        self.header.addWidget(self.reset)
        reason = unavailable()
        self.everywhere: QCheckBox | None = None
        if reason:
            self.body.addWidget(label(reason, "caption", wrap=True))
        else:
            self.everywhere = QCheckBox(tr("Use hotkeys everywhere"))
            self.everywhere.clicked.connect(lambda on: session.preferences.choose(global_hotkeys=on))
            self.body.addWidget(self.everywhere)
        self._headings = [label(tr(words), "caption") for words in _HEADINGS.values()]
        for heading in self._headings:
            heading.setFixedWidth(field_width())
        self.fields: dict[tuple[Scope, str], KeyField] = {}
        self.rows: dict[str, KeyRow] = {}
        for hotkey in HOTKEYS:
            for scope, heading_words in _HEADINGS.items():
                field = self.fields[scope, hotkey.name] = KeyField(f"{hotkey.words}: {tr(heading_words)}")
                field.picked.connect(partial(self._pick, scope, hotkey.name))
            self.rows[hotkey.name] = KeyRow(hotkey.words, [self.fields[scope, hotkey.name] for scope in Scope])
        self._voices = Expander(tr("Voice hotkeys 1 to {last}", last=SLOTS))
        self._clips = Expander(tr("Hotkeys of clips"))
        for folded in (self._voices, self._clips):
            folded.body.setSpacing(SPACE)
        column = QVBoxLayout()
        column.setSpacing(SPACE)
        column.addWidget(KeyRow("", self._headings))
        for name, row in self.rows.items():
            place = self._voices.body if name.startswith("voice") else column
            (self._clips.body if "clip" in name else place).addWidget(row)
        self.body.addLayout(column)
        self.body.addWidget(self._voices)
        self.body.addWidget(self._clips)
        session.preferences.options_changed.connect(self._show)
        self._show()

    def _pick(self, scope: Scope, name: str, sequence: QKeySequence) -> None:
        options = self._session.preferences.options
        reason = problem(options, scope, name, sequence)
        self._show()
        self.rows[name].complain(reason)
        if not reason:
            self._session.preferences.choose(**{scope: with_keys(options, scope, name, sequence)})

    def _reset(self) -> None:
        self._session.preferences.choose(window_keys={}, global_keys={})
        self._show()

    def _show(self) -> None:
        options = self._session.preferences.options
        everywhere = heard_everywhere(options)
        if self.everywhere is not None:
            self.everywhere.setChecked(options.global_hotkeys)
        self._headings[1].setVisible(everywhere)
        for scope in Scope:
            for name, sequence in keys(options, scope).items():
                self.fields[scope, name].show_keys(sequence)
                self.fields[scope, name].setVisible(scope is Scope.WINDOW or everywhere)
        for row in self.rows.values():
            row.complain("")
        self.reset.setEnabled(bool(options.window_keys or options.global_keys))
