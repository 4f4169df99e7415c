"""The last two files of a pack: the population's statistics, and the card with the digest of every file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rtvc.features import FeatureStatistics
from rtvc.packs.card import CARD, FORMAT, STATISTICS
from rtvc.packs.download import digest


def write_card(folder: Path, card: Mapping[str, object], population: FeatureStatistics) -> None:
    """Write statistics and card to `folder`, beside the graphs; all files there become part of the pack."""
    np.savez(folder / STATISTICS, **population.to_arrays())  # type: ignore[arg-type]
    files = {
        path.name: {"sha256": digest(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.name != CARD
    }
    content = json.dumps({"format": FORMAT, **card, "files": files}, indent=2) + "\n"
    (folder / CARD).write_text(content, encoding="utf-8")
