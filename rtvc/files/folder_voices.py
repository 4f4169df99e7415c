"""Which recording of a folder gets which voice. Everything runs on the calling thread."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path, PurePath

from rtvc.errors import RtvcError
from rtvc.voices.library import shipped_voices

VoiceRule = Callable[[PurePath], str]
"""Takes the path of a recording below its folder; returns a voice as `VoiceLibrary.open` does."""

RANDOM = "random"


def one_voice(name: str) -> VoiceRule:
    """Return the rule that gives every recording the same voice."""
    return lambda recording: name


def random_voices(seed: int = 0, speaker_folder: int = 1) -> VoiceRule:
    """Return the rule that gives each speaker one of the shipped voices, at random but always the same.

    The choice depends on the seed, the speaker and the voices, never on the other speakers or on their order: it is
    rendezvous hashing (Thaler and Ravishankar, 1998). A new voice changes only the speakers who get it.

    Parameters
    ----------
    seed
        Another seed gives other voices.
    speaker_folder
        Which folder in the path of a recording names its speaker: 1 for the first.

    Raises
    ------
    RtvcError
        By the rule: if a recording lies in fewer folders.
    """
    names = [voice.name for voice in shipped_voices()]

    def chosen(recording: PurePath) -> str:
        speaker = speaker_of(recording, speaker_folder)
        return max(
            names, key=lambda name: hashlib.sha256(f"{seed}/{speaker}/{name}".encode("utf-8", "replace")).digest()
        )

    return chosen


def speaker_of(recording: PurePath, speaker_folder: int = 1) -> str:
    """Return the folder of a recording's path that names its speaker, with the folders above it.

    Raises `RtvcError` if the recording lies in fewer folders.
    """
    if len(recording.parts) <= speaker_folder:
        raise RtvcError(
            f"{recording}: no folder names its speaker. Sort the recordings into one folder per speaker, set "
            "--speaker-folder, or name the voices in a CSV file."
        )
    return "/".join(recording.parts[:speaker_folder])


def voices_of_table(table: Path) -> VoiceRule:
    """Return the rule of a CSV file with the columns `path` and `voice`.

    A path is a recording or a folder below the folder of the recordings. The longest path that leads to a recording
    counts, so a folder may be a speaker, and `.` is everything else.

    Raises
    ------
    RtvcError
        If the file cannot be read or lacks a column; and by the rule, if a recording has no voice.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            voices = {PurePath(row["path"].strip()): row["voice"].strip() for row in csv.DictReader(file)}
    except OSError as error:
        raise RtvcError(f"{table}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error, KeyError, AttributeError):
        raise RtvcError(f"{table}: needs the columns path and voice, as CSV in UTF-8.") from None

    def chosen(recording: PurePath) -> str:
        for path in (recording, *recording.parents):
            if voice := voices.get(path):
                return voice
        raise RtvcError(f"{recording}: has no voice in {table}. Add it, one of its folders, or `.` for all others.")

    return chosen
