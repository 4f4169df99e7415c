"""The model packs: which one is in use, which there are, and the work on them.

Lives on the GUI thread; the work runs in tasks, one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import number, tr
from gui.models.preferences import PreferencesModel
from gui.phrases import translated
from gui.tasks import Control, Task, Tasks
from gui.view.units import percent_text
from rtvc.app import models, pack_speed
from rtvc.app.models import BuildOptions, PackEntry
from rtvc.packs import catalogue
from rtvc.packs.download import RemoteFile


@dataclass(frozen=True)
class PackFigures:
    """What the controls show of a pack: the dimensions that K divides, its default K, and what else it can move.

    `digest` tells which trained maps fit it.
    """

    learned_dim: int
    block_size: int
    has_pitch: bool
    digest: str = field(default="", compare=False)
    has_formants: bool = field(default=False, compare=False)


class PacksModel(QObject):
    """The list of packs, and the figures of the one in use.

    Attributes
    ----------
    figures
        What the panel needs to know of the pack in use; None until it has been opened.
    entries
        The packs that are shipped, installed or available.
    working_on, share, line
        Name of the pack that is being downloaded, built, checked or removed (or empty), how much of that is done
        (below 0 if unknown), and a line about the current work.

    Signals
    -------
    changed
        The list or `working_on` has changed.
    figures_changed
        `figures` was replaced.
    progressed
        `share` and `line`.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal()
    figures_changed = pyqtSignal()
    progressed = pyqtSignal(float, str)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)
    _said = pyqtSignal(str)

    def __init__(self, preferences: PreferencesModel, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._tasks = tasks
        self._task: Task | None = None
        self._opened = ""
        self.figures: PackFigures | None = None
        self.entries: Sequence[PackEntry] = ()
        self.working_on = ""
        self.share = -1.0
        self.line = ""
        self._said.connect(self._take_line)
        preferences.wiring_changed.connect(self._follow)

    def reload(self) -> None:
        """List the packs again, and open the one in use."""
        self._tasks.start(lambda control: models.list_packs(), self._take, self.failed.emit)
        self._follow()

    def _follow(self) -> None:
        name = self._preferences.wiring.pack
        if name == self._opened:
            return
        self._opened = name

        def take(figures: PackFigures) -> None:
            if name == self._opened:
                self.figures = figures
                self.figures_changed.emit()

        self._tasks.start(lambda control: _figures(name), take, self.failed.emit)

    def obtain(self, name: str, folder: Path | None = None) -> None:
        """Download a pack's checkpoints, or take them from a folder, and build it."""

        def work(control: Control) -> str:
            def fetched(file: RemoteFile, size: int) -> None:
                self._said.emit(
                    tr(
                        "Downloading {file}: {done} of {size} MB",
                        file=file.name,
                        done=number(size / 1e6),
                        size=number(file.size / 1e6),
                    )
                )
                control.progress(size / file.size)

            def say(line: str) -> None:
                control.progress(-1.0)
                self._said.emit(translated(line))

            models.build_pack(name, BuildOptions(folder=folder), fetched=fetched, say=say)
            return tr("The model pack {name} is ready to use.", name=name)

        self._begin(name, tr("Starting …"), work)

    def measure(self, name: str) -> None:
        """Measure how much of a processor core a pack takes here; the list shows it afterwards."""

        def work(control: Control) -> str:
            share = pack_speed.measure_speed(name, control.progress)
            return tr("{name} takes {share} of a processor core here.", name=name, share=percent_text(share))

        self._begin(name, tr("Measuring …"), work)

    def verify(self, name: str) -> None:
        """Check a pack's digests and run it."""

        def work(control: Control) -> str:
            catalogue.verify(name)
            return tr("The model pack {name} is complete and runs.", name=name)

        self._begin(name, tr("Checking …"), work)

    def remove(self, name: str) -> None:
        """Delete an installed pack."""

        def work(control: Control) -> str:
            models.remove_pack(name)
            return tr("The model pack {name} was removed.", name=name)

        self._begin(name, tr("Removing …"), work)

    def cancel(self) -> None:
        """Cancel the current work; finished downloads are kept for the next attempt."""
        if self._task is not None:
            self._task.cancel()
            self._take_line(tr("Stopping …"))

    def _begin(self, name: str, line: str, work: Callable[[Control], str]) -> None:
        if self._task is not None:
            return
        self.working_on, self.share, self.line = name, -1.0, line
        self._task = self._tasks.start(work, self.noticed.emit, self.failed.emit, self._take_share, self._finish)
        self.changed.emit()

    def _finish(self) -> None:
        self._task = None
        self.working_on = ""
        self.changed.emit()
        self.reload()

    def _take(self, entries: Sequence[PackEntry]) -> None:
        self.entries = entries
        self.changed.emit()

    def _take_share(self, share: float) -> None:
        self.share = share
        self.progressed.emit(self.share, self.line)

    def _take_line(self, line: str) -> None:
        self.line = line
        self.progressed.emit(self.share, self.line)


def _figures(name: str) -> PackFigures:
    pack = models.open_pack(name)
    learned, _ = pack.roles.groups(pack.feature_dim)
    return PackFigures(
        len(learned),
        pack.defaults.block_size,
        pack.roles.pitch is not None,
        pack.digest,
        pack.roles.envelope is not None,
    )
