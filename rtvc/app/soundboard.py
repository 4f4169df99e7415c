"""The clips of the soundboard: the recordings of one folder, in the order of their names."""

from __future__ import annotations

from pathlib import Path

from rtvc.errors import RtvcError

SUFFIXES = (".wav", ".flac", ".ogg")
MOST_CLIPS = 9
"""As many as there are number keys."""


def find_clips(folder: Path) -> list[Path]:
    """Return the first nine clips of a folder; raise `RtvcError` if it cannot be read or holds none."""
    try:
        clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise RtvcError(f"{folder} cannot be read ({error.strerror}).") from None
    if not clips:
        raise RtvcError(f"{folder}: contains no clips ({', '.join(SUFFIXES)}).")
    return clips[:MOST_CLIPS]
