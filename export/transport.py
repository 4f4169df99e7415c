"""Write a trained transport as a map that `rtvc transports add` takes: a streaming graph and its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.streaming import export_streaming, verify_streaming
from models.transports import TransportNet
from rtvc.packs.card import CARD, FORMAT
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, make_folder
from rtvc.transport.trained import GRAPH

TOLERANCE = 1e-4


def write_map(net: TransportNet, folder: Path, pack: ModelPack, card: Mapping[str, Any]) -> None:
    """Write the map in `net` and a card with these values to `folder`, replacing an earlier map.

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
        content = (work / GRAPH).read_bytes()
        values = {
            "format": FORMAT,
            "kind": "transport",
            "pack": {"name": pack.name, "digest": pack.digest},
            "graph": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
            "parameters": sum(parameter.numel() for parameter in net.parameters()),
            **card,
        }
        (work / CARD).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
