"""The tasks of a folder, done by the workers of a Dask cluster: one on this machine, or any that is reached by TCP.

The calling thread hands out tasks and collects the records; Dask's own threads carry the messages. A worker converts
on the threads that its cluster gives it. A cluster on this machine listens on the loopback interface only, with
certificates of its own (TLS), so that other users of the machine cannot give it work.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rtvc.errors import RtvcError
from rtvc.files.folder_conversion import signals_blocked
from rtvc.files.folder_task import FolderJob, Record, Task, convert_task, open_pack
from rtvc.files.manifest import cluster_module
from rtvc.packs.runtime import Runtime, cores
from rtvc.storage import sweep

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"
MOST_DEATHS = 2
"""A recording that its worker did not survive this often is reported, and the rest goes on."""

CONNECTION_SECONDS = 20
_COUNT_SECONDS = 1.0


class Cluster:
    """Workers that convert recordings; made by `open_cluster`.

    Attributes
    ----------
    client
        Dask's client.
    dashboard
        Address of Dask's own page of progress, memory and errors.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.dashboard: str = client.dashboard_link
        self.unfinished: dict[Future, Task] = {}
        self._places: dict[Future, str] = {}
        self._counted = 0.0
        self._threads: dict[str, int] = {}

    def convert_tasks(
        self,
        tasks: Sequence[Task],
        job: FolderJob,
        finished: Callable[[Record], None],
        begun: Callable[[Task], None] = lambda task: None,
    ) -> None:
        """Do the tasks of a folder, one at a time on each thread of the cluster.

        A task whose worker is killed is repeated. Parameters as for `folder_conversion.convert_tasks`.

        Raises
        ------
        RtvcError
            If the workers cannot open the model pack, or the connection is lost.
        """
        distributed = cluster_module("distributed")
        if not tasks:
            return
        self._check_workers(tasks[0], job)
        waiting, completed = deque(tasks), distributed.as_completed(loop=self.client.loop)
        deaths: Counter[Task] = Counter()
        self._counted = 0.0
        while True:
            # One task a thread, and the thread is chosen here: Dask would queue a short recording behind a long one,
            # and blame both when a worker dies.
            while waiting and (place := self._free()) is not None:
                task = waiting.popleft()
                begun(task)
                future = self.client.submit(
                    convert_task, _absolute(task), job, pure=False, workers=[place], allow_other_workers=True
                )
                self.unfinished[future], self._places[future] = task, place
                completed.add(future)
            if self.unfinished:
                future = next(completed)
                task = self.unfinished.pop(future)
                del self._places[future]
                if isinstance(future.exception(), distributed.KilledWorker):
                    deaths[task] += 1
                    self._counted = 0.0
                    if deaths[task] < MOST_DEATHS:
                        waiting.append(task)
                        continue
                finished(_record(future, task))
            elif not waiting:
                return
            else:
                time.sleep(_COUNT_SECONDS)  # All workers are gone for now.

    def _free(self) -> str | None:
        """Return the address of a worker with a free thread; None if there is none. Workers may come and go."""
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            self._counted, self._threads = time.monotonic(), self.client.nthreads()
        busy = Counter(self._places.values())
        free = (place for place, threads in self._threads.items() if busy[place] < threads)
        return next(free, None) if len(self.unfinished) < sum(self._threads.values()) else None

    def _check_workers(self, task: Task, job: FolderJob) -> None:
        """Let every worker open the pack: a cluster that cannot is one error, not one for each recording."""
        arguments = (job.pack, task.recipe.pack_sha256, job.runtime)
        for error in self.client.run(_open, *arguments, on_error="return").values():
            if isinstance(error, RtvcError):
                raise RtvcError(f"The workers of the cluster cannot convert: {error}")
            if isinstance(error, ImportError):
                raise RtvcError(f"The workers of the cluster lack rtvc: install it there too ({error}).")


@contextmanager
def open_cluster(address: str, workers: int | None = None, memory_mebibytes: int | None = None) -> Iterator[Cluster]:
    """Connect to a Dask scheduler, or start workers on this machine and end them afterwards.

    Parameters
    ----------
    address
        `local`, or the address of a scheduler, such as `tcp://192.168.0.2:8786`. Its workers need rtvc, the same pack
        and voices, and the folders under the same paths.
    workers
        Worker processes of a local cluster; None for one a core.
    memory_mebibytes
        A worker of a local cluster that takes more is ended and replaced; None for an equal share of the machine's
        memory.

    Raises
    ------
    RtvcError
        If the extra `cluster` is missing, or no scheduler or worker answers.
    """
    distributed = cluster_module("distributed")
    if address == LOCAL:
        unfinished: dict[Future, Task] = {}
        try:
            with _local(workers or cores(), memory_mebibytes) as client:
                cluster = Cluster(client)
                unfinished = cluster.unfinished
                yield cluster
        finally:
            for task in unfinished.values():  # The workers have ended, and cannot remove what they began.
                sweep(task.output.parent)
        return
    try:
        client = distributed.Client(address, timeout=CONNECTION_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=CONNECTION_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise RtvcError(f"{address}: no cluster answers ({error}). Start one, or use --cluster local.") from None
    with client:
        cluster = Cluster(client)
        try:
            yield cluster
        finally:
            client.cancel(list(cluster.unfinished))


@contextmanager
def _local(workers: int, memory_mebibytes: int | None) -> Iterator[Client]:
    """Start a scheduler and workers on this machine; they end with this process."""
    dask, distributed = cluster_module("dask"), cluster_module("distributed")
    settings = {
        "distributed.scheduler.allowed-failures": 0,  # `Cluster` counts.
        "distributed.worker.memory.terminate": 1.0,  # Of the limit; 0.95 would end workers below it.
    }
    with dask.config.set(settings), TemporaryDirectory(prefix="rtvc-dask-") as scratch:
        with signals_blocked():
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=1 / workers if memory_mebibytes is None else f"{memory_mebibytes} MiB",
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                security=distributed.Security.temporary(),
                silence_logs=logging.CRITICAL,
                local_directory=scratch,
            )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


def _absolute(task: Task) -> Task:
    """Return a task whose paths hold in any working directory."""
    return replace(task, source=Path(task.source).absolute(), output=Path(task.output).absolute())


def _open(name: str, digest: str, runtime: Runtime) -> None:
    """Open the pack on a worker, and send nothing back."""
    open_pack(name, digest, runtime)


def _record(future: Future, task: Task) -> Record:
    """Return what became of a task: its record, or the fault that ended it."""
    if future.cancelled():
        raise RtvcError("Connection to the cluster lost. Run again to convert the rest.")
    fault = future.exception()
    if fault is None:
        record: Record = future.result()
        return replace(record, task=task)
    if isinstance(fault, cluster_module("distributed").KilledWorker):
        return Record(task, error=f"{task.source}: its worker was killed repeatedly; is there enough memory?")
    return Record(task, error=f"{task.source}: {type(fault).__name__}: {fault}")
