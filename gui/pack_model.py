"""The model packs as the panel lists them, and the work on them. Lives on the GUI thread; the work is in tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.protocol import Backend
from gui.tasks import Control, Task, Tasks
from gui.view_state import PackEntry


class PackModel(QObject):
    """Lists packs and works on one at a time.

    Signals
    -------
    changed
        The list, or what is being worked on, has changed.
    progressed
        A share 0 … 1 of a download (below 0 where that is not known), and a line of what is being done.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal()
    progressed = pyqtSignal(float, str)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)
    _said = pyqtSignal(str)

    def __init__(self, backend: Backend, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend = backend
        self._tasks = tasks
        self._task: Task | None = None
        self.entries: Sequence[PackEntry] = ()
        self.working_on = ""
        self.share = -1.0
        self.line = ""
        self._said.connect(self._take_line)

    def reload(self) -> None:
        """List the packs anew."""
        self._tasks.start(lambda control: self._backend.packs(), self._take, self.failed.emit)

    def obtain(self, name: str, folder: Path | None = None) -> None:
        """Download a pack's checkpoints, or take them from a folder, and build it."""

        def work(control: Control) -> str:
            self._backend.obtain_pack(name, folder, self._said.emit, control)
            return f"The model pack {name} is ready to use."

        self._begin(name, "Starting …", work)

    def verify(self, name: str) -> None:
        """Check a pack."""

        def work(control: Control) -> str:
            self._backend.verify_pack(name)
            return f"The model pack {name} is whole, and it runs."

        self._begin(name, "Checking …", work)

    def remove(self, name: str) -> None:
        """Delete an installed pack."""

        def work(control: Control) -> str:
            self._backend.remove_pack(name)
            return f"The model pack {name} was removed."

        self._begin(name, "Removing …", work)

    def cancel(self) -> None:
        """Break off what is being done; what was downloaded stays for the next time."""
        if self._task is not None:
            self._task.cancel()
            self._take_line("Stopping …")

    def _begin(self, name: str, line: str, work: Callable[[Control], str]) -> None:
        if self._task is not None:
            return
        self.working_on, self.share, self.line = name, -1.0, line
        self._task = self._tasks.start(
            work,
            self.noticed.emit,
            self.failed.emit,
            self._take_share,
            self._finish,
        )
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
