"""A load like a game's, in child processes: run as `python -m rtvc.benchmark.game_load KIND`.

What a voice changer meets beside a game: on every core a frame's worth of computing 60 times a second, as a game's
threads do it; one process that streams through more memory than the caches hold; and on every core a niced process
that computes without pause, as a compiler in the background.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

FRAME_SECONDS = 1 / 60
BUSY_SECONDS = (0.010, 0.016)
MEMORY_BYTES = 2**28
NICENESS = 10


@contextmanager
def game_load() -> Iterator[None]:
    """Run the load on every core until the context ends."""
    cores = os.cpu_count() or 1
    kinds = [*["frames"] * cores, "memory", *["compile"] * cores]
    running = [subprocess.Popen([sys.executable, "-m", __name__, kind]) for kind in kinds]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def frames() -> None:
    """Compute for 10 to 16 ms of each 16.7 ms, at random, like a game that nearly misses its frames."""
    random = np.random.default_rng(os.getpid())
    due = time.perf_counter()
    while True:
        until = due + random.uniform(*BUSY_SECONDS)
        while time.perf_counter() < until:
            pass
        due = max(due + FRAME_SECONDS, time.perf_counter())
        time.sleep(max(0.0, due - time.perf_counter()))


def memory() -> None:
    """Copy 256 MiB to and fro."""
    here = np.ones(MEMORY_BYTES, np.uint8)
    there = np.zeros_like(here)
    while True:
        np.copyto(there, here)
        np.copyto(here, there)


def background() -> None:
    """Compile Python at a low priority."""
    if sys.platform != "win32":
        os.nice(NICENESS)
    source = "\n".join(f"def f{number}(x): return [x * {number} for y in range(x) if y % 3]" for number in range(500))
    while True:
        compile(source, "load", "exec")


if __name__ == "__main__":
    {"frames": frames, "memory": memory, "compile": background}[sys.argv[1]]()
