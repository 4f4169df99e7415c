"""Write a trained transport as a map that `rtvc transports add` takes: a streaming graph and its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.streaming import export_streaming, verify_streaming
from models.transports import TransportNet
from rtvc.features import FeatureStatistics
from rtvc.packs.card import CARD, FORMAT, STATISTICS
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, make_folder
from rtvc.transport.trained import GRAPH

TOLERANCE = 1e-4


def write_map(
    net: TransportNet,
    folder: Path,
    pack: ModelPack,
    card: Mapping[str, Any],
    target: FeatureStatistics | None = None,
) -> None:
    """Write the map in `net` and a card with these values to `folder`, replacing an earlier map.

    `target` are the statistics that MKL maps the speaker to before the net, if it was trained so.

    Raises `SystemExit` if the graph differs from torch by more than `TOLERANCE`.
    """
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


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
