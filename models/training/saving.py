"""Checkpoints that are whole or not there: training may be ended at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from rtvc.storage import atomic_write


def save_whole(contents: Mapping[str, object], path: Path) -> None:
    """Write tensors and numbers to `path`, aside first."""
    with atomic_write(path) as file:
        torch.save(contents, file)
