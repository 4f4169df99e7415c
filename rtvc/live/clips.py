"""Clips for the soundboards of a live engine. Runs on the calling thread, which must not be the worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rtvc.audio_file import AudioFile
from rtvc.dsp.soundboard import Soundboard
from rtvc.errors import RtvcError

LONGEST_CLIP_SECONDS = 600.0


def play_clip(path: Path, boards: Sequence[Soundboard], gain_db: float = 0.0) -> None:
    """Read a recording and play it on soundboards, each at its own rate.

    Raises `RtvcError` if it cannot be read, lasts longer than 10 min, or there is no soundboard yet.
    """
    if not boards:
        raise RtvcError("Clips cannot be played while the voice changer is off: switch it on first.")
    recording = AudioFile(path)
    if recording.duration > LONGEST_CLIP_SECONDS:
        raise RtvcError(f"{path} lasts longer than {LONGEST_CLIP_SECONDS / 60:.0f} min: choose a shorter clip.")
    clips = {board.rate: recording.read(board.rate) for board in boards}
    for board in boards:
        board.play(clips[board.rate], gain_db)
