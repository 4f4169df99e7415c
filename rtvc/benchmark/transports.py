"""`rtvc bench transports`: computation per frame, fitting time and memory of each transport on its own.

The frames are random, since only their number and dimension matter. They are processed one at a time at the pace of
live audio, on the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.timing import distribution, formatted, gc_frozen, run_paced
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.trained import TrainedTransport

ENROLMENT_SECONDS = 20.0
FACTORS = 32
"""Number of directions along which random frames mainly vary, as speech features do."""

_MEBIBYTE = 2**20

Progress = Callable[[float], None]


def transports_report(
    pack: ModelPack,
    names: Sequence[str] = tuple(FITS),
    dimensions: Sequence[int] = (),
    reference_seconds: Sequence[float] = (5.0, 600.0),
    seconds: float = 5.0,
    progress: Progress = lambda share: None,
) -> Report:
    """Fit and run every combination of transport, feature dimension and reference length.

    Parameters
    ----------
    pack
        Gives the frame rate, K and feature roles.
    names
        The transports.
    dimensions
        Feature dimensions; empty for the pack's.
    reference_seconds
        Lengths of the target's speech. The source speaker has `ENROLMENT_SECONDS`.
    seconds
        Duration of each run.
    progress
        Called with the share of the work done, 0 … 1.

    Raises
    ------
    RtvcError
        If a transport is unknown.
    """
    cases = [
        (name, dim, length)
        for dim in dimensions or [pack.feature_dim]
        for length in reference_seconds
        for name in names
    ]
    rows = []
    for index, case in enumerate(cases):

        def part(share: float, index: int = index) -> None:
            progress((index + share) / len(cases))

        rows.append(measure(pack, *case, seconds, part))
        part(1.0)
    settings = {"enrolment_seconds": ENROLMENT_SECONDS, "seconds": seconds, "frame_rate": pack.frame_rate}
    table = Table(
        f"Transports, one frame of {1000 / pack.frame_rate:.0f} ms at a time",
        (
            "transport",
            "dimensions",
            "reference",
            "p50\nms",
            "p99\nms",
            "p99, %\nof frame",
            "fit\ns",
            "map\nMiB",
        ),
        [
            (
                row["transport"],
                str(row["dimensions"]),
                f"{row['reference_seconds']:g} s",
                formatted(row["frame_milliseconds"]["p50"], 2),
                formatted(row["frame_milliseconds"]["p99"], 2),
                f"{row['frame_milliseconds']['p99'] * pack.frame_rate / 1000:.1%}",
                formatted(row["fit_seconds"], 2),
                formatted(row["memory_bytes"] / _MEBIBYTE, 2),
            )
            for row in rows
        ],
    )
    return Report("transports", {"transports": rows}, settings, {pack.name: {"digest": pack.digest}}, [table])


def measure(
    pack: ModelPack, name: str, dim: int, reference_seconds: float, seconds: float, progress: Progress
) -> dict[str, Any]:
    """Fit and run one transport and return its figures; `progress` is called during a long fit."""
    roles = pack.roles if dim == pack.feature_dim else FeatureRoles()
    source, target = (
        random_voice(round(length * pack.frame_rate), dim, roles, seed)
        for seed, length in enumerate((ENROLMENT_SECONDS, reference_seconds))
    )
    began = time.perf_counter()
    transport = fit_map(pack, source, target, MapChoice(name), progress=progress)
    fitted = time.perf_counter() - began
    frames = np.resize(source.frames, (round(seconds * pack.frame_rate), 1, dim))
    transport(frames[0])
    with gc_frozen():
        pace = run_paced(transport, frames, 1 / pack.frame_rate)
    return {
        "transport": name,
        "dimensions": dim,
        "reference_seconds": reference_seconds,
        "fit_seconds": fitted,
        "frame_milliseconds": distribution(pace.compute),
        "memory_bytes": memory_bytes(transport),
    }


def random_voice(count: int, dim: int, roles: FeatureRoles, seed: int) -> FeatureSet:
    """Return random feature frames of a voice, `[count, dim]`, half of them voiced."""
    random = np.random.default_rng(seed)
    factors, own = (random.standard_normal((count, width), np.float32) for width in (FACTORS, dim))
    mix, centre = (random.standard_normal((height, dim), np.float32) for height in (FACTORS, 1))
    frames = centre + factors @ mix + own
    if roles.voicing is not None:
        frames[:, roles.voicing] = np.arange(count) % 2
    return FeatureSet.of(frames, roles=roles)


def memory_bytes(value: object) -> int:
    """Return the bytes of all arrays in a map, found through data classes, lists and tuples; of a graph, its size."""
    if isinstance(value, TrainedTransport):
        return value.bytes
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value):
        return sum(memory_bytes(getattr(value, field.name)) for field in fields(value))
    return sum(map(memory_bytes, value)) if isinstance(value, list | tuple) else 0
