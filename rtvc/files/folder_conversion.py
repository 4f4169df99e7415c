"""The recordings of a folder, converted by worker processes of this machine.

The calling thread hands out tasks and collects the records. A worker converts one file at a time on its main thread;
its second thread ends the worker when the parent process is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from rtvc.files.folder_task import FolderJob, Record, Task, convert_task
from rtvc.packs.runtime import cores
from rtvc.signals import end_on
from rtvc.storage import sweep

WORKERS_PER_CORE = 2
"""More workers than this only take memory: a worker computes nearly all of its time."""

GRACE_SECONDS = 2.0
"""How long a worker that is told to end may take to remove its unfinished file, before it is killed."""


def worker_count(jobs: int, recordings: int) -> int:
    """Return how many workers to use where `jobs` are wanted: no more than recordings, and two for each core."""
    return min(jobs, recordings, WORKERS_PER_CORE * cores())


def convert_tasks(
    tasks: Sequence[Task],
    job: FolderJob,
    jobs: int,
    finished: Callable[[Record], None],
    begun: Callable[[Task], None] = lambda task: None,
) -> None:
    """Do the tasks of a folder, several at a time.

    If the caller is interrupted (or `finished` raises), all workers end at once: finished outputs stay, unfinished
    ones are removed.

    Parameters
    ----------
    tasks, job
        What to convert, and how.
    jobs
        How many worker processes to use; at most one for each recording, and two for each core.
    finished, begun
        Told what became of each task, and that one is about to begin, on the calling thread.
    """
    waiting = deque(tasks)
    workers: list[_Worker] = []
    try:
        for _ in range(worker_count(jobs, len(waiting))):
            workers.append(_Worker(job))
            begun(waiting[0])
            workers[-1].begin(waiting.popleft())
        while workers:
            ready = wait([worker.connection for worker in workers])
            for worker in [worker for worker in workers if worker.connection in ready]:
                record, alive = worker.result()
                finished(record)  # before more work is handed out, so that an interruption counts it
                if not waiting:
                    worker.dismiss()
                    workers.remove(worker)
                else:
                    if not alive:
                        workers[workers.index(worker)] = worker = _Worker(job)
                    begun(waiting[0])
                    worker.begin(waiting.popleft())
    finally:
        _end(workers)


class _Worker:
    """A worker process, as its parent sees it."""

    def __init__(self, job: FolderJob) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, job), name="rtvc worker")
        with signals_blocked():
            self.process.start()
        theirs.close()
        self.task: Task | None = None

    def begin(self, task: Task) -> None:
        """Hand over a task."""
        self.task = task
        with suppress(BrokenPipeError):  # If the worker is gone, `result` finds out.
            self.connection.send(task)

    def result(self) -> tuple[Record, bool]:
        """Return what became of the task, and whether the worker lives on."""
        assert self.task is not None
        try:
            record: Record = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            reason = f"its worker process ended with exit code {self.process.exitcode}; is there enough memory?"
            return Record(self.task, error=f"{self.task.source}: {reason}"), False
        self.task = None
        return record, True

    def dismiss(self) -> None:
        """End a worker that has nothing to do."""
        self.connection.close()
        self.process.join()


def _end(workers: list[_Worker]) -> None:
    """End workers in the middle of their work, and remove what they leave."""
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()
        if worker.task is not None:
            sweep(worker.task.output.parent)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Start child processes with Ctrl-C (SIGINT) and a closed terminal (SIGHUP) blocked.

    Both signals reach every process of the group, and only the parent shall act on them. The parent receives those
    that arrive meanwhile after the block.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, job: FolderJob) -> None:
    """Do the tasks that come through the connection until it closes: the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_on("SIGTERM")
    threading.Thread(target=_end_with_parent, name="rtvc parent watch", daemon=True).start()
    with suppress(EOFError):
        while True:
            connection.send(convert_task(connection.recv(), job))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
