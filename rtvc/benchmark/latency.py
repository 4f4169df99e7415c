"""`rtvc bench latency`: every part of the delay, and the whole delay measured with clicks.

It checks the declared algorithmic latency of the chain, times computation at the pace of live audio, and sends clicks
through the running engine to compare the measured delay with the displayed one. The chain runs on the calling thread,
the engine on its own threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from rtvc.benchmark.clicks import PERIOD_SECONDS, click, click_delays, click_train, find_clicks
from rtvc.benchmark.loops import Loop
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import PERCENTILES, distribution, formatted, gc_frozen, run_paced
from rtvc.benchmark.workload import DEVICE_RATE, Speech, make_converter, speaker, target
from rtvc.chain.voice_chain import FileChain, block_length
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Latency, State
from rtvc.packs.pack import ModelPack
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings

WARM_UP_STEPS = 5
START_TIMEOUT_SECONDS = 20.0
SETTLING_SECONDS = 45.0
"""The queue tries a shorter target every 10 s at first."""

FOLLOWING_SECONDS = 60.0
"""A queue that follows the jitter shrinks by 1 ms or more each time."""

SPEECH_SECONDS = 20.0
DISPLAY_SECONDS = 0.25
ENVELOPE_SECONDS = 0.001
SMOOTHING = 5
MAX_LAG_SECONDS = 0.5

Log = Callable[[str], None]
"""Called with a line on what is measured next."""


def latency_report(
    pack: ModelPack,
    steps: Sequence[int] = (1, 2, 4),
    threads: Sequence[int] = (1,),
    seconds: float = 20.0,
    loop: Loop | None = None,
    restarts: int = 5,
    clicks: int = 10,
    log: Log = lambda sentence: None,
    *,
    follow_jitter: bool = False,
) -> Report:
    """Measure every part of the delay and report.

    Parameters
    ----------
    pack
        The models.
    steps, threads
        Feature frames per step, and threads per graph. Every combination is timed; the engine runs with the first.
    seconds
        Duration of each timing.
    loop
        The engine's devices, entered as a context; None to skip the engine.
    restarts, clicks
        Number of engine starts, and of clicks per start, one every two seconds.
    log
        Called before each measurement.
    follow_jitter
        As in `Engine`.

    Raises
    ------
    RtvcError
        If the engine does not start, or no click comes out of it.
    """
    log("algorithmic latency")
    results: dict[str, Any] = {"algorithmic": algorithmic(pack), "compute": {}}
    for step in steps:
        for count in threads:
            log(f"computation: step {step}, threads {count}, {seconds:.0f} s")
            results["compute"][f"step {step}, threads {count}"] = compute(pack, step, count, seconds)
    settings = {
        "steps_frames": list(steps),
        "threads": list(threads),
        "seconds": seconds,
        "sample_rate": DEVICE_RATE,
        "speech": speaker().name,
        "voice": target().name,
        "provider": pack.encoder().provider,
    }
    tables = _chain_tables(pack, results)
    if loop is not None:
        settings |= {"loop": loop.name, "restarts": restarts, "clicks": clicks}
        chosen = (steps[0], threads[0], restarts, clicks, log, follow_jitter)
        results["end_to_end"] = end_to_end(pack, loop, *chosen)
        tables += _engine_tables(loop, results["end_to_end"])
    return Report("latency", results, settings, {pack.name: {"digest": pack.digest}}, tables)


def algorithmic(pack: ModelPack) -> dict[str, Any]:
    """Return the algorithmic latency of the chain, as declared by its stages and as measured.

    A click is measured through the bypass, which delays audio by the declared latency of the models. Speech is
    measured through the models without a map, by the lag of its envelope.
    """
    converter = VoiceConverter(pack)
    chain = FileChain(DEVICE_RATE, converter, DEVICE_RATE, converter.pack.level_dbfs)
    declared = {
        "resampling in": float(chain.voice.input.latency_seconds),
        "encoder": float(converter.analyser.encoder.latency_seconds),
        "vocoder": float(converter.vocoder.latency_seconds),
        "resampling out": float(chain.resampler.latency_seconds),
    }
    whole = float(chain.latency_seconds)
    declared["everything else"] = whole - sum(declared.values())
    block = block_length(DEVICE_RATE, DEVICE_RATE, pack, 1)
    chain.voice.apply(Settings(bypass=True, gate_threshold_dbfs=None))
    impulse = impulse_delay(chain, block, DEVICE_RATE, whole)
    fresh = FileChain(DEVICE_RATE, VoiceConverter(pack), DEVICE_RATE, Speech().level_dbfs)
    speech = speech_delay(fresh, block, DEVICE_RATE)
    return {
        "declared_milliseconds": {name: 1000 * part for name, part in {**declared, "sum": whole}.items()},
        "measured_milliseconds": {"click": 1000 * impulse, "speech": 1000 * speech},
    }


def impulse_delay(chain: Stage, block: int, rate: int, expected: float) -> float:
    """Return the delay of a click through a chain in seconds; raise `RtvcError` if it does not come out once.

    Parameters
    ----------
    chain, block, rate
        The stage, its block length in samples, and its sample rate in hertz.
    expected
        Expected delay in seconds. The measurement waits 0.5 s longer.
    """
    start = round(0.2 * rate)
    size = start + round((expected + 0.5) * rate)
    sound = np.zeros(-(-size // block) * block, np.float32)
    burst = click(rate)
    sound[start : start + len(burst)] = burst
    heard = find_clicks(_process_all(chain, sound, block), rate)
    if len(heard) != 1:
        raise RtvcError(f"A click came out of the chain {len(heard)} times, not once: its delay cannot be measured.")
    return heard[0] - start / rate


def speech_delay(chain: Stage, block: int, rate: int) -> float:
    """Return the delay of speech through a chain in seconds: the lag at which the envelopes correlate best."""
    blocks = round(SPEECH_SECONDS * rate / block)
    sound = np.concatenate(list(Speech(rate).blocks(block, blocks)))
    return envelope_lag(sound, _process_all(chain, sound, block), rate)


def envelope_lag(sound: Block, late: Block, rate: int) -> float:
    """Return the lag in seconds, 0 … 0.5, of the envelope of `late` behind that of `sound` of the same length."""
    hop = round(ENVELOPE_SECONDS * rate)
    first, second = (_envelope(audio, hop) for audio in (sound, late))
    lags = np.arange(round(MAX_LAG_SECONDS / ENVELOPE_SECONDS) + 1)
    length = len(first) - lags[-1]
    correlations = np.array([np.corrcoef(first[:length], second[lag : lag + length])[0, 1] for lag in lags])
    best = int(np.argmax(correlations))
    offset = 0.0  # of the peak of the parabola through the best lag and its neighbours
    if 0 < best < len(correlations) - 1:
        before, here, after = correlations[best - 1 : best + 2]
        offset = 0.5 * (before - after) / (before - 2 * here + after)
    return (best + offset) * hop / rate


def compute(pack: ModelPack, step: int, threads: int, seconds: float) -> dict[str, Any]:
    """Run the chain at the pace of live audio and return the timing of its steps."""
    speech = Speech()
    chain = FileChain(DEVICE_RATE, make_converter(pack.bound(Runtime(threads))), DEVICE_RATE, speech.level_dbfs)
    block = block_length(DEVICE_RATE, DEVICE_RATE, pack, step)
    period = block / DEVICE_RATE
    steps = round(seconds / period)
    if steps < 1:
        raise RtvcError(f"{seconds} s is shorter than one step of {period} s: measure for longer.")
    for sound in speech.blocks(block, WARM_UP_STEPS):
        chain.process(sound)
    with gc_frozen():
        pace = run_paced(chain.process, speech.blocks(block, steps), period)
    return {
        "steps": steps,
        "deadline_milliseconds": 1000 * period,
        "milliseconds": distribution(pace.compute),
        "began_late_milliseconds": distribution(pace.late),
        "deadline_misses": pace.misses,
    }


def end_to_end(
    pack: ModelPack,
    loop: Loop,
    step: int,
    threads: int,
    restarts: int,
    clicks: int,
    log: Log = lambda sentence: None,
    follow_jitter: bool = False,
) -> dict[str, Any]:
    """Start the engine several times, send clicks through it, and compare their delay with the displayed one.

    The clicks take the bypass, which is as late as converted speech. The models compute as usual.

    Raises
    ------
    RtvcError
        If the engine does not start, or no click comes out.
    """
    runs = {}
    for number in range(1, restarts + 1):
        log(f"engine: start {number} of {restarts}, {clicks} clicks")
        runs[f"run {number}"] = _measure_start(pack, loop, step, threads, clicks, follow_jitter)
    delays = [delay for run in runs.values() for delay in run["delays_milliseconds"]]
    if not delays:
        raise RtvcError(f"No click came out of the engine ({loop.name}): check that its microphone hears the player.")
    displayed = [value for run in runs.values() for value in run["displayed_milliseconds"]["total"]]
    differences = [value for run in runs.values() for value in run["measured_minus_displayed_milliseconds"]]
    spread = distribution([delay / 1000 for delay in delays])
    return {
        "milliseconds": {"min": min(delays), **spread},
        "displayed_milliseconds": median(displayed),
        "measured_minus_displayed_milliseconds": median(differences),
        "clicks_lost": sum(run["clicks_lost"] for run in runs.values()),
        "underruns": sum(run["underruns"] for run in runs.values()),
        "dropped_frames": sum(run["dropped_frames"] for run in runs.values()),
        "runs": runs,
    }


def start_engine(engine: Engine) -> None:
    """Start an engine and wait until it runs; raise `RtvcError` with its message if it does not."""
    engine.start()
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (snapshot := engine.snapshot()).state != State.RUNNING:
        if snapshot.state == State.FAILED or time.monotonic() > deadline:
            raise RtvcError(snapshot.message or "The engine did not start.")
        time.sleep(0.01)


def _measure_start(
    pack: ModelPack, loop: Loop, step: int, threads: int, clicks: int, follow_jitter: bool
) -> dict[str, Any]:
    settings = Settings(voice=target().name, bypass=True, gate_threshold_dbfs=None)
    engine = Engine(pack.bound(Runtime(threads)), loop.port, settings, step=step, follow_jitter=follow_jitter)
    heard: list[Block] = []
    displayed: list[Latency] = []
    shown_at: list[float] = []
    try:
        start_engine(engine)
        time.sleep(FOLLOWING_SECONDS if follow_jitter else SETTLING_SECONDS)
        before = engine.snapshot()
        loop.start(click_train, heard.append)
        until = time.monotonic() + (clicks + 0.25) * PERIOD_SECONDS
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, DISPLAY_SECONDS))
            displayed.append(engine.snapshot().latency)
            shown_at.append(sum(map(len, heard)) / loop.rate)
        after = engine.snapshot()
    finally:
        loop.stop()
        engine.stop()
    found = click_delays(find_clicks(np.concatenate([*heard, np.zeros(0, np.float32)]), loop.rate))[:clicks]
    differences = []
    for click_heard in found:
        nearest = int(np.argmin(np.abs(np.array(shown_at) - click_heard.time)))
        differences.append(1000 * (click_heard.delay - displayed[nearest].total_seconds))
    parts = {name: [latency.milliseconds[name] for latency in displayed] for name in Latency().milliseconds}
    return {
        "click_seconds": [click_heard.time for click_heard in found],
        "delays_milliseconds": [1000 * click_heard.delay for click_heard in found],
        "measured_minus_displayed_milliseconds": differences,
        "displayed_milliseconds": parts,
        "clicks_lost": clicks - len(found),
        "underruns": after.underruns - before.underruns,
        "dropped_frames": after.dropped_frames - before.dropped_frames,
    }


def _process_all(chain: Stage, sound: Block, block: int) -> Block:
    return np.concatenate([chain.process(sound[start : start + block]) for start in range(0, len(sound), block)])


def _envelope(sound: Block, hop: int) -> npt.NDArray[np.float64]:
    """Return the log power per hop, smoothed over `SMOOTHING` hops."""
    power = np.square(sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float64)).mean(axis=1)
    return np.log(np.convolve(power, np.ones(SMOOTHING) / SMOOTHING, "same") + 1e-7)


def _chain_tables(pack: ModelPack, results: dict[str, Any]) -> list[Table]:
    declared = results["algorithmic"]["declared_milliseconds"]
    measured = results["algorithmic"]["measured_milliseconds"]
    rows = [[name, formatted(value)] for name, value in declared.items()]
    rows += [[f"measured with {name}", formatted(value)] for name, value in measured.items()]
    paces = [
        [
            name,
            formatted(run["deadline_milliseconds"], 0),
            *(formatted(run["milliseconds"][percentile], 2) for percentile in PERCENTILES),
            f"{run['deadline_misses']} of {run['steps']}",
            formatted(run["began_late_milliseconds"]["p99"], 2),
            formatted(run["deadline_milliseconds"] + declared["sum"] + run["milliseconds"]["p50"]),
        ]
        for name, run in results["compute"].items()
    ]
    columns = ("", "deadline", *PERCENTILES, "misses", "start late\np99", "step + algo-\nrithmic + p50")
    return [
        Table(f"Algorithmic latency of {pack.name}, ms", ("part", "ms"), rows),
        Table("Computation per step at the pace of live audio, ms", columns, paces),
    ]


def _engine_tables(loop: Loop, figures: dict[str, Any]) -> list[Table]:
    rows = []
    for name, run in figures["runs"].items():
        delays, displayed = run["delays_milliseconds"], run["displayed_milliseconds"]
        spread = (min(delays), median(delays), max(delays)) if delays else (None, None, None)
        rows.append(
            [
                name,
                *map(formatted, spread),
                *(formatted(median(displayed[part])) for part in displayed),
                str(run["clicks_lost"]),
                str(run["underruns"]),
                str(run["dropped_frames"]),
            ]
        )
    measured = figures["milliseconds"]
    summary = [
        ["measured: min", formatted(measured["min"])],
        *([f"measured: {name}", formatted(measured[name])] for name in PERCENTILES),
        ["displayed: median", formatted(figures["displayed_milliseconds"])],
        ["measured less displayed, per click: median", formatted(figures["measured_minus_displayed_milliseconds"])],
    ]
    parts = [part.replace("algorithmic", "algo-\nrithmic") for part in Latency().milliseconds]
    columns = ("", "min", "median", "max", *parts, "lost", "under-\nruns", "dropped\nframes")
    return [
        Table(f"From microphone to output, ms ({loop.name}): measured delay, displayed parts", columns, rows),
        Table("All starts, ms", ("", "ms"), summary),
    ]
