"""Numbers with their units, as the panel's language writes them."""

from __future__ import annotations

from pathlib import Path

from gui.language import number, tr


def percent_text(share: float) -> str:
    """Return a share, 0 … 1, in percent."""
    return tr("{number}%", number=number(100 * share))


def decibels_text(level: float) -> str:
    """Return a level in dB."""
    return tr("{number} dB", number=number(level))


def gain_text(gain: float) -> str:
    """Return a gain in dB with its sign."""
    return tr("{number} dB", number=number(gain, signed=True))


def seconds_text(seconds: float, decimals: int = 0) -> str:
    """Return a time in seconds."""
    return tr("{number} s", number=number(seconds, decimals))


def milliseconds_text(seconds: float, decimals: int = 0) -> str:
    """Return a time in milliseconds."""
    return tr("{number} ms", number=number(1000 * seconds, decimals))


def semitones_text(semitones: int) -> str:
    """Return a shift of the pitch."""
    if semitones == 0:
        return tr("unchanged")
    return tr("{number} semitones", n=abs(semitones), number=number(semitones, signed=True))


def shortened_path(path: str) -> str:
    """Return the last two parts of a path, which fit on a button."""
    parts = Path(path).parts
    return path if len(parts) < 4 else str(Path("…", *parts[-2:]))
