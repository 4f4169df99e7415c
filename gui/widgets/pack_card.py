"""One model pack: what it is, and buttons to use, check, build or remove it."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.language import tr, tr_noop
from gui.phrases import translated
from gui.theme import SPACE
from gui.view.packs import Fact, facts, purpose
from gui.widgets.card import Card
from gui.widgets.flow import Flow
from gui.widgets.labels import label, set_tone
from rtvc.app.models import PackEntry


class PackCard(Card):
    """A card of a pack; signals carry its name.

    Parameters
    ----------
    entry
        What to show.
    in_use
        Whether it is the one in use.
    busy
        Whether something is being done with any pack: only one at a time is worked on.
    working
        Whether something is being done with this one.
    """

    use_wanted = pyqtSignal(str)
    download_wanted = pyqtSignal(str)
    folder_wanted = pyqtSignal(str)
    measure_wanted = pyqtSignal(str)
    verify_wanted = pyqtSignal(str)
    remove_wanted = pyqtSignal(str)
    cancel_wanted = pyqtSignal()

    def __init__(
        self, entry: PackEntry, in_use: bool, busy: bool, working: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(entry.name, parent)
        self.entry = entry
        self.buttons: dict[str, QPushButton] = {}
        if in_use:
            badge = label(tr("in use"), "caption")
            set_tone(badge, "good")
            self.header.addWidget(badge)
        if words := purpose(entry):
            self.body.addWidget(label(words, wrap=True))
        known = Flow(3 * SPACE)
        for fact in facts(entry):
            known.add(_tile(fact))
        self.body.addWidget(known)
        if entry.licence:
            self.body.addWidget(label(tr("Licence: {licence}", licence=entry.licence), "caption", wrap=True))
        if entry.problem:
            problem = label(translated(entry.problem), wrap=True)
            set_tone(problem, "caution" if entry.origin == "available" else "bad")
            self.body.addWidget(problem)
        self.line = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress: {name}", name=entry.name))
        if working:
            self.body.addWidget(self.line)
            row = QHBoxLayout()
            row.setSpacing(2 * SPACE)
            row.addWidget(self.bar, 1)
            row.addWidget(self._button(tr_noop("Cancel"), "quiet"))
            self.buttons["Cancel"].clicked.connect(self.cancel_wanted)
            self.body.addLayout(row)
            return
        actions = Flow()
        for words, kind, signal, wanted in (
            (
                tr_noop("Use"),
                "primary",
                self.use_wanted,
                entry.origin != "available" and not in_use and not entry.problem,
            ),
            (tr_noop("Download and build"), "primary", self.download_wanted, entry.origin == "available"),
            (tr_noop("Build from a folder…"), "", self.folder_wanted, entry.origin == "available"),
            (tr_noop("Verify"), "", self.verify_wanted, entry.origin == "installed"),
            (
                tr_noop("Measure on this computer"),
                "",
                self.measure_wanted,
                entry.origin != "available" and not entry.problem,
            ),
            (tr_noop("Remove"), "", self.remove_wanted, entry.origin == "installed" and not in_use),
        ):
            if wanted:
                button = self._button(words, kind)
                blocked = busy or (entry.origin == "available" and bool(entry.problem))
                button.setEnabled(not blocked or words == "Use")
                button.clicked.connect(lambda checked, signal=signal: signal.emit(self.entry.name))
                actions.add(button)
        if self.buttons:
            self.body.addWidget(actions)

    def set_progress(self, share: float, line: str) -> None:
        """Show how far the work is; below 0 is unknown."""
        self.line.setText(line)
        if share < 0:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(share * 1000))

    def _button(self, words: str, kind: str) -> QPushButton:
        button = QPushButton(tr(words))
        button.setProperty("kind", kind)
        button.setAccessibleName(f"{tr(words)}: {self.entry.name}")
        self.buttons[words] = button
        return button


def _tile(fact: Fact) -> QWidget:
    """Return a fact's value below its name."""
    tile = QWidget()
    column = QVBoxLayout(tile)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(label(fact.name, "caption"))
    column.addWidget(label(fact.value))
    return tile
