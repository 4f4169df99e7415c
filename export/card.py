"""The last files of a pack: the population's statistics, and the card that names every file's digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rtvc.packs.card import CARD, FORMAT, STATISTICS
from rtvc.packs.download import digest
from rtvc.voices.statistics import FeatureStatistics


def write_card(folder: Path, card: Mapping[str, object], population: FeatureStatistics) -> None:
    """Write statistics and card beside the graphs in `folder`; what is there is what the pack consists of."""
    np.savez(folder / STATISTICS, **population.to_arrays())  # type: ignore[arg-type]
    files = {
        path.name: {"sha256": digest(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.name != CARD
    }
    content = json.dumps({"format": FORMAT, **card, "files": files}, indent=2) + "\n"
    (folder / CARD).write_text(content, encoding="utf-8")
