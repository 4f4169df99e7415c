"""`rtvc bench soak`: the live engine for a long time, at the pace of real time, perhaps on a busy machine.

The engine runs on its own thread; the calling thread looks at its `snapshot` once a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from rtvc.benchmark.latency import running
from rtvc.benchmark.loops import Loop
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import distribution, memory, peak_memory, shown
from rtvc.benchmark.workload import Speech, speaker, target
from rtvc.dsp.stage import Block
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings

LOOK_SECONDS = 1.0
WARM_UP_SECONDS = 5.0
MOST_ROWS = 20

COUNTERS = ("underruns", "overruns", "dropped_frames", "device_flags")


@dataclass(frozen=True)
class Look:
    """What was seen at one moment: seconds since the start, the engine's snapshot, memory in MiB."""

    time: float
    snapshot: Snapshot
    memory: float | None


def soak_report(
    pack: ModelPack,
    loop: Loop,
    minutes: float,
    step: int = 1,
    stress: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Report:
    """Let a shipped voice speak through the engine for so many minutes, and report how it went.

    Parameters
    ----------
    pack, loop
        The models, and the engine's devices, entered.
    minutes
        How long.
    step
        Frames a step.
    stress
        How many processes compute without pause beside it.
    progress
        Told the share of the time that is over, 0 … 1.

    Raises
    ------
    RtvcError
        If the engine does not start.
    """
    looks, states, heard = _listen(pack, loop, 60 * minutes, step, stress, progress)
    settings = {
        "minutes": minutes,
        "loop": loop.name,
        "step_frames": step,
        "threads": pack.runtime.threads,
        "stress_processes": stress,
        "speech": speaker().name,
        "voice": target().name,
        "provider": pack.encoder().provider,
    }
    results = _results(looks, states, heard)
    return Report("soak", results, settings, {pack.name: {"digest": pack.digest}}, _tables(looks, results))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processes computing without pause."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def every_core() -> int:
    """Return how many busy processes it takes to keep every core of this machine busy."""
    return os.cpu_count() or 1


def _listen(
    pack: ModelPack,
    loop: Loop,
    seconds: float,
    step: int,
    stress: int,
    progress: Callable[[float], None],
) -> tuple[list[Look], list[State], float]:
    """Run the engine; return what was seen each second, each state it was in, and the seconds that were heard."""
    engine = Engine(pack, loop.port, Settings(voice=target().name), step=step)
    heard = [0]

    def hear(block: Block) -> None:
        heard[0] += len(block)

    looks: list[Look] = []
    states: list[State] = []
    try:
        running(engine)
        loop.start(lambda rate, block: Speech(rate).blocks(block), hear)
        time.sleep(min(WARM_UP_SECONDS, seconds))
        with busy(stress):
            began = time.monotonic()
            while (now := time.monotonic() - began) < seconds or not looks:
                snapshot = engine.snapshot()
                looks.append(Look(now, snapshot, memory()))
                if not states or snapshot.state != states[-1]:
                    states.append(snapshot.state)
                progress(min(1.0, now / seconds))
                time.sleep(max(0.0, min(LOOK_SECONDS, seconds - now)))
            looks.append(Look(time.monotonic() - began, engine.snapshot(), memory()))
    finally:
        loop.stop()
        engine.stop()
    return looks, states, heard[0] / loop.rate


def _results(looks: Sequence[Look], states: Sequence[State], heard: float) -> dict[str, Any]:
    first, last = looks[0], looks[-1]
    compute = [seconds for before, look in pairwise(looks) for seconds in _latest(look, look.time - before.time)]
    totals = np.array([look.snapshot.latency.total for look in looks])
    drifts = [look.snapshot.drift_ppm for look in looks]
    counts = {name: _since(first, last, name) for name in COUNTERS}
    return {
        "seconds": last.time,
        "heard_seconds": heard,
        **counts,
        "states": [str(state) for state in states],
        "displayed_latency_milliseconds": {
            "first": 1000 * float(totals[0]),
            "last": 1000 * float(totals[-1]),
            "min": 1000 * float(totals.min()),
            **distribution(totals),
        },
        "compute_milliseconds": distribution(compute),
        "deadline_milliseconds": 1000 * last.snapshot.deadline,
        "drift_ppm": {"median": median(drifts), "min": min(drifts), "max": max(drifts)},
        "cpu_share": last.snapshot.cpu_share,
        "memory_mebibytes": {
            "first": first.memory,
            "last": last.memory,
            "growth": None if first.memory is None or last.memory is None else last.memory - first.memory,
            "peak": peak_memory(),
        },
        "course": {
            "seconds": [look.time for look in looks],
            "displayed_latency_milliseconds": list(1000 * totals),
            "drift_ppm": drifts,
            "memory_mebibytes": [look.memory for look in looks],
            **{name: [_since(first, look, name) for look in looks] for name in COUNTERS},
        },
    }


def _since(first: Look, look: Look, counter: str) -> int:
    return int(getattr(look.snapshot, counter) - getattr(first.snapshot, counter))


def _latest(look: Look, seconds: float) -> Sequence[float]:
    """Return the times of the steps of the last seconds, so that no step counts twice."""
    steps = round(seconds / look.snapshot.deadline)
    return look.snapshot.recent_compute[-steps:] if steps else ()


def _tables(looks: Sequence[Look], results: dict[str, Any]) -> list[Table]:
    together = [
        ["seconds", shown(results["seconds"], 0)],
        *([name.replace("_", " "), str(results[name])] for name in COUNTERS),
        ["states", ", ".join(results["states"])],
        ["memory grew by, MiB", shown(results["memory_mebibytes"]["growth"])],
    ]
    # The first look and then evenly spaced ones, the last among them.
    chosen = np.unique(np.linspace(0, len(looks) - 1, min(MOST_ROWS, len(looks))).round().astype(int))
    rows = []
    for index in chosen:
        look = looks[index]
        snapshot = look.snapshot
        rows.append(
            [
                shown(look.time / 60),
                shown(1000 * snapshot.latency.total),
                shown(1000 * snapshot.latency.queue),
                shown(1000 * snapshot.compute_p50, 2),
                shown(1000 * snapshot.compute_p99, 2),
                *(str(_since(looks[0], look, name)) for name in COUNTERS),
                shown(snapshot.drift_ppm, 0),
                shown(100 * snapshot.cpu_share, 0),
                shown(look.memory, 0),
            ]
        )
    counters = [name.replace("_", " ") for name in COUNTERS]
    columns = ("minute", "latency ms", "queue ms", "step p50", "step p99", *counters, "drift ppm", "cpu %", "MiB")
    return [Table("Soak", ("", ""), together), Table("As it went", columns, rows)]
