"""`rtvc bench soak`: the live engine over a long time, optionally beside a load like a game's.

The engine runs on its own threads. The calling thread takes a `snapshot` once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from rtvc.benchmark.game_load import game_load
from rtvc.benchmark.latency import start_engine
from rtvc.benchmark.loops import Loop
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import distribution, formatted, memory, memory_growth, peak_memory
from rtvc.benchmark.workload import Speech, speaker, target
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings

INTERVAL_SECONDS = 1.0
WARM_UP_SECONDS = 5.0
LOAD_BEGINS, LOAD_ENDS = 0.2, 0.8
RECOVERED_SECONDS = 0.002
"""The engine has recovered from the load when its delay is at most this much longer than before."""

MAX_ROWS = 20

COUNTERS = ("underruns", "overruns", "dropped_frames", "device_flags")


@dataclass(frozen=True)
class Observation:
    """Seconds since the start, the engine's snapshot, and memory in MiB."""

    time: float
    snapshot: Snapshot
    memory: float | None


@dataclass(frozen=True)
class Run:
    """One run of the engine: an observation a second, its states in order, and the seconds that were recorded.

    `loaded` holds the seconds at which the load began and ended; empty without one.
    """

    observations: Sequence[Observation]
    states: Sequence[State]
    heard: float
    loaded: tuple[float, ...]


def soak_report(
    pack: ModelPack,
    loop: Loop,
    minutes: float,
    step: int = 1,
    stress: bool = False,
    progress: Callable[[float], None] = lambda share: None,
    *,
    follow_jitter: bool = False,
    wanted: Settings | None = None,
) -> Report:
    """Run the engine on speech and report drops, latency, drift and memory.

    With `stress` it runs twice, half of the time each: with the worker at ordinary priority, and asking for real-time
    scheduling. Each time a load like a game's begins after a fifth and ends after four fifths, so that the report
    tells how the engine does before it, under it, and how soon it is back to the delay it had before.

    Parameters
    ----------
    pack, loop
        The models, and the engine's devices, entered as a context.
    minutes
        Duration.
    step
        Feature frames per step.
    stress
        Whether to run `rtvc.benchmark.game_load` beside the engine.
    progress
        Called with the share of the time that has passed, 0 … 1.
    follow_jitter
        As in `Engine`.
    wanted
        The engine's settings, except the voice.

    Raises
    ------
    RtvcError
        If the engine does not start, or a library or a plug-in that `wanted` needs is not installed.
    """
    wanted = replace(wanted or Settings(), voice=target().name)
    wanted.check_libraries()
    settings = {
        "minutes": minutes,
        "loop": loop.name,
        "step_frames": step,
        "threads": pack.runtime.threads,
        "follow_jitter": follow_jitter,
        "stress": stress,
        "noise_suppression": wanted.noise_suppression,
        "effects": [effect.kind for effect in wanted.effects.effects],
        "speech": speaker().name,
        "voice": target().name,
        "provider": pack.encoder().provider,
    }

    def observe(seconds: float, urgent: bool, done: Callable[[float], None]) -> Run:
        engine = Engine(pack, loop.port, wanted, step=step, follow_jitter=follow_jitter, urgent=urgent)
        return _observe(engine, loop, seconds, stress, done)

    if stress:
        runs = [
            observe(30 * minutes, False, lambda share: progress(share / 2)),
            observe(30 * minutes, True, lambda share: progress((1 + share) / 2)),
        ]
    else:
        runs = [observe(60 * minutes, True, progress)]
    results = _results(runs[-1])
    tables = _tables(runs[-1].observations, results)
    if stress:
        names = ("ordinary", "real-time asked for")
        results["stress"] = {name: under_load(run) for name, run in zip(names, runs, strict=True)}
        tables.insert(0, _stress_table(results["stress"]))
    return Report("soak", results, settings, {pack.name: {"digest": pack.digest}}, tables)


