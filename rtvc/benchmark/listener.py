"""Measures of one conversion, with the measures of the recordings it is compared with kept between runs.

Everything runs in the calling thread. Two processes may share a cache: its files are written atomically.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast
from zlib import crc32

import numpy as np
from platformdirs import user_cache_path

from rtvc.benchmark.distributions import energy_distance
from rtvc.benchmark.metrics import (
    SAMPLE_RATE,
    Embedding,
    Recogniser,
    SpeakerEncoder,
    centroid,
    character_error_rate,
    loudest_over_speech,
    overall_quality,
    phone_error_rate,
    pitch_correlation,
    similarity,
)
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.speakers import Pair, Speaker, centroid_recordings, load, median_pitch, pair_kind
from rtvc.benchmark.systems import System
from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write, make_folder
from rtvc.voices.analysis import analyse_recording

T = TypeVar("T")

LEAST_FRAMES = 50
"""Frames of speech in a result of which an energy distance is taken: 1 s at 50 frames per second."""


@dataclass(frozen=True)
class Row:
    """The measures of one conversion; None where a measure does not apply, such as the pitch of a silent result.

    Attributes
    ----------
    similarity_of_target
        That of one of the target's own recordings to the target: a genuine trial beside this conversion.
    closer_to_target
        Whether the similarity to the target is higher than that to the source.
    energy_distance
        Of the result's features, encoded again, from those of the target's recordings.
    quality, quality_of_source
        DNSMOS of result and source.
    transcript_error
        Character error rate of the result's transcript against the source's.
    phone_error
        Phone error rate of the result's phones against the source's.
    text_error
        Character error rate against the text file beside the recording.
    burst_decibels
        How much further the loudest 20 ms stand above the speech than they do in the source.
    real_time_factor
        Of everything that a converter does for one file: opening models, fitting, converting; at the first use of a
        reference, analysing it.
    judging_seconds
        Time taken by the measures.
    """

    system: str
    reference_seconds: float
    source: str
    target: str
    recording: str
    same_sex: bool
    semitones_apart: float
    similarity_to_target: float
    similarity_to_source: float
    similarity_of_target: float
    closer_to_target: bool
    energy_distance: float | None
    quality: float
    quality_of_source: float
    transcript_error: float | None
    phone_error: float | None
    text_error: float | None
    pitch_correlation: float | None
    burst_decibels: float
    real_time_factor: float
    source_seconds: float
    judging_seconds: float
    transcript: str
    transcript_of_source: str
    phones: str
    phones_of_source: str


def default_cache() -> Path:
    """Return the user's folder for measures of recordings."""
    return user_cache_path("rtvc", appauthor=False) / "benchmark"


