"""`rtvc bench latency`: the delay, taken apart and put together again.

The chain's own part is checked against what its graphs declare; the time it computes is taken at the pace of live
sound; and clicks are sent through the running engine, from its microphone to its output, and compared with the
delay that the engine displays. Chain and pace run on the calling thread, the engine on its own.
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
from rtvc.benchmark.timing import PERCENTILES, at_pace, distribution, quiet_collector, shown
from rtvc.benchmark.workload import DEVICE_RATE, Speech, converter, speaker, target
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
STARTING_SECONDS = 20.0
SETTLING_SECONDS = 3.0
LISTENING_SECONDS = 20.0
DISPLAY_SECONDS = 0.25
ENVELOPE_SECONDS = 0.001
SMOOTHING = 5
LONGEST_LAG_SECONDS = 0.5

Say = Callable[[str], None]


def latency_report(
    pack: ModelPack,
    steps: Sequence[int] = (1, 2, 4),
    threads: Sequence[int] = (1,),
    seconds: float = 20.0,
    loop: Loop | None = None,
    restarts: int = 5,
    clicks: int = 10,
    say: Say = lambda sentence: None,
) -> Report:
    """Measure every part of the delay, and report.

    Parameters
    ----------
    pack
        The models.
    steps, threads
        Frames a step, and threads that each graph may use: each with each is computed at its pace. The first of
        each is what the engine runs with.
    seconds
        How long each of them is computed.
    loop
        The engine's devices, entered; None to leave the engine out.
    restarts, clicks
        How many times the engine is started, and how many clicks it then gets, one every two seconds.
    say
        Told what is being done.

    Raises
    ------
    RtvcError
        If the engine does not start, or nothing of what is played to its microphone comes out.
    """
    say("the chain's own delay")
    results: dict[str, Any] = {"algorithmic": algorithmic(pack), "compute": {}}
    for step in steps:
        for count in threads:
            say(f"steps of {step}, {count} threads, {seconds:.0f} s")
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
        results["end_to_end"] = end_to_end(pack, loop, steps[0], threads[0], restarts, clicks, say)
        tables += _engine_tables(loop, results["end_to_end"])
    return Report("latency", results, settings, {pack.name: {"digest": pack.digest}}, tables)


def algorithmic(pack: ModelPack) -> dict[str, Any]:
    """Return by how much the chain delays whatever the machine: as its stages declare it, and as it is heard.

    A click goes through beside the models (by the bypass, which waits as long as the models declare); speech goes
    through the models without a map, and the lag of its envelope is found.
    """
    heart = VoiceConverter(pack)
    chain = FileChain(DEVICE_RATE, heart, DEVICE_RATE, heart.pack.level_dbfs)
    declared = {
        "resampling in": float(chain.voice.resampler.latency_seconds),
        "encoder": float(heart.analyser.encoder.latency_seconds),
        "vocoder": float(heart.vocoder.latency_seconds),
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
    """Return by how many seconds a click comes out late; raise `RtvcError` if it does not come out.

    Parameters
    ----------
    chain, block, rate
        What is measured takes blocks `[block]` of so many samples a second, and gives as many samples back.
    expected
        About how late it should be: how long to wait is taken from it.
    """
    start = round(0.2 * rate)
    size = start + round((expected + 0.5) * rate)
    sound = np.zeros(-(-size // block) * block, np.float32)
    burst = click(rate)
    sound[start : start + len(burst)] = burst
    heard = find_clicks(_through(chain, sound, block), rate)
    if len(heard) != 1:
        raise RtvcError(f"A click came out of the chain {len(heard)} times, not once: its delay cannot be told.")
    return heard[0] - start / rate


def speech_delay(chain: Stage, block: int, rate: int) -> float:
    """Return by how many seconds speech comes out late: the lag at which its envelope fits best."""
    blocks = round(LISTENING_SECONDS * rate / block)
    sound = np.concatenate(list(Speech(rate).blocks(block, blocks)))
    return envelope_lag(sound, _through(chain, sound, block), rate)


def envelope_lag(sound: Block, late: Block, rate: int) -> float:
    """Return by how many seconds, 0 … 0.5, the loudness of one sound follows that of another of the same length."""
    hop = round(ENVELOPE_SECONDS * rate)
    first, second = (_envelope(audio, hop) for audio in (sound, late))
    lags = np.arange(round(LONGEST_LAG_SECONDS / ENVELOPE_SECONDS) + 1)
    length = len(first) - lags[-1]
    fits = np.array([np.corrcoef(first[:length], second[lag : lag + length])[0, 1] for lag in lags])
    best = int(np.argmax(fits))
    nudge = 0.0
    if 0 < best < len(fits) - 1:
        before, here, after = fits[best - 1 : best + 2]
        nudge = 0.5 * (before - after) / (before - 2 * here + after)
    return (best + nudge) * hop / rate


def compute(pack: ModelPack, step: int, threads: int, seconds: float) -> dict[str, Any]:
    """Run the chain at the pace of live speech, and return how long its steps took, under plain keys."""
    speech = Speech()
    chain = FileChain(DEVICE_RATE, converter(pack.bound(Runtime(threads))), DEVICE_RATE, speech.level_dbfs)
    block = block_length(DEVICE_RATE, DEVICE_RATE, pack, step)
    period = block / DEVICE_RATE
    steps = round(seconds / period)
    if steps < 1:
        raise RtvcError(f"{seconds} s are less than one step of {period} s: take more.")
    for sound in speech.blocks(block, WARM_UP_STEPS):
        chain.process(sound)
    with quiet_collector():
        pace = at_pace(chain.process, speech.blocks(block, steps), period)
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
    say: Say = lambda sentence: None,
) -> dict[str, Any]:
    """Start the engine again and again, send clicks through it, and compare their delay with what it displays.

    The clicks take the bypass: the models compute as for speech, and the clicks come out when speech would.

    Raises
    ------
    RtvcError
        If the engine does not start, or no click comes out.
    """
    runs = {}
    for number in range(1, restarts + 1):
        say(f"start {number} of {restarts}, {clicks} clicks")
        runs[f"run {number}"] = _run(pack, loop, step, threads, clicks)
    delays = [delay for run in runs.values() for delay in run["delays_milliseconds"]]
    if not delays:
        raise RtvcError(f"Not one click came out of the engine ({loop.name}): does its microphone hear them?")
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


def running(engine: Engine) -> None:
    """Start an engine and wait until it runs; raise `RtvcError` with its own words if it does not."""
    engine.start()
    deadline = time.monotonic() + STARTING_SECONDS
    while (snapshot := engine.snapshot()).state != State.RUNNING:
        if snapshot.state == State.FAILED or time.monotonic() > deadline:
            raise RtvcError(snapshot.message or "The engine does not start.")
        time.sleep(0.01)


def _run(pack: ModelPack, loop: Loop, step: int, threads: int, clicks: int) -> dict[str, Any]:
    settings = Settings(voice=target().name, bypass=True, gate_threshold_dbfs=None)
    engine = Engine(pack.bound(Runtime(threads)), loop.port, settings, step=step)
    heard: list[Block] = []
    displayed: list[Latency] = []
    shown_at: list[float] = []
    try:
        running(engine)
        time.sleep(SETTLING_SECONDS)
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
        differences.append(1000 * (click_heard.delay - displayed[nearest].total))
    parts = {
        name: [1000 * getattr(latency, name) for latency in displayed] for name in (*vars(displayed[0]), "total")
    }
    return {
        "click_seconds": [click_heard.time for click_heard in found],
        "delays_milliseconds": [1000 * click_heard.delay for click_heard in found],
        "measured_minus_displayed_milliseconds": differences,
        "displayed_milliseconds": parts,
        "clicks_lost": clicks - len(found),
        "underruns": after.underruns - before.underruns,
        "dropped_frames": after.dropped_frames - before.dropped_frames,
    }


def _through(chain: Stage, sound: Block, block: int) -> Block:
    return np.concatenate([chain.process(sound[start : start + block]) for start in range(0, len(sound), block)])


def _envelope(sound: Block, hop: int) -> npt.NDArray[np.float64]:
    """Return the logarithm of the loudness, one value a hop, smoothed over a few."""
    power = np.square(sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float64)).mean(axis=1)
    return np.log(np.convolve(power, np.ones(SMOOTHING) / SMOOTHING, "same") + 1e-7)


def _chain_tables(pack: ModelPack, results: dict[str, Any]) -> list[Table]:
    declared = results["algorithmic"]["declared_milliseconds"]
    measured = results["algorithmic"]["measured_milliseconds"]
    rows = [[name, shown(value)] for name, value in declared.items()]
    rows += [[f"measured with {'a click' if name == 'click' else name}", shown(v)] for name, v in measured.items()]
    paces = [
        [
            name,
            shown(run["deadline_milliseconds"], 0),
            *(shown(run["milliseconds"][percentile], 2) for percentile in PERCENTILES),
            f"{run['deadline_misses']} of {run['steps']}",
            shown(run["began_late_milliseconds"]["p99"], 2),
            shown(run["deadline_milliseconds"] + declared["sum"] + run["milliseconds"]["p50"]),
        ]
        for name, run in results["compute"].items()
    ]
    columns = ("", "deadline", *PERCENTILES, "misses", "begun late p99", "step + algorithmic + p50")
    return [
        Table(f"Algorithmic latency of {pack.name}, in ms", ("part", "ms"), rows),
        Table("Computing a step at the pace of live sound, in ms", columns, paces),
    ]


def _engine_tables(loop: Loop, figures: dict[str, Any]) -> list[Table]:
    rows = []
    for name, run in figures["runs"].items():
        delays, displayed = run["delays_milliseconds"], run["displayed_milliseconds"]
        spread = (min(delays), median(delays), max(delays)) if delays else (None, None, None)
        rows.append(
            [
                name,
                *map(shown, spread),
                *(shown(median(displayed[part])) for part in displayed),
                str(run["clicks_lost"]),
                str(run["underruns"]),
                str(run["dropped_frames"]),
            ]
        )
    whole = figures["milliseconds"]
    together = [
        ["measured: min", shown(whole["min"])],
        *([f"measured: {name}", shown(whole[name])] for name in PERCENTILES),
        ["displayed: median", shown(figures["displayed_milliseconds"])],
        ["measured - displayed, click by click: median", shown(figures["measured_minus_displayed_milliseconds"])],
    ]
    parts = [f"shows {part}" for part in vars(Latency())]
    columns = ("", "min", "median", "max", *parts, "shows total", "lost", "underruns", "dropped")
    return [
        Table(f"From the microphone to the output, in ms ({loop.name})", columns, rows),
        Table("All starts together, in ms", ("", "ms"), together),
    ]
