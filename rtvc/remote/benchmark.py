"""`rtvc bench server`: the delay over a server by its parts, what a bad network costs, capacity, and leaks.

The server's workers are processes of their own; its HTTP side and the clients run in this process, on the same cores.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from aiortc.rtp import RtpPacket

from rtvc.benchmark.clicks import PERIOD_SECONDS, click, click_delays, click_train, find_clicks
from rtvc.benchmark.latency import Log
from rtvc.benchmark.loops import PacedLoop
from rtvc.benchmark.report import Report
from rtvc.benchmark.workload import speaker, target
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.remote.access import LOOPBACK, Access, Listen
from rtvc.remote.benchmark_tables import PARTS, capacity_table, delay_tables, visits_table
from rtvc.remote.impairment import IMPAIRMENTS, Impairment
from rtvc.remote.link import Address, Link
from rtvc.remote.peer import BLOCK, RATE, Reception, SentTrack
from rtvc.remote.remote_engine import RemoteEngine
from rtvc.remote.replay import Replay, silence, speech_packets
from rtvc.remote.server import serving
from rtvc.remote.visits import measure_visits
from rtvc.remote.workers import Workers
from rtvc.settings import Settings

START_SECONDS = 30.0
SETTLING_SECONDS = 5.0
DISPLAY_SECONDS = 0.25
JOIN_SECONDS = 3.0
RECOVERED_SECONDS = 15.0
VISITORS = 2
UNLIMITED = 1_000_000


def server_report(
    pack: ModelPack,
    clicks: int = 15,
    networks: Sequence[Impairment] = IMPAIRMENTS,
    calm: float = 60.0,
    sessions: int = 8,
    seconds: float = 8.0,
    visits: int = 30,
    log: Log = lambda sentence: None,
) -> Report:
    """Measure a server over loopback.

    Parameters
    ----------
    pack
        The models.
    clicks
        Clicks per network condition, one every two seconds; 0 to skip.
    networks
        The network conditions.
    calm
        Seconds for which clicks go on after a bad network has become good, to see whether the delay returns.
    sessions
        Most sessions at once when capacity is measured; 0 to skip.
    seconds
        How long each number of sessions is held.
    visits
        Sessions that come and go while memory, threads, sockets and open files are watched; 0 to skip.
    log
        Called before each measurement.

    Raises
    ------
    RtvcError
        If the server does not start, or no click comes back.
    """
    results: dict[str, Any] = {"codec_milliseconds": 1000 * codec_delay()}
    tables = []
    if clicks:
        results["delay"] = {}
        for condition in networks:
            log(f"delay: {condition.name}, {clicks} clicks")
            wait = calm if condition.bad else 0.0
            with running_server(pack, 1) as (url, _):
                results["delay"][condition.name] = measure_delay(url, condition, clicks, wait)
        tables += delay_tables(results["delay"], results["codec_milliseconds"])
    if sessions:
        with running_server(pack, sessions) as (url, workers):
            results["capacity"] = measure_capacity(url, workers, sessions, seconds, log)
        tables.append(capacity_table(results["capacity"]))
    if visits:
        log(f"leaks: {visits} sessions come and go")
        with running_server(pack, VISITORS) as (url, workers):
            results["visits"] = measure_visits(url, workers, visits, log)
        tables.append(visits_table(results["visits"]))
    settings = {
        "clicks": clicks,
        "calm_seconds": calm,
        "sessions": sessions,
        "seconds": seconds,
        "visits": visits,
        "speech": speaker().name,
        "voice": target().name,
    }
    return Report("server", results, settings, {pack.name: {"digest": pack.digest}}, tables)


@contextmanager
def running_server(pack: ModelPack, sessions: int) -> Iterator[tuple[str, Workers]]:
    """Run a server on a thread; yields its URL and its workers."""
    workers = Workers(sessions, str(pack.folder), LOOPBACK)
    started, stopping = threading.Event(), threading.Event()
    urls: list[str] = []
    failures: list[BaseException] = []

    async def run() -> None:
        async with serving(workers, Access(), Listen("127.0.0.1", 0), sessions_per_minute=UNLIMITED) as url:
            urls.append(url)
            started.set()
            while not stopping.is_set():
                await asyncio.sleep(DISPLAY_SECONDS)

    def serve() -> None:
        try:
            asyncio.run(run())
        except (RtvcError, TimeoutError) as error:
            failures.append(error)
            started.set()

    thread = threading.Thread(target=serve, name="rtvc server")
    thread.start()
    try:
        started.wait()
        if failures:
            raise RtvcError(f"The server does not start ({failures[0]}).")
        yield urls[0], workers
    finally:
        stopping.set()
        thread.join()


def codec_delay() -> float:
    """Return the delay of a click through Opus, encoded and decoded as sessions do, in seconds."""
    sound = np.zeros(RATE, np.float32)
    start = RATE // 2
    burst = click(RATE)
    sound[start : start + len(burst)] = burst
    heard: list[Block] = []
    track, reception = SentTrack(silence), Reception(heard.append)
    for number in range(len(sound) // BLOCK):
        payload = bytes(track.encode(sound[number * BLOCK : (number + 1) * BLOCK]))
        reception.add(RtpPacket(sequence_number=number, payload=payload))
    (found,) = find_clicks(np.concatenate(heard), RATE)
    return found - start / RATE


def measure_delay(url: str, condition: Impairment, clicks: int, calm: float) -> dict[str, Any]:
    """Send clicks through a server, its bypass on, and compare their delay with the displayed one.

    Afterwards the network is good again for `calm` seconds; what the clicks of the last 15 s then take is reported.
    """
    loop = PacedLoop()
    settings = Settings(voice=target().name, bypass=True, gate_threshold_dbfs=None)
    engine = RemoteEngine(Address(url), loop.port, settings, local_bypass=False)
    heard: list[Block] = []
    displayed: list[dict[str, float]] = []
    end: list[Callable[[], None]] = []
    try:
        _start(engine)
        link = engine.connection.link
        assert link is not None
        engine.connection.call(lambda: end.append(condition.apply(link.peer)))
        time.sleep(SETTLING_SECONDS)
        before = _counts(engine, link)
        loop.start(click_train, heard.append)
        until = time.monotonic() + (clicks + 0.25) * PERIOD_SECONDS
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, DISPLAY_SECONDS))
            displayed.append(engine.snapshot().latency.milliseconds)
        counted = {name: value - before[name] for name, value in _counts(engine, link).items()}
        engine.connection.call(end[0])
        time.sleep(calm)
        if engine.connection.link is not link:
            raise RtvcError(f"The connection broke ({condition.name}).")
    finally:
        loop.stop()
        engine.stop()
    sound = np.concatenate(heard)
    found, late = click_delays(find_clicks(sound, RATE)), len(sound) / RATE - RECOVERED_SECONDS
    delays = [1000 * one.delay for one in found if one.time < clicks * PERIOD_SECONDS]
    recovered = [1000 * one.delay for one in found if one.time > max(late, clicks * PERIOD_SECONDS)]
    if not delays:
        raise RtvcError(f"No click came back from the server ({condition.name}).")
    half = len(delays) // 2
    return {
        "delays_milliseconds": delays,
        "first_half_milliseconds": median(delays[: half or None]),
        "second_half_milliseconds": median(delays[half:]),
        "recovered_milliseconds": median(recovered) if recovered else None,
        "displayed_milliseconds": {part: median(shown[part] for shown in displayed) for part in PARTS},
        "clicks_lost": clicks - len(delays),
        "packets_lost_share": counted["lost"] / max(1, counted["lost"] + counted["received"]),
        **{name: counted[name] for name in ("concealed", "underruns")},
        "dropped_frames": counted["dropped_frames"] - counted["lost"],
    }


def _counts(engine: RemoteEngine, link: Link) -> dict[str, int]:
    """Return what has been counted so far, at both ends."""
    snapshot, there, here = engine.snapshot(), link.status, link.reception
    return {
        "received": there.received + here.order.received,
        "lost": there.lost + here.order.lost,
        "concealed": there.concealed + here.concealer.concealed,
        "underruns": snapshot.underruns,
        "dropped_frames": snapshot.dropped_frames,
    }


def measure_capacity(
    url: str, workers: Workers, sessions: int, seconds: float, log: Log = lambda sentence: None
) -> list[dict[str, Any]]:
    """Add one session after the other until p99 of a step exceeds its deadline, frames are dropped, or one ends."""
    packets = speech_packets()

    async def run() -> list[dict[str, Any]]:
        links: list[Link] = []
        rows = []
        try:
            for count in range(1, sessions + 1):
                log(f"capacity: {count} sessions, {seconds:.0f} s")
                link = Link(Address(url), Replay(packets), lambda block: None)
                await link.open(Settings(voice=target().name))
                links.append(link)
                await asyncio.sleep(JOIN_SECONDS)
                before = [link.status for link in links]
                cpu, computed, began = time.process_time(), _computed(workers), time.monotonic()
                await asyncio.sleep(seconds)
                passed = time.monotonic() - began
                share, computed = (time.process_time() - cpu) / passed, (_computed(workers) - computed) / passed
                after = [link.status for link in links]
                row = {
                    "sessions": count,
                    "p50_milliseconds": 1000 * max(status.compute_seconds for status in after),
                    "p99_milliseconds": 1000 * max(status.compute_p99_seconds for status in after),
                    "deadline_milliseconds": 1000 * min(status.deadline_seconds for status in after),
                    "queue_milliseconds": 1000 * max(status.queue_seconds for status in after),
                    "underruns": sum(b.underruns - a.underruns for a, b in zip(before, after, strict=True)),
                    "dropped_frames": sum(
                        b.dropped_frames - a.dropped_frames for a, b in zip(before, after, strict=True)
                    ),
                    "workers_core_share": computed,
                    "clients_core_share": share,
                }
                rows.append(row)
                # Workers compute at real-time priority: on busy cores they wait, and steps stay short.
                late = row["p99_milliseconds"] > row["deadline_milliseconds"] or row["dropped_frames"] > 0
                if late or not all(link.alive for link in links):
                    break
        finally:
            for link in links:
                await link.close()
        return rows

    return asyncio.run(run())


def _start(engine: RemoteEngine) -> None:
    engine.start()
    deadline = time.monotonic() + START_SECONDS
    while (snapshot := engine.snapshot()).state != State.RUNNING:
        if snapshot.state == State.FAILED or time.monotonic() > deadline:
            raise RtvcError(snapshot.message or "The server does not answer.")
        time.sleep(0.01)


def _computed(workers: Workers) -> float:
    """Return the processor seconds that all workers have used; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    ticks = 0
    for process in workers.processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0
