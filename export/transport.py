"""Write a trained transport as a map that `rtvc transports add` takes: a streaming graph and its card."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.streaming import export_streaming, verify_streaming
from models.transports import TransportNet
from rtvc.errors import RtvcError
from rtvc.features import FeatureStatistics
from rtvc.packs.card import CARD, FORMAT, STATISTICS
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, make_folder
from rtvc.transport.trained import GRAPH, read_map_card

TOLERANCE = 1e-4


def write_map(
    net: TransportNet,
    folder: Path,
    pack: ModelPack,
    card: Mapping[str, Any],
    target: FeatureStatistics | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write the map in `net` and a card with these values to `folder`.

    `target` are the statistics that MKL maps the speaker to before the net, if it was trained so.

    Raises `RtvcError` as `check_destination` does, and `SystemExit` if the graph differs from torch by more than
    `TOLERANCE`.
    """
    check_destination(folder, overwrite=overwrite)
    make_folder(folder.parent)
    with atomic_folder(folder, overwrite=True) as work:
        export_streaming(
            net,
            work / GRAPH,
            "transport",
            sample_rate=pack.sample_rate,
            hop=pack.hop,
            feature_dim=pack.feature_dim,
            lookahead_frames=0,
            delay_samples=0,
        )
        if (error := verify_streaming(net, work / GRAPH, "transport")) > TOLERANCE:
            raise SystemExit(f"The graph differs from torch by {error:.1e}, more than {TOLERANCE}.")
        if target is not None:
            np.savez_compressed(work / STATISTICS, **target.to_arrays())  # type: ignore[arg-type]
            card = {**card, "statistics": {"sha256": _digest(work / STATISTICS)}}
        values = {
            "format": FORMAT,
            "kind": "transport",
            "pack": {"name": pack.name, "digest": pack.digest},
            "graph": {"sha256": _digest(work / GRAPH), "bytes": (work / GRAPH).stat().st_size},
            "parameters": sum(parameter.numel() for parameter in net.parameters()),
            **card,
        }
        (work / CARD).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_destination(folder: Path, *, overwrite: bool) -> None:
    """Raise `RtvcError` unless nothing is at `folder`, it is an empty folder, or a map that may be overwritten."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        read_map_card(folder)
    except RtvcError:
        raise RtvcError(f"{folder} exists already and is not a trained map: name another folder for it.") from None
    if not overwrite:
        raise RtvcError(f"{folder}: exists already; use --force to replace it.")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
