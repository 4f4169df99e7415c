"""What the panel says about a model pack."""

from __future__ import annotations

from rtvc.app.models import PackEntry

_ORIGINS = {"shipped": "came with rtvc", "installed": "installed", "available": "to download and build"}


def facts(entry: PackEntry) -> str:
    """Return one line: origin, size in MB, and algorithmic delay in ms if it is known."""
    parts = [_ORIGINS[entry.origin], f"{entry.bytes / 1e6:,.0f} MB".replace(",", " ")]
    if entry.latency_seconds is not None:
        parts.append(f"{entry.latency_seconds * 1000:.0f} ms of algorithmic delay")
    return "  ·  ".join(parts)
