"""The cache on disk of maps that take long to fit.

Runs on the thread that fits: the map fitter's, or the command line's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rtvc.arrays import Arrays, DamagedArrays, read_arrays, write_arrays
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write, make_folder
from rtvc.transport import KEPT, Transport

MAXIMUM_KEPT = 8
"""Maps cached per voice; the least recently used is deleted first."""


def cache_path(
    folder: Path,
    transport: str,
    pack: ModelPack,
    source: FeatureSet,
    target: FeatureSet,
    options: Mapping[str, Any],
) -> Path:
    """Return the file for this map: its name holds a digest of everything that the fit depends on."""
    digest = hashlib.sha256(json.dumps([pack.digest, options], sort_keys=True).encode())
    for side in (source, target):
        for array in (side.frames, *side.statistics.to_arrays().values()):
            digest.update(np.ascontiguousarray(array).tobytes())
    return folder / f"{transport}-{digest.hexdigest()[:32]}.npz"


def read_map(path: Path, transport: str, dim: int) -> Transport | None:
    """Return the cached map over `dim` dimensions and mark it as used; None if it is missing or damaged."""
    try:
        cached = KEPT[transport].from_arrays(read_arrays(path))
        path.touch()
    except (OSError, DamagedArrays, RtvcError):
        return None
    return cached if cached.dim == dim else None


def write_map(path: Path, arrays: Arrays) -> None:
    """Write a map atomically and delete the least recently used ones; raise `RtvcError` if it cannot be written."""
    make_folder(path.parent)
    with atomic_write(path) as file:
        write_arrays(file, arrays)
    cached = [other for name in KEPT for other in path.parent.glob(f"{name}-*.npz")]
    for other in sorted(cached, key=lambda other: other.stat().st_mtime)[:-MAXIMUM_KEPT]:
        other.unlink(missing_ok=True)
