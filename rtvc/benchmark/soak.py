"""`rtvc bench soak`: the live engine over a long time, optionally with every core loaded.

The engine runs on its own threads. The calling thread takes a `snapshot` once a second.
"""

from __future__ import annotations

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

from rtvc.benchmark.latency import start_engine
from rtvc.benchmark.loops import Loop
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import distribution, formatted, memory, memory_growth, peak_memory
from rtvc.benchmark.workload import Speech, speaker, target
from rtvc.dsp.stage import Block
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings

INTERVAL_SECONDS = 1.0
WARM_UP_SECONDS = 5.0
MAX_ROWS = 20

COUNTERS = ("underruns", "overruns", "dropped_frames", "device_flags")


@dataclass(frozen=True)
class Observation:
    """Seconds since the start, the engine's snapshot, and memory in MiB."""

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
    """Run the engine on speech and report drops, latency, drift and memory.

    Parameters
    ----------
    pack, loop
        The models, and the engine's devices, entered as a context.
    minutes
        Duration.
    step
        Feature frames per step.
    stress
        Number of busy processes that run beside the engine.
    progress
        Called with the share of the time that has passed, 0 … 1.

    Raises
    ------
    RtvcError
        If the engine does not start.
    """
    observations, states, heard = _observe(pack, loop, 60 * minutes, step, stress, progress)
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
    results = _results(observations, states, heard)
    return Report("soak", results, settings, {pack.name: {"digest": pack.digest}}, _tables(observations, results))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Run `processes` processes that compute without pause."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _observe(
    pack: ModelPack,
    loop: Loop,
    seconds: float,
    step: int,
    stress: int,
    progress: Callable[[float], None],
) -> tuple[list[Observation], list[State], float]:
    """Run the engine; return one observation per second, the sequence of states, and the seconds recorded."""
    engine = Engine(pack, loop.port, Settings(voice=target().name), step=step)
    heard = [0]

    def hear(block: Block) -> None:
        heard[0] += len(block)

    observations: list[Observation] = []
    states: list[State] = []
    try:
        start_engine(engine)
        loop.start(lambda rate, block: Speech(rate).blocks(block), hear)
        time.sleep(min(WARM_UP_SECONDS, seconds))
        with busy(stress):
            began = time.monotonic()
            while (now := time.monotonic() - began) < seconds or not observations:
                snapshot = engine.snapshot()
                observations.append(Observation(now, snapshot, memory()))
                if not states or snapshot.state != states[-1]:
                    states.append(snapshot.state)
                progress(min(1.0, now / seconds))
                time.sleep(max(0.0, min(INTERVAL_SECONDS, seconds - now)))
            observations.append(Observation(time.monotonic() - began, engine.snapshot(), memory()))
    finally:
        loop.stop()
        engine.stop()
    return observations, states, heard[0] / loop.rate


def _results(observations: Sequence[Observation], states: Sequence[State], heard: float) -> dict[str, Any]:
    first, last = observations[0], observations[-1]
    compute = [
        seconds for before, now in pairwise(observations) for seconds in _recent_compute(now, now.time - before.time)
    ]
    totals = np.array([observation.snapshot.latency.total_seconds for observation in observations])
    drifts = [observation.snapshot.drift_ppm for observation in observations]
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
        "deadline_milliseconds": 1000 * last.snapshot.deadline_seconds,
        "drift_ppm": {"median": median(drifts), "min": min(drifts), "max": max(drifts)},
        "cpu_share": last.snapshot.cpu_share,
        "memory_mebibytes": {
            "first": first.memory,
            "last": last.memory,
            "growth": memory_growth(first.memory, last.memory),
            "peak": peak_memory(),
        },
        "course": {
            "seconds": [observation.time for observation in observations],
            "displayed_latency_milliseconds": list(1000 * totals),
            "drift_ppm": drifts,
            "memory_mebibytes": [observation.memory for observation in observations],
            **{name: [_since(first, observation, name) for observation in observations] for name in COUNTERS},
        },
    }


def _since(first: Observation, observation: Observation, counter: str) -> int:
    return int(getattr(observation.snapshot, counter) - getattr(first.snapshot, counter))


def _recent_compute(observation: Observation, seconds: float) -> Sequence[float]:
    """Return the computation times of the steps of the last `seconds`, so that no step counts twice."""
    steps = round(seconds / observation.snapshot.deadline_seconds)
    return observation.snapshot.recent_compute_seconds[-steps:] if steps else ()


def _tables(observations: Sequence[Observation], results: dict[str, Any]) -> list[Table]:
    summary = [
        ["seconds", formatted(results["seconds"], 0)],
        *([name.replace("_", " "), str(results[name])] for name in COUNTERS),
        ["states", ", ".join(results["states"])],
        ["memory growth, MiB", formatted(results["memory_mebibytes"]["growth"])],
    ]
    last = len(observations) - 1
    chosen = np.unique(np.linspace(0, last, min(MAX_ROWS, last + 1)).round().astype(int))
    rows = []
    for index in chosen:
        observation = observations[index]
        snapshot = observation.snapshot
        rows.append(
            [
                formatted(observation.time / 60),
                formatted(1000 * snapshot.latency.total_seconds),
                formatted(1000 * snapshot.latency.queue_seconds),
                formatted(1000 * snapshot.compute_p50_seconds, 2),
                formatted(1000 * snapshot.compute_p99_seconds, 2),
                *(str(_since(observations[0], observation, name)) for name in COUNTERS),
                formatted(snapshot.drift_ppm, 0),
                formatted(100 * snapshot.cpu_share, 0),
                formatted(observation.memory, 0),
            ]
        )
    counters = [name.replace("_", "\n") for name in COUNTERS]
    timings = ("latency\nms", "queue\nms", "step\np50 ms", "step\np99 ms")
    columns = ("minute", *timings, *counters, "drift\nppm", "CPU\n%", "memory\nMiB")
    return [Table("Soak", ("", ""), summary), Table("Course", columns, rows)]
