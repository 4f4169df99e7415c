"""`rtvc bench anonymity`: what a folder that `rtvc convert` has anonymised still tells of its speakers.

The protocol is that of the VoicePrivacy challenges (Tomashenko et al., 2022) with a smaller verifier. An attacker
holds recordings of known speakers and wants to know whose a recording is. The score of a trial is the similarity of
the recording to the centroid of a speaker, made of that speaker's other recordings. It is a *genuine* trial with the
recording's own speaker and an *impostor* trial with each other speaker. Three attackers:

- *original, original*: nothing is anonymised. This is the verifier's own error.
- *original, converted*: the attacker holds original recordings, and the trials are converted.
- *converted, converted*: the attacker holds converted recordings of the same speakers, too.

Everything runs on the calling thread.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtvc.benchmark.metrics import (
    Embedding,
    Estimate,
    Recogniser,
    SpeakerEncoder,
    bootstrap,
    bootstrap_equal_error_rate,
    centroid,
    character_error_rate,
    overall_quality,
    similarity,
)
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.speakers import load
from rtvc.errors import RtvcError
from rtvc.files.folder_voices import speaker_of
from rtvc.files.manifest import Manifest

MIN_RECORDINGS = 2
ATTACKERS = {  # what is held, and what is tried
    "original, original": ("original", "original"),
    "original, converted": ("original", "converted"),
    "converted, converted": ("converted", "converted"),
}


@dataclass(frozen=True)
class ConvertedRecording:
    """One recording of a speaker and its conversion to a voice."""

    speaker: str
    source: Path
    output: Path
    voice: str


def find_conversions(
    folder: Path, output: Path, manifest: Path, speaker_folder: int = 1, most: int | None = None
) -> list[ConvertedRecording]:
    """Return the conversions that a manifest lists, sorted by the path of their source.

    Parameters
    ----------
    folder, output
        The folder of the recordings and that of their conversions.
    manifest
        The Parquet file that `rtvc convert` wrote.
    speaker_folder
        Which folder in a recording's path names its speaker, as for `random_voices`.
    most
        Take the first recordings of each speaker, at most this many; None for all.

    Raises
    ------
    RtvcError
        If the manifest cannot be read, or lists fewer than two speakers with two recordings.
    """
    if not manifest.is_file():
        raise RtvcError(f"{manifest}: there is no manifest. Convert with --manifest or --cluster.")
    of_speaker: dict[str, list[ConvertedRecording]] = defaultdict(list)
    for recording, converted, voice in sorted(Manifest(manifest, folder, output).converted()):
        speaker = speaker_of(recording, speaker_folder)
        if most is None or len(of_speaker[speaker]) < most:
            of_speaker[speaker].append(ConvertedRecording(speaker, folder / recording, output / converted, voice))
    known = [found for found in of_speaker.values() if len(found) >= MIN_RECORDINGS]
    if len(known) < 2:
        raise RtvcError(f"{manifest}: lists {len(known)} speakers with {MIN_RECORDINGS} recordings; two are needed.")
    return [conversion for found in known for conversion in found]


def anonymity_report(
    conversions: Sequence[ConvertedRecording],
    settings: Mapping[str, Any],
    progress: Callable[[float], None] = lambda share: None,
) -> Report:
    """Measure conversions.

    Parameters
    ----------
    conversions
        As `find_conversions` returns them.
    settings
        What the report says of how it was made.
    progress
        Called with the share of the work done, 0 … 1.
    """
    encoder, recogniser = SpeakerEncoder(), Recogniser()
    speakers = [conversion.speaker for conversion in conversions]
    embeddings: dict[str, list[Embedding | None]] = {"original": [], "converted": []}
    judged: list[dict[str, float | None]] = []
    for done, conversion in enumerate(conversions):
        original, converted = load(conversion.source), load(conversion.output)
        embeddings["original"].append(encoder.embed(original))
        embeddings["converted"].append(encoder.embed(converted))
        judged.append(
            {
                "quality": overall_quality(converted),
                "quality_of_source": overall_quality(original),
                "transcript_error": character_error_rate(recogniser.words(original), recogniser.words(converted)),
            }
        )
        progress((done + 1) / len(conversions))
    scores = {
        name: trials(speakers, embeddings[held], embeddings[tried]) for name, (held, tried) in ATTACKERS.items()
    }
    for place, measures in enumerate(judged):
        measures["similarity_to_source"] = float(scores["original, converted"][0][place])
        measures["similarity_of_source"] = float(scores["original, original"][0][place])
    rates = {name: bootstrap_equal_error_rate(*found) for name, found in scores.items()}
    voice_of = {conversion.speaker: conversion.voice for conversion in conversions}
    results: dict[str, Any] = {
        "equal_error_rate": {name: asdict(rate) for name, rate in rates.items()},
        "speakers": len(voice_of),
        "voices": len(set(voice_of.values())),
        "speakers_sharing": max(Counter(voice_of.values()).values()),
        "rows": [
            {"speaker": one.speaker, "recording": one.source.name, "voice": one.voice, **measures}
            for one, measures in zip(conversions, judged, strict=True)
        ],
    }
    return Report("anonymity", results, settings, {}, _tables(judged, rates, results))


def trials(
    speakers: Sequence[str], held: Sequence[Embedding | None], tried: Sequence[Embedding | None]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the scores of all trials: genuine `[n]` and impostor `[n, speakers − 1]`.

    Parameters
    ----------
    speakers
        The speaker of each of the n recordings.
    held, tried
        Embeddings of the recordings as the attacker holds them and as they are tried; None without speech.
    """
    names = sorted(set(speakers))

    def model(name: str, without: int) -> Embedding:
        return centroid((held[place] for place, of in enumerate(speakers) if of == name and place != without), name)

    whole = {name: model(name, without=-1) for name in names}
    genuine = [similarity(tried[place], model(name, place)) for place, name in enumerate(speakers)]
    impostor = [
        [similarity(tried[place], whole[other]) for other in names if other != name]
        for place, name in enumerate(speakers)
    ]
    return np.array(genuine), np.array(impostor)


def _tables(
    judged: Sequence[Mapping[str, float | None]], rates: Mapping[str, Estimate], results: Mapping[str, Any]
) -> list[Table]:
    def cell(measure: str) -> str:
        estimate = bootstrap([measures[measure] for measures in judged])
        return "-" if estimate is None else f"{estimate.mean:.3f}\n{estimate.low:.3f}…{estimate.high:.3f}"

    title = (
        f"{len(judged)} recordings of {results['speakers']} speakers in {results['voices']} voices, at most "
        f"{results['speakers_sharing']} speakers in one: mean and 95 % bootstrap interval"
    )
    return [
        Table(
            title,
            ("", "similarity to\nthe speaker", "DNSMOS", "transcript\nerror"),
            [
                ("original", cell("similarity_of_source"), cell("quality_of_source"), "-"),
                ("converted", cell("similarity_to_source"), cell("quality"), cell("transcript_error")),
            ],
        ),
        Table(
            "Speaker verification; 50 % is chance",
            ("the attacker holds, and tries", "equal error\nrate, %"),
            [
                (name, f"{100 * rate.mean:.0f}\n{100 * rate.low:.0f}…{100 * rate.high:.0f}")
                for name, rate in rates.items()
            ],
        ),
    ]
