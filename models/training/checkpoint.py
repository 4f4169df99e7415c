"""Checkpoints that are complete or absent: training may be interrupted at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from rtvc.storage import atomic_write


def save_atomically(contents: Mapping[str, object], path: Path) -> None:
    """Write tensors and numbers to `path`, aside first."""
    with atomic_write(path) as file:
        torch.save(contents, file)