def _observe(engine: Engine, loop: Loop, seconds: float, stress: bool, progress: Callable[[float], None]) -> Run:
    """Run the engine, with the load in the middle three fifths of the time if wanted."""
    heard = [0]

    def hear(block: Block) -> None:
        heard[0] += len(block)

    observations: list[Observation] = []
    states: list[State] = []
    loaded: list[float] = []
    try:
        start_engine(engine)
        loop.start(lambda rate, block: Speech(rate).blocks(block), hear)
        time.sleep(min(WARM_UP_SECONDS, seconds))
        with ExitStack() as load:
            began = time.monotonic()
            while (now := time.monotonic() - began) < seconds or not observations:
                if stress and not loaded and now >= LOAD_BEGINS * seconds:
                    load.enter_context(game_load())
                    loaded = [now]
                elif len(loaded) == 1 and now >= LOAD_ENDS * seconds:
                    load.close()
                    loaded = [*loaded, now]
                snapshot = engine.snapshot()
                observations.append(Observation(now, snapshot, memory()))
                if not states or snapshot.state != states[-1]:
                    states.append(snapshot.state)
                progress(min(1.0, now / seconds))
                time.sleep(max(0.0, min(INTERVAL_SECONDS, seconds - now)))
            if len(loaded) == 1:  # The machine was too busy to look in time.
                load.close()
                loaded = [*loaded, time.monotonic() - began]
            observations.append(Observation(time.monotonic() - began, engine.snapshot(), memory()))
    finally:
        loop.stop()
        engine.stop()
    return Run(observations, states, heard[0] / loop.rate, tuple(loaded))


def under_load(run: Run) -> dict[str, Any]:
    """Return what a run tells before, during and after its load: counts, delays, and the seconds to recover."""
    if not run.loaded:
        raise RtvcError("The run was too short for a load to begin: give it more minutes.")
    begin, end = run.loaded
    before = [seen for seen in run.observations if seen.time < begin]
    during = [seen for seen in run.observations if begin <= seen.time <= end]
    after = [seen for seen in run.observations if seen.time >= end]
    quiet = median(_delay(seen) for seen in before)
    recovered = next((seen.time - end for seen in after if _delay(seen) <= quiet + RECOVERED_SECONDS), None)
    minutes = (during[-1].time - during[0].time) / 60
    return {
        "priority": run.observations[-1].snapshot.priority or "ordinary priority: not asked for",
        "load_minutes": minutes,
        **{name: _since(during[0], after[0], name) for name in COUNTERS},
        "underruns_per_minute": _since(during[0], after[0], "underruns") / minutes,
        "displayed_latency_milliseconds": {
            "before": 1000 * quiet,
            "load median": 1000 * median(_delay(seen) for seen in during),
            "load max": 1000 * max(_delay(seen) for seen in during),
        },
        "compute_p99_milliseconds": 1000 * during[-1].snapshot.compute_p99_seconds,
        "recovery_seconds": recovered,
    }


def _delay(observation: Observation) -> float:
    return observation.snapshot.latency.total_seconds


def _results(run: Run) -> dict[str, Any]:
    observations, states, heard = run.observations, run.states, run.heard
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
        "messages": list(dict.fromkeys(seen.snapshot.message for seen in observations if seen.snapshot.message)),
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


def _stress_table(figures: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, run in figures.items():
        delay = run["displayed_latency_milliseconds"]
        rows.append(
            [
                name,
                run["priority"],
                *(str(run[counter]) for counter in COUNTERS),
                formatted(run["underruns_per_minute"]),
                *(formatted(delay[part]) for part in delay),
                formatted(run["compute_p99_milliseconds"]),
                formatted(run["recovery_seconds"], 0),
            ]
        )
    counters = [name.replace("_", "\n") for name in COUNTERS]
    delays = ("latency\nbefore, ms", "under load\nmedian, ms", "under load\nmax, ms")
    columns = ("priority", "granted", *counters, "underruns\nper minute", *delays, "step\np99, ms", "recovery\ns")
    return Table("Under a game-like CPU load", columns, rows)


def _tables(observations: Sequence[Observation], results: dict[str, Any]) -> list[Table]:
    summary = [
        ["seconds", formatted(results["seconds"], 0)],
        *([name.replace("_", " "), str(results[name])] for name in COUNTERS),
        ["states", ", ".join(results["states"])],
        *(["message", message] for message in results["messages"]),
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