class Listener:
    """Measures conversions; remembers the measures of unconverted recordings.

    Parameters
    ----------
    cache
        A folder that keeps measures of recordings for later runs, by content and package version; None for memory
        only.
    pack
        Gives the features that energy distances are taken of; None to leave them out.
    """

    def __init__(self, cache: Path | None = None, pack: ModelPack | None = None) -> None:
        self._encoder = SpeakerEncoder()
        self._words = Recogniser()
        self._phones = Recogniser(phones=True)
        self._cache = cache
        self._known: dict[tuple[str, str], object] = {}
        self._digests: dict[Path, str] = {}
        self._pack = pack
        self._spoken: dict[tuple[Path, ...], Block] = {}
        if cache is not None:
            make_folder(cache)

    def measure(self, pair: Pair, source: Block, result: Block, system: System, seconds: float) -> Row:
        """Return the measures of one result `[samples]`; `seconds` is the time that it took to make."""
        began = time.perf_counter()
        recording = pair.recording
        quality_of_source = self._of(recording, "speechmos", lambda: overall_quality(source))
        source_words = self._of(recording, "pocketsphinx", lambda: self._words.words(source))
        source_phones = self._of(recording, "pocketsphinx-phones", lambda: self._phones.phones(source))
        source_pitch = np.array(
            self._of(recording, "rtvc-pitch", lambda: track_pitch(source, SAMPLE_RATE).tolist()), np.float64
        )
        kind = pair_kind(pair, self._pitch(pair.source), self._pitch(pair.target))
        embedding = self._encoder.embed(result)
        to_target = similarity(embedding, self._centroid(pair.target, recording))
        to_source = similarity(embedding, self._centroid(pair.source, recording))
        words = self._words.words(result)
        phones = self._phones.phones(result)
        text = recording.with_suffix(".txt")
        return Row(
            system=system.name,
            reference_seconds=system.reference_seconds,
            source=pair.source.name,
            target=pair.target.name,
            recording=recording.name,
            same_sex=kind.same_sex,
            semitones_apart=kind.semitones,
            similarity_to_target=to_target,
            similarity_to_source=to_source,
            similarity_of_target=self._genuine(pair),
            closer_to_target=to_target > to_source,
            energy_distance=self._energy_distance(pair, result),
            quality=overall_quality(result),
            quality_of_source=quality_of_source,
            transcript_error=character_error_rate(source_words, words),
            phone_error=phone_error_rate(source_phones, phones),
            text_error=(character_error_rate(text.read_text(encoding="utf-8"), words) if text.is_file() else None),
            pitch_correlation=pitch_correlation(source_pitch, track_pitch(result, SAMPLE_RATE)),
            burst_decibels=loudest_over_speech(result) - loudest_over_speech(source),
            real_time_factor=seconds * SAMPLE_RATE / len(source),
            source_seconds=len(source) / SAMPLE_RATE,
            judging_seconds=time.perf_counter() - began,
            transcript=words,
            transcript_of_source=source_words,
            phones=" ".join(phones),
            phones_of_source=" ".join(source_phones),
        )

    def _energy_distance(self, pair: Pair, result: Block) -> float | None:
        """Return the distance of a result from the target's recordings, in deviations of the pack's population."""
        if self._pack is None:
            return None
        paths = tuple(centroid_recordings(pair.target, pair.recording))
        if paths not in self._spoken:
            self._spoken[paths] = np.concatenate([standard_features(load(path), self._pack) for path in paths])
        sides = (standard_features(result, self._pack), self._spoken[paths])
        return energy_distance(*sides) if min(map(len, sides)) >= LEAST_FRAMES else None

    def _genuine(self, pair: Pair) -> float:
        """Return the similarity of a recording of the target, another one for each source, to the target's others."""
        others = pair.target.others
        trial = others[crc32(pair.source.name.encode()) % len(others)]
        return similarity(self._embedding(trial), self._centroid(pair.target, trial))

    def _pitch(self, speaker: Speaker) -> float:
        return float(self._of(speaker.reference[0], "rtvc-median-pitch", lambda: median_pitch(speaker)))

    def _centroid(self, speaker: Speaker, source: Path) -> Embedding:
        return centroid((self._embedding(path) for path in centroid_recordings(speaker, source)), speaker.name)

    def _embedding(self, path: Path) -> Embedding | None:
        def embed() -> list[float] | None:
            embedding = self._encoder.embed(load(path))
            return None if embedding is None else [float(value) for value in embedding]

        values = self._of(path, "resemblyzer", embed)
        return None if values is None else np.array(values, np.float32)

    def _of(self, recording: Path, measure: str, compute: Callable[[], T]) -> T:
        """Return a measure of a recording as JSON can carry it, from memory, the cache, or computed."""
        if recording not in self._digests:
            self._digests[recording] = hashlib.sha256(recording.read_bytes()).hexdigest()[:32]
        key = (self._digests[recording], measure)
        if key not in self._known:
            self._known[key] = self._cached(f"{key[0]}-{measure}-{_version(measure)}.json", compute)
        return cast(T, self._known[key])

    def _cached(self, name: str, compute: Callable[[], T]) -> T:
        if self._cache is None:
            return compute()
        with suppress(OSError, ValueError):  # A damaged file is computed again.
            return cast(T, json.loads((self._cache / name).read_text(encoding="utf-8")))
        value = compute()
        with atomic_write(self._cache / name) as file:
            file.write(json.dumps(value).encode())
        return value


def standard_features(audio: Block, pack: ModelPack) -> Block:
    """Return the ordinary dimensions `[n, ordinary]` of the speech in a recording."""
    ordinary = pack.roles.ordinary(pack.feature_dim)
    frames = analyse_recording(audio, SAMPLE_RATE, pack).features.frames
    deviation: Block = pack.population.standard_deviation[ordinary].astype(np.float32)
    standard: Block = frames[:, ordinary] / deviation
    return standard


def _version(measure: str) -> str:
    """Return the version of the package that a measure's name starts with; rtvc's for measures of its own."""
    try:
        return importlib.metadata.version(measure.partition("-")[0])
    except importlib.metadata.PackageNotFoundError:
        return importlib.metadata.version("rtvc")
