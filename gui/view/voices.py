"""What the panel shows of voices: names, outlines, durations, enrolment."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from gui.language import number, tr
from gui.view.units import percent_text, seconds_text
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.names import check_name, normal
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.library import blend_parts


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
    return tr("rtvc has learnt your voice from {seconds} s of speech.", seconds=number(enrolment.speech_seconds))


def fitting_name(wanted: str, taken: Collection[str]) -> str:
    """Return an allowed, free voice name made from any text, such as a file name."""
    # Marks (M) belong to letters: without its vowel signs, हिन्दी is another word.
    kept = (c if unicodedata.category(c)[0] in "LNM" or c in ".-" else " " for c in normal(wanted))
    name = " ".join("".join(kept).split())[:48].rstrip(" .-")
    while name and not name[0].isalnum():
        name = name[1:]
    name = name or tr("Voice")
    try:
        check_name(name)
    except RtvcError:  # such as `con`, which Windows reserves
        name = tr("Voice {name}", name=name)
    folded = {one.casefold() for one in taken}
    result, number = name, 2
    while result.casefold() in folded:
        result, number = f"{name} {number}", number + 1
    return result


def duration_text(seconds: float) -> str:
    """Return a duration as people say it: `4.2 s`, `17 s`, or `1:05`."""
    if seconds < 9.95:
        return seconds_text(seconds, 1)
    whole = round(seconds)
    return seconds_text(whole) if whole < 60 else f"{whole // 60}:{whole % 60:02d}"


def blend_name(one: str, other: str, share: float) -> str:
    """Return the name under which a library opens the blend of two voices; `share` is the second one's."""
    return f"{one}:{1 - share:g},{other}:{share:g}" if one != other else one


def two_voices(name: str) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """Return the two voices of a blend with their shares, which sum to 1; None if the name is no blend of two."""
    parts = blend_parts(name)
    if parts is None or len(parts) != 2:
        return None
    (one, first), (other, second) = parts
    total = first + second
    if min(first, second) < 0 or not 0 < total < math.inf:
        return None
    return (one, first / total), (other, second / total)


def voice_words(name: str) -> str:
    """Return what to call the chosen voice in a sentence."""
    parts = two_voices(name)
    if parts is None:
        return name or tr("yourself")
    (one, first), (other, second) = parts
    return tr(
        "a blend of {one} ({first}) and {other} ({second})",
        one=one,
        first=percent_text(first),
        other=other,
        second=percent_text(second),
    )
