"""Slow work off the GUI thread: a function in a pool thread, with progress, cancellation and error sentences."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QObject, QRunnable, QThreadPool, pyqtSignal

from gui.language import tr, tr_noop
from gui.phrases import translated
from rtvc.app.crash_report import write_report
from rtvc.errors import RtvcError

UNFORESEEN = tr_noop("Unexpected error ({kind}). Start `rtvc gui` in a terminal to see the details.")

_log = logging.getLogger(__name__)


class Cancelled(Exception):  # noqa: N818 - not an error
    """Raised inside a task's work once the task is cancelled."""


class Task:
    """A running task, as its owner on the GUI thread sees it."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def cancel(self) -> None:
        """Ask the work to end; neither its result nor its failure is reported."""
        self._stopping.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._stopping.is_set()


class Control:
    """The task as its work sees it; for the pool thread."""

    def __init__(self, task: Task, report: Callable[[float], None]) -> None:
        self._task = task
        self._report = report

    def progress(self, share: float) -> None:
        """Report the share done, 0 … 1; raise `Cancelled` once the task is cancelled."""
        self.check()
        self._report(share)

    def check(self) -> None:
        """Raise `Cancelled` once the task is cancelled."""
        if self._task.cancelled:
            raise Cancelled


class Tasks(QObject):
    """The tasks of one owner: run in a thread pool, all cancelled at `close`.

    Pool threads touch no Qt object but this one, which outlives them.

    Parameters
    ----------
    parent
        The owner.
    threads
        How many tasks run at a time; None for the number of cores.
    """

    _told = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None, threads: int | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        if threads is not None:
            self._pool.setMaxThreadCount(threads)
        self._running: set[Task] = set()
        self._told.connect(self._call)

    def start(
        self,
        work: Callable[[Control], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
        progress: Callable[[float], None] | None = None,
        finished: Callable[[], None] | None = None,
    ) -> Task:
        """Run `work` in a pool thread; the other functions are called on the GUI thread, `finished` last."""
        task = Task()
        self._running.add(task)

        def end(nothing: None) -> None:
            self._running.discard(task)
            if finished is not None:
                finished()

        def take(result: Any) -> None:  # noqa: ANN401
            # It may have been cancelled since: whatever `then` starts would run on after `close`.
            if not task.cancelled:
                self._call(then, result)

        def run() -> None:
            try:
                result = work(Control(task, lambda share: self._told.emit(progress, share)))
                self._told.emit(take, result)
            except Cancelled:
                pass
            except RtvcError as error:
                if not task.cancelled:
                    self._told.emit(failed, translated(str(error)))
            except Exception as error:
                _log.exception("A task of the panel failed")
                write_report(error)
                self._told.emit(failed, tr(UNFORESEEN, kind=type(error).__name__))
            finally:
                self._told.emit(end, None)

        self._pool.start(QRunnable.create(run))
        return task

    def close(self, milliseconds: int = 5000) -> None:
        """Cancel everything and wait up to `milliseconds`; `idle` tells whether that was enough."""
        for task in self._running:
            task.cancel()
        self._pool.waitForDone(milliseconds)

    @property
    def idle(self) -> bool:
        """Whether nothing runs."""
        return self._pool.activeThreadCount() == 0

    def _call(self, function: Callable[[Any], None] | None, value: object) -> None:
        owner = getattr(function, "__self__", None)
        # The widget that asked may be gone, as after a change of the language.
        if function is not None and not (isinstance(owner, QObject) and sip.isdeleted(owner)):
            function(value)
