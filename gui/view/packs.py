"""What the panel says about a model pack."""

from __future__ import annotations

from gui.language import number, tr, tr_noop
from rtvc.app.models import PackEntry

_ORIGINS = {
    "shipped": tr_noop("came with rtvc"),
    "installed": tr_noop("installed"),
    "available": tr_noop("to download and build"),
}


def facts(entry: PackEntry) -> str:
    """Return one line: origin, size in MB, and algorithmic delay in ms if it is known."""
    parts = [tr(_ORIGINS[entry.origin]), tr("{size} MB", size=number(entry.bytes / 1e6))]
    if entry.latency_seconds is not None:
        parts.append(tr("{milliseconds} ms of algorithmic delay", milliseconds=number(1000 * entry.latency_seconds)))
    return "  ·  ".join(parts)
