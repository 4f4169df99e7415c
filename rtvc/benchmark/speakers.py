"""Speakers of a folder, and the pairs of them that a quality benchmark converts.

The protocol, for a folder that contains one folder of recordings per speaker, at any depth:

- The *reference* of a speaker is the start of the first recording, by name, that is long enough. If none is, the
  recordings that follow are joined to it. Recordings used in a reference serve no other purpose. Where all pairs lead
  to one speaker, the others set one recording aside whatever the length, so they need no minutes of speech.
- The *source* of an ordered pair of speakers is one other recording of the first speaker, of 3 to 10 s if there is
  one. The recordings take turns, so each target gets another sentence.
- The *centroid* of a speaker is the mean embedding of up to `CENTROID_RECORDINGS` recordings that are neither the
  reference nor the source of the pair, so no conversion is compared with audio that went into it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtvc.audio_file import AudioFile
from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.benchmark.pitch import track_pitch
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

RECORDINGS = (".flac", ".ogg", ".wav")
SEXES = {"f": "female", "m": "male"}
SPEAKERS_FILE = "speakers.csv"
SOURCE_SECONDS = (3.0, 10.0)
"""Shortest and longest source; other recordings serve only where a speaker has none of this length."""

MIN_RECORDINGS = 3
CENTROID_RECORDINGS = 10
FEMALE_ABOVE_HERTZ = 160.0
"""Median pitch from which a voice counts as female if `speakers.csv` does not say."""

NEAR_SEMITONES = 4.0
"""Reports list pairs whose median pitches are less far apart than this as a kind of their own."""


@dataclass(frozen=True)
class Speaker:
    """A speaker's recordings by purpose; `sex` is None where the folder does not name it."""

    name: str
    reference: tuple[Path, ...]
    others: tuple[Path, ...]
    sex: str | None = None


@dataclass(frozen=True)
class Pair:
    """One conversion: this recording of the source speaker, into the target speaker's voice."""

    source: Speaker
    target: Speaker
    recording: Path


@dataclass(frozen=True)
class PairKind:
    """What makes a pair easy or hard: the sex of both speakers and the distance of their pitch."""

    same_sex: bool
    semitones: float


def load(path: Path) -> Block:
    """Return a recording as mono at `SAMPLE_RATE`; raises `RtvcError` if it is not audio."""
    file = AudioFile(path)
    return file.read() if file.rate == SAMPLE_RATE else resample(file.read(), file.rate, SAMPLE_RATE)


def read_speaker_list(path: Path) -> list[str]:
    """Return the names in a text file, one per line; empty lines and `#` comments are skipped.

    Raises `RtvcError` if the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RtvcError(f"{path}: cannot be read as a list of speakers ({error}).") from error
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def find_speakers(
    folder: Path, reference_seconds: float, names: Sequence[str] | None = None, target: str | None = None
) -> list[Speaker]:
    """Return the speakers of a folder in the order of their names.

    Parameters
    ----------
    folder
        Each folder below it that directly holds recordings is a speaker. `speakers.csv` in it may name the sex of
        speakers: columns `speaker` (path below the folder, or its last part) and `sex` (F or M).
    reference_seconds
        Length of the longest reference needed.
    names
        Speakers to take, by their paths below the folder; None for all.
    target
        The only speaker who needs a reference; None for all.

    Raises
    ------
    RtvcError
        If a name is unknown, there are fewer than two speakers, or one has too few recordings.
    """
    folders: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in RECORDINGS and not path.name.startswith("."):
            folders.setdefault(path.parent.relative_to(folder).as_posix(), []).append(path)
    if names is not None:
        if missing := [name for name in names if name not in folders]:
            raise RtvcError(
                f"{folder} contains no recordings of {', '.join(missing)}: name speakers by their folders."
            )
        folders = {name: folders[name] for name in sorted(set(names))}
    if len(folders) < 2:
        raise RtvcError(
            f"{folder} contains the recordings of {len(folders)} speakers. Give a folder that contains one folder of "
            f"recordings ({', '.join(RECORDINGS)}) for each of at least two speakers."
        )
    sexes = _read_sexes(folder / SPEAKERS_FILE)
    return [
        _divided(
            name,
            recordings,
            reference_seconds if target in (None, name) else 0.0,
            sexes.get(name) or sexes.get(Path(name).name),
        )
        for name, recordings in folders.items()
    ]


def make_pairs(
    speakers: Sequence[Speaker], count: int | None = None, seed: int = 0, target: str | None = None
) -> list[Pair]:
    """Return the ordered pairs of speakers, each with its source recording.

    With `count`, a random subset in which each speaker is source and target equally often, give or take one. A
    larger count adds pairs to a smaller one, and a pair has the same recording in every subset. With `target`, only
    pairs that lead to this speaker count, the first ones by the name of their source.

    Raises `RtvcError` if there is no such speaker.
    """
    if target is not None and target not in {speaker.name for speaker in speakers}:
        raise RtvcError(
            f"There is no speaker {target}: name one of {', '.join(speaker.name for speaker in speakers)}."
        )
    pairs: dict[tuple[int, int], Pair] = {}
    shortest, longest = SOURCE_SECONDS
    for index, source in enumerate(speakers):
        fitting = [path for path in source.others if shortest <= AudioFile(path).duration <= longest]
        choice = fitting or list(source.others)
        others = [other for other in range(len(speakers)) if other != index]
        for turn, other in enumerate(others):
            pairs[index, other] = Pair(source, speakers[other], choice[turn % len(choice)])
    if target is not None:
        return [pair for pair in pairs.values() if pair.target.name == target][:count]
    if count is None or count >= len(pairs):
        return list(pairs.values())
    return [pairs[places] for places in sorted(_balanced(len(speakers), seed)[:count])]


def reference_audio(speaker: Speaker, seconds: float) -> Block:
    """Return the first seconds of the speaker's reference `[round(seconds · SAMPLE_RATE)]`, or all there is."""
    return np.concatenate([load(path) for path in speaker.reference])[: round(seconds * SAMPLE_RATE)]


