"""`rtvc bench cluster`: recordings an hour on clusters of one worker and more on this machine, and the efficiency.

Each cluster converts copies of the shipped voices, with a new voice for each. The start of the workers is not
counted: the clock runs from the end of a first round to the end of the last recording.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import formatted, peak_memory
from rtvc.errors import RtvcError
from rtvc.files.cluster_conversion import LOCAL, open_cluster
from rtvc.files.conversion import Conversion
from rtvc.files.folder_task import FolderJob, Recipe, Record, Task
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.voices.library import shipped_voices

Progress = Callable[[float], None]


def cluster_report(
    pack: ModelPack, workers: Sequence[int], recordings: int, progress: Progress = lambda share: None
) -> Report:
    """Convert recordings on a cluster of each size and report the speed.

    Parameters
    ----------
    pack
        The models.
    workers
        Worker processes of each cluster, with one thread a graph. Efficiency is relative to the first.
    recordings
        Recordings to convert on each cluster.
    progress
        Called with the share of the work done, 0 … 1.

    Raises
    ------
    RtvcError
        If the extra `cluster` is missing, or a recording cannot be converted.
    """
    runs: dict[str, dict[str, Any]] = {}
    total = len(workers) * recordings
    for index, count in enumerate(workers):
        done = lambda finished, before=index * recordings: progress((before + finished) / total)  # noqa: E731
        runs[f"workers {count}"] = _measure(pack, count, recordings, done)
    first = next(iter(runs.values()))
    rate_per_worker = first["recordings_an_hour"] / workers[0]
    for count, run in zip(workers, runs.values(), strict=True):
        run["efficiency"] = run["recordings_an_hour"] / count / rate_per_worker
    rows = [
        [
            name,
            formatted(run["recordings_an_hour"], 0),
            formatted(run["hours_of_sound_an_hour"], 1),
            formatted(run["efficiency"], 2),
            formatted(run["peak_memory_mebibytes"], 0),
        ]
        for name, run in runs.items()
    ]
    columns = ("", "recordings\nan hour", "hours of sound\nan hour", "efficiency", "peak MiB\na worker")
    table = Table(f"Clusters on this machine, {pack.name}, {first['mean_seconds']:.1f} s a recording", columns, rows)
    settings = {"workers": list(workers), "recordings": recordings, "speech": "shipped voices"}
    return Report("cluster", runs, settings, {pack.name: {"digest": pack.digest}}, [table])


def _measure(pack: ModelPack, workers: int, recordings: int, progress: Callable[[int], None]) -> dict[str, Any]:
    voices, conversion = shipped_voices(), Conversion()
    job = FolderJob(str(pack.folder), Runtime(threads=1), conversion)
    records: list[Record] = []

    def finished(record: Record) -> None:
        if record.error:
            raise RtvcError(record.error)
        records.append(record)

    def task(number: int, folder: Path) -> Task:
        source, target = voices[number % len(voices)], voices[-1]
        return Task(source.reference, folder / f"{number}.wav", Recipe.of(target.name, target, pack, conversion))

    with TemporaryDirectory(prefix="rtvc-bench-") as folder, open_cluster(LOCAL, workers) as cluster:
        cluster.convert_tasks([task(number, Path(folder, "warm")) for number in range(2 * workers)], job, finished)
        records.clear()
        began = time.perf_counter()
        timed = [task(number, Path(folder, "timed")) for number in range(recordings)]
        cluster.convert_tasks(timed, job, finished, lambda task: progress(len(records)))
        taken = time.perf_counter() - began
        memories = cluster.client.run(peak_memory).values()
    seconds = sum(record.outcome.duration for record in records if record.outcome)
    return {
        "recordings_an_hour": 3600 * recordings / taken,
        "hours_of_sound_an_hour": seconds / taken,
        "mean_seconds": seconds / recordings,
        "peak_memory_mebibytes": max((value for value in memories if value), default=None),
    }
