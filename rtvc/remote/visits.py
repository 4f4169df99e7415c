"""Sessions that come and go, and what a server and its clients hold after them, for `rtvc bench server`.

Runs on an asyncio loop of the calling thread. The server's HTTP side runs in the same process, its workers in others.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtvc.benchmark.workload import target
from rtvc.live.snapshot import State
from rtvc.remote import protocol
from rtvc.remote.impairment import Impairment
from rtvc.remote.link import Address, Link
from rtvc.remote.protocol import Refusal
from rtvc.remote.replay import Replay, speech_packets
from rtvc.remote.workers import Workers
from rtvc.settings import Settings
from rtvc.voices.analysis import read_recordings

ROUND = 10
"""Sessions between two looks at what is held: then, none is open."""

START_SECONDS = 30.0
POLL_SECONDS = 0.02
PACKETS = 10
OWN_VOICE_EVERY, UNKNOWN_VOICE_EVERY, VANISHING_EVERY = 5, 10, 20
SETTLED_SHARE = 0.3
"""The first rounds fill caches; growth is counted after them."""

Log = Callable[[str], None]


def measure_visits(url: str, workers: Workers, visits: int, log: Log = lambda sentence: None) -> dict[str, Any]:
    """Let sessions come and go, as many at once as the server has, and return what is held after each round.

    One in five brings a voice of its own, one in ten asks for a voice that does not exist, and one in twenty vanishes
    without a word.
    """
    packets = speech_packets()
    voice = protocol.write_voice("brought along", *read_recordings([target().reference]))
    held: list[dict[str, float]] = []

    async def visit(number: int, opening: asyncio.Lock) -> None:
        link = Link(Address(url), Replay(packets), lambda block: None)
        own = number % OWN_VOICE_EVERY == 2
        name = "nobody" if number % UNKNOWN_VOICE_EVERY == 1 else voice["name"] if own else target().name
        try:
            async with opening:
                await _until(lambda: workers.free)
                await link.open(Settings(voice=name), voice if own else None)
            await _until(lambda: link.status.state == State.RUNNING and link.reception.order.received >= PACKETS)
            if number % VANISHING_EVERY == 3:
                Impairment("vanished", loss=1.0).apply(link.peer)
        except Refusal:
            if name != "nobody":
                raise
        finally:
            await link.close()

    async def run() -> None:
        most, opening = workers.free, asyncio.Lock()
        places = asyncio.Semaphore(most)

        async def come(number: int) -> None:
            async with places:
                await visit(number, opening)

        for first in range(0, visits, ROUND):
            numbers = range(first, min(first + ROUND, visits))
            await asyncio.gather(*map(come, numbers))
            await _until(lambda: workers.free == most)
            held.append(_held(workers))
            log(f"leaks: {numbers.stop} of {visits} sessions have come and gone")

    asyncio.run(run())
    settled = held[round(SETTLED_SHARE * (len(held) - 1)) :]
    growth = {name: settled[-1][name] - settled[0][name] for name in settled[0]}
    return {"sessions": visits, "held": held, "growth": growth}


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not condition():
            await asyncio.sleep(POLL_SECONDS)


def _held(workers: Workers) -> dict[str, float]:
    """Return what the workers hold together, what this process does, and how many children this process has."""
    held: Counter[str] = Counter()
    for process in workers.processes:
        held.update({f"workers: {name}": value for name, value in held_by(process).items()})
    held.update({f"server and clients: {name}": value for name, value in held_by(os.getpid()).items()})
    return {**held, "processes": float(len(multiprocessing.active_children()))}


def held_by(process: int) -> dict[str, float]:
    """Return what a process of Linux holds: memory in MiB, threads, open files and sockets; empty elsewhere."""
    folder = Path(f"/proc/{process}")
    try:
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        files = list((folder / "fd").iterdir())
    except OSError:
        return {}
    return {
        "memory, MiB": int(lines["VmRSS"].split()[0]) / 1024,
        "threads": float(lines["Threads"]),
        "open files": float(len(files)),
        "sockets": float(sum(map(_is_socket, files))),
    }


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except OSError:  # The folder itself was open while it was listed.
        return False
