"""Checkpoints that are whole or not there: training may be ended at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch


def save_whole(contents: Mapping[str, object], path: Path) -> None:
    """Write tensors and numbers to `path`, aside first."""
    aside = path.with_suffix(".writing")
    torch.save(contents, aside)
    aside.replace(path)
