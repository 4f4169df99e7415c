"""`rtvc bench throughput`: computation per second of audio in the file chain, stage by stage, and memory.

The chain runs on the calling thread, as fast as possible, on streamed audio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np

from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import (
    PERCENTILES,
    Stopwatch,
    distribution,
    formatted,
    memory,
    memory_growth,
    peak_memory,
)
from rtvc.benchmark.workload import DEVICE_RATE, Speech, make_converter, speaker, target
from rtvc.chain.voice_chain import FileChain, block_length
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime

WARM_UP_STEPS = 5
REST = "everything else"
STAGES = ("resampling in", "encoder", "transport", "vocoder", "resampling out", REST)

Progress = Callable[[float], None]


def throughput_report(
    pack: ModelPack,
    minutes: float,
    step: int = 1,
    threads: Sequence[int] = (1,),
    progress: Progress = lambda share: None,
) -> Report:
    """Convert speech once per thread count and report time and memory.

    Parameters
    ----------
    pack
        The models.
    minutes
        Length of the speech.
    step
        Feature frames per step.
    threads
        Threads per graph. The first count gives the overall real-time factor of the report.
    progress
        Called with the share of the work done, 0 … 1.

    Raises
    ------
    RtvcError
        If the speech is shorter than one step.
    """
    runs = {}
    for index, count in enumerate(threads):
        runs[f"threads {count}"] = measure(pack, minutes, step, count, _part(progress, index, len(threads)))
    first = next(iter(runs.values()))
    settings = {
        "minutes": minutes,
        "step_frames": step,
        "threads": list(threads),
        "sample_rate": DEVICE_RATE,
        "speech": speaker().name,
        "voice": target().name,
        "provider": pack.encoder().provider,
    }
    results = {"real_time_factor": first["real_time_factor"], **runs}
    return Report("throughput", results, settings, {pack.name: {"digest": pack.digest}}, _tables(pack, step, runs))


def measure(
    pack: ModelPack, minutes: float, step: int, threads: int, progress: Progress = lambda share: None
) -> dict[str, Any]:
    """Convert `minutes` of speech and return the figures of the report."""
    speech = Speech()
    converter = make_converter(pack.bound(Runtime(threads)))
    chain = FileChain(DEVICE_RATE, converter, DEVICE_RATE, speech.level_dbfs)
    block = block_length(DEVICE_RATE, DEVICE_RATE, pack, step)
    steps = int(minutes * 60 * DEVICE_RATE / block)
    if steps < 1:
        raise RtvcError(f"{minutes} minutes is shorter than one step of {block / DEVICE_RATE} s: measure for longer.")
    for sound in speech.blocks(block, WARM_UP_STEPS):
        chain.process(sound)
    watch = Stopwatch()
    for name, stage in (
        ("whole", chain),
        ("resampling in", chain.voice.input),
        ("encoder", converter.analyser.encoder),
        ("transport", converter.transport),
        ("vocoder", converter.vocoder),
        ("resampling out", chain.resampler),
    ):
        watch.watch(name, stage)
    per_minute = ceil(60 * DEVICE_RATE / block)
    taken = np.zeros(steps)
    memories = [memory()]
    for index, sound in enumerate(speech.blocks(block, steps)):
        began = time.perf_counter()
        chain.process(sound)
        taken[index] = time.perf_counter() - began
        if (index + 1) % per_minute == 0 or index + 1 == steps:
            memories.append(memory())
            progress((index + 1) / steps)
    seconds = steps * block / DEVICE_RATE
    whole = watch.seconds.pop("whole")
    shares = dict(watch.seconds)
    shares[REST] = whole - sum(shares.values())
    cost = taken / (block / DEVICE_RATE)
    return {
        "real_time_factor": float(taken.sum()) / seconds,
        "audio_seconds": seconds,
        "step_milliseconds": distribution(taken),
        "stages": {
            name: {"share": part / whole, "real_time_factor": part / seconds} for name, part in shares.items()
        },
        "first_minute_real_time_factor": float(cost[:per_minute].mean()),
        "last_minute_real_time_factor": float(cost[-per_minute:].mean()),
        "minutes_real_time_factor": [
            float(cost[start : start + per_minute].mean()) for start in range(0, steps, per_minute)
        ],
        "peak_memory_mebibytes": peak_memory(),
        "memory_growth_mebibytes": memory_growth(memories[0], memories[-1]),
    }


def _part(progress: Progress, index: int, count: int) -> Progress:
    return lambda share: progress((index + share) / count)


def _tables(pack: ModelPack, step: int, runs: dict[str, dict[str, Any]]) -> list[Table]:
    speed = [
        [
            name,
            formatted(run["real_time_factor"], 3),
            *(formatted(run["step_milliseconds"][percentile], 2) for percentile in PERCENTILES),
            formatted(run["first_minute_real_time_factor"], 3),
            formatted(run["last_minute_real_time_factor"], 3),
            formatted(run["peak_memory_mebibytes"], 0),
            formatted(run["memory_growth_mebibytes"], 1),
        ]
        for name, run in runs.items()
    ]
    stages = [
        [name, *(f"{1000 * run['stages'][name]['real_time_factor']:.1f}" for run in runs.values())] for name in STAGES
    ]
    milliseconds = 1000 * step * pack.hop / pack.sample_rate
    return [
        Table(
            f"Throughput of {pack.name}: steps of {milliseconds:.0f} ms; percentiles in ms per step",
            ("", "real-time\nfactor", *PERCENTILES, "first\nminute", "last\nminute", "peak\nMiB", "growth\nMiB"),
            speed,
        ),
        Table("Computation per second of audio, ms", ("stage", *runs), stages),
    ]
