"""What the panel shows of voices: names, outlines, durations, enrolment."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.names import check_name, normal
from rtvc.voices.enrolment import Enrolment


@dataclass(frozen=True)
class Outline:
    """What a card shows of a recording: its length in seconds, and its envelope, each value 0 … 1."""

    seconds: float = 0.0
    envelope: tuple[float, ...] = ()


def envelope(audio: Block, bars: int = 64) -> tuple[float, ...]:
    """Return the peak of each of `bars` parts of a recording `[samples]`, normalised to at most 1."""
    peaks = np.array([np.max(np.abs(part), initial=0.0) for part in np.array_split(audio, bars)])
    highest = peaks.max(initial=0.0)
    return tuple((peaks / highest).tolist()) if highest > 0 else (0.0,) * bars


def known_voice(enrolment: Enrolment) -> str:
    """Describe an enrolment."""
    return f"rtvc knows your voice from {enrolment.speech_seconds:.0f} s of speech."


def fitting_name(wanted: str, taken: Collection[str]) -> str:
    """Return an allowed, free voice name made from any text, such as a file name."""
    # Marks (M) belong to letters: without its vowel signs, हिन्दी is another word.
    kept = (c if unicodedata.category(c)[0] in "LNM" or c in ".-" else " " for c in normal(wanted))
    name = " ".join("".join(kept).split())[:48].rstrip(" .-")
    while name and not name[0].isalnum():
        name = name[1:]
    name = name or "Voice"
    try:
        check_name(name)
    except RtvcError:  # such as `con`, which Windows reserves
        name = f"Voice {name}"
    folded = {one.casefold() for one in taken}
    result, number = name, 2
    while result.casefold() in folded:
        result, number = f"{name} {number}", number + 1
    return result


def duration_text(seconds: float) -> str:
    """Return a duration as people say it: `4.2 s`, `17 s`, or `1:05`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"