def centroid_recordings(speaker: Speaker, without: Path) -> list[Path]:
    """Return the recordings for the speaker's centroid, leaving out the source of a pair."""
    return [path for path in speaker.others if path != without][:CENTROID_RECORDINGS]


def median_pitch(speaker: Speaker) -> float:
    """Return the median pitch in hertz of the speaker's first reference recording, or of its first minute.

    Raises `RtvcError` if nothing in it is voiced.
    """
    pitch = track_pitch(load(speaker.reference[0])[: 60 * SAMPLE_RATE], SAMPLE_RATE)
    if np.isnan(pitch).all():
        raise RtvcError(f"{speaker.reference[0]} contains no voiced speech: replace the recording.")
    return float(np.nanmedian(pitch))


def pair_kind(pair: Pair, source_hertz: float, target_hertz: float) -> PairKind:
    """Return the kind of a pair whose speakers have these median pitches."""
    sexes = [
        speaker.sex or ("female" if hertz > FEMALE_ABOVE_HERTZ else "male")
        for speaker, hertz in ((pair.source, source_hertz), (pair.target, target_hertz))
    ]
    return PairKind(sexes[0] == sexes[1], 12 * abs(float(np.log2(target_hertz / source_hertz))))


def _balanced(count: int, seed: int) -> list[tuple[int, int]]:
    """Return all ordered pairs of 0 … count − 1 in a random order that uses each number about equally often."""
    random = np.random.default_rng(seed)
    order = [int(place) for place in random.permutation(count)]
    # With one offset on a circle, each speaker is source once and target once.
    offsets = [int(offset) for offset in 1 + random.permutation(count - 1)]
    return [(order[place], order[(place + offset) % count]) for offset in offsets for place in range(count)]


def _divided(name: str, recordings: Sequence[Path], reference_seconds: float, sex: str | None) -> Speaker:
    lengths = [AudioFile(path).duration for path in recordings]
    first = next((index for index, length in enumerate(lengths) if length >= reference_seconds), 0)
    rotated = [*recordings[first:], *recordings[:first]]
    ends = np.cumsum([*lengths[first:], *lengths[:first]])
    taken = int(np.searchsorted(ends, reference_seconds)) + 1
    others = tuple(sorted(rotated[taken:]))
    if len(others) < MIN_RECORDINGS - 1:
        raise RtvcError(
            f"Speaker {name} has {len(recordings)} recordings, too few for {reference_seconds:g} s of reference: "
            f"add some, or ask for a shorter reference."
        )
    return Speaker(name, tuple(rotated[:taken]), others, sex)


def _read_sexes(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["speaker"].strip(): SEXES[row["sex"].strip()[:1].lower()] for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise RtvcError(f"{path}: needs the columns speaker and sex, with F or M for each speaker.") from error
