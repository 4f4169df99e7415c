"""How much of a processor core a model pack takes on this machine: measured when the user asks, and kept.

Everything runs on the calling thread. The figures lie in one cache file, by the digest of the pack, so that a pack
that is built again has none.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from rtvc.benchmark.workload import Speech, make_converter
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import atomic_write, make_folder

SPEECH_SECONDS = 6.0
"""`mini` takes about 1 s for it."""

WARM_UP_STEPS = 5

_LARGEST_BYTES = 100_000


def measure_speed(name: str, progress: Callable[[float], None] = lambda share: None) -> float:
    """Convert some speech with a pack, keep the share of a core that it takes live, and return it.

    The time is that of the calling thread, on which the graphs run: what else the computer does leaves it as it is.
    Raises `RtvcError` if the pack cannot be opened or the figure cannot be kept; what `progress` raises ends it.
    """
    pack = find_pack(name, Runtime(threads=1, provider="cpu"))
    converter, step = make_converter(pack), pack.defaults.step * pack.hop
    steps = math.ceil(SPEECH_SECONDS * pack.sample_rate / step)
    speech = Speech(pack.sample_rate).blocks(step)
    for _ in range(WARM_UP_STEPS):
        converter.process(next(speech))
    began = time.thread_time()
    for done in range(steps):
        converter.process(next(speech))
        progress((done + 1) / steps)
    share = (time.thread_time() - began) / (steps * step / pack.sample_rate)
    path = _path()
    make_folder(path.parent)
    with atomic_write(path) as file:
        file.write(json.dumps(_known() | {pack.digest: round(share, 4)}).encode())
    return share


def measured_speed(pack: ModelPack) -> float | None:
    """Return the share of a core that a pack took when it was measured here; None if it was not."""
    return _known().get(pack.digest)


def _known() -> dict[str, float]:
    """Return the shares by digest, without what is damaged."""
    with suppress(OSError, ValueError, RecursionError):
        with _path().open("rb") as file:
            content = json.loads(file.read(_LARGEST_BYTES))
        if isinstance(content, dict):
            return {
                digest: share
                for digest, share in content.items()
                if isinstance(share, float) and math.isfinite(share) and share > 0
            }
    return {}


def _path() -> Path:
    return user_cache_path("rtvc", appauthor=False) / "pack-speed.json"
