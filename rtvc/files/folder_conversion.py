"""Every recording of a folder, converted by worker processes.

The calling thread plans, hands out files and collects the results. A worker converts one file at a time on its main
thread; its second thread ends the worker when the parent process is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from rtvc.audio_file import OUTPUT_SUFFIXES, is_file
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Outcome
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime, cores
from rtvc.signals import end_on
from rtvc.storage import make_folder, sweep
from rtvc.voices.library import AUDIO_SUFFIXES
from rtvc.voices.voice import Target

WORKERS_PER_CORE = 2
"""More workers than this only take memory: a worker computes nearly all of its time."""

GRACE_SECONDS = 2.0
"""How long a worker that is told to end may take to remove its unfinished file, before it is killed."""


@dataclass(frozen=True)
class FolderPlan:
    """What is to be converted.

    Attributes
    ----------
    outputs
        The output of each recording.
    skipped
        The reason for each entry of the folder that is not converted.
    """

    outputs: dict[Path, Path]
    skipped: dict[Path, str]


@dataclass(frozen=True)
class FolderConversion:
    """How each recording of a folder is converted: the arguments of `convert_file` that all have in common."""

    voice: Target
    pack: str
    runtime: Runtime
    conversion: Conversion
    overwrite: bool = False


def plan_folder(folder: Path, output: Path, overwrite: bool = False) -> FolderPlan:
    """Find the recordings below a folder and where their conversions go; nothing is written.

    Links to folders are not followed, so a loop of links ends. The output folder may lie in the source folder; what
    is in it is no source.

    Raises
    ------
    RtvcError
        If source and output are the same folder, if two recordings would become the same file, or if an output
        would replace a recording of the folder.
    """
    root, place = os.path.realpath(folder), os.path.realpath(output)
    if place == root:
        raise RtvcError(f"{output}: is the folder of the recordings themselves; name another for the output.")
    sources: dict[Path, Path] = {}
    skipped: dict[Path, str] = {}

    def unreadable(error: OSError) -> None:
        skipped[Path(error.filename)] = f"the folder cannot be read ({error.strerror})"

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        here = Path(parent)
        for name in sorted(folders):
            if (here / name).is_symlink():
                skipped[here / name] = "a link to a folder"
        folders[:] = sorted(name for name in folders if os.path.realpath(here / name) != place)
        for path in (here / name for name in sorted(names)):
            target = _output_path(path, folder, output)
            if path.suffix.lower() not in AUDIO_SUFFIXES:
                skipped[path] = "not an audio file by its name"
            elif not is_file(path):
                skipped[path] = "a broken link, or not a regular file"
            elif target in sources:
                raise RtvcError(f"{sources[target]} and {path} would both become {target}: rename one of them.")
            else:
                sources[target] = path
    originals = {os.path.realpath(path) for path in sources.values()}
    for target, path in sources.items():
        if os.path.realpath(target) in originals:
            raise RtvcError(f"{target} would replace a recording of {folder}: name another folder for the output.")
        if os.path.lexists(target) and not overwrite:
            skipped[path] = f"{target} exists; use --force to replace it"
    return FolderPlan({path: target for target, path in sources.items() if path not in skipped}, skipped)


def worker_count(jobs: int, recordings: int) -> int:
    """Return how many workers to use where `jobs` are wanted: no more than recordings, and two for each core."""
    return min(jobs, recordings, WORKERS_PER_CORE * cores())


def convert_folder(
    plan: FolderPlan, job: FolderConversion, jobs: int, finished: Callable[[Path, Outcome | str], None]
) -> None:
    """Convert the recordings of a plan, several at a time.

    If the caller is interrupted (or `finished` raises), all workers end at once: finished outputs stay, unfinished
    ones are removed.

    Parameters
    ----------
    plan, job
        What to convert, and how.
    jobs
        How many worker processes to use; at most one for each recording, and two for each core.
    finished
        Told each recording, and its outcome or why it failed, on the calling thread.
    """
    waiting = deque(plan.outputs.items())
    workers: list[_Worker] = []
    try:
        for _ in range(worker_count(jobs, len(waiting))):
            workers.append(_Worker(job))
            workers[-1].begin(waiting.popleft())
        while workers:
            ready = wait([worker.connection for worker in workers])
            for worker in [worker for worker in workers if worker.connection in ready]:
                source, result, alive = worker.result()
                finished(source, result)  # before more work is handed out, so that an interruption counts it
                if not waiting:
                    worker.dismiss()
                    workers.remove(worker)
                else:
                    if not alive:
                        workers[workers.index(worker)] = worker = _Worker(job)
                    worker.begin(waiting.popleft())
    finally:
        _end(workers)


class _Worker:
    """A worker process, as its parent sees it."""

    def __init__(self, job: FolderConversion) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, job), name="rtvc worker")
        with _signals_blocked():
            self.process.start()
        theirs.close()
        self.task: tuple[Path, Path] | None = None

    def begin(self, task: tuple[Path, Path]) -> None:
        """Hand over a recording and its output."""
        self.task = task
        with suppress(BrokenPipeError):  # If the worker is gone, `result` finds out.
            self.connection.send(task)

    def result(self) -> tuple[Path, Outcome | str, bool]:
        """Return the recording, its outcome or why it failed, and whether the worker lives on."""
        assert self.task is not None
        source = self.task[0]
        try:
            result: Outcome | str = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            reason = f"its worker process ended with exit code {self.process.exitcode}; is there memory enough?"
            return source, f"{source}: {reason}", False
        self.task = None
        return source, result, True

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
            sweep(worker.task[1].parent)


@contextmanager
def _signals_blocked() -> Iterator[None]:
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


def _work(connection: Connection, job: FolderConversion) -> None:
    """Convert what comes through the connection until it closes: the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_on("SIGTERM")
    threading.Thread(target=_end_with_parent, name="rtvc parent watch", daemon=True).start()
    pack = find_pack(job.pack, job.runtime)
    while True:
        try:
            source, target = connection.recv()
        except EOFError:
            return
        try:
            make_folder(target.parent)
            result: Outcome | str = convert_file(
                source, job.voice, target, pack, job.conversion, overwrite=job.overwrite
            )
        except RtvcError as error:
            result = str(error)
        connection.send(result)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _output_path(path: Path, folder: Path, output: Path) -> Path:
    target = output / path.relative_to(folder)
    return target if target.suffix.lower() in OUTPUT_SUFFIXES else target.with_suffix(".wav")
