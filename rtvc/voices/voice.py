"""A target voice: a name, a reference recording, and its features under each pack it was used with.

Belongs to the calling thread; a `Voice` is immutable and may cross threads.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from rtvc.arrays import DamagedArrays, read_arrays, write_arrays
from rtvc.audio_file import AudioFile
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write
from rtvc.transport.mkl import barycentre
from rtvc.voices.analysis import analyse_recording, cut_warning, read_recordings

LEAST_SECONDS = 1.0
GOOD_SECONDS = 4.0


@dataclass(frozen=True)
class Voice:
    """A target voice.

    Attributes
    ----------
    name, reference
        What to call it, and its reference recording.
    folder
        Where its features are cached: None for an audio file and for a shipped voice.
    maps
        Where maps are cached that take long to fit: None for an audio file.
    credit
        Who spoke, and under which licence.
    description
        How it sounds, in a few words.
    register
        How high it lies: `low`, `medium` or `high`, and empty where nobody said.
    """

    name: str
    reference: Path
    folder: Path | None = None
    maps: Path | None = None
    credit: str = ""
    description: str = ""
    register: str = ""

    @cached_property
    def recording(self) -> AudioFile:
        """The reference recording."""
        return AudioFile(self.reference)

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the features of the reference's speech under a pack; the cache is rebuilt if it is damaged.

        Raises `RtvcError` if the reference holds less than 1 s of speech, and as `AudioFile` does.
        """
        cache = self.folder and self.folder / features_name(pack)
        cached = self._analysed.get(pack.digest) if cache is None else _read_features(cache, pack)
        if cached is not None:
            return cached
        features = reference_features(*read_recordings([self.reference]), pack, str(self.reference))
        if cache is None:
            self._analysed[pack.digest] = features
        else:
            # A full or read-only disk costs another analysis next time, and nothing now.
            with suppress(RtvcError):
                write_features(cache, features)
        return features

    @cached_property
    def _analysed(self) -> dict[str, FeatureSet]:
        """Features by the digest of their pack, where no folder keeps them: each recording of a folder needs them."""
        return {}

    def speech_seconds(self, pack: ModelPack) -> float:
        """Return the duration of the speech in the reference."""
        return self.features(pack).statistics.count / pack.frame_rate

    def warning(self, pack: ModelPack) -> str | None:
        """Return a sentence for the user if the reference is too short, or so long that only its start is used."""
        seconds = self.speech_seconds(pack)
        if seconds < GOOD_SECONDS:
            return (
                f"{self.name} contains only {seconds:.1f} s of speech: "
                f"the voice will be closer with {GOOD_SECONDS:.0f} s or more."
            )
        # A voice in the library holds no more than is used.
        return cut_warning([self.reference]) if self.folder is None else None


@dataclass(frozen=True)
class Blend:
    """A voice between several: the Wasserstein barycentre of their statistics, weighted as in `parts`."""

    name: str
    parts: tuple[tuple[Voice, float], ...]

    @property
    def maps(self) -> Path | None:
        """Where maps are cached that take long to fit: with the first part that has such a place."""
        return next((voice.maps for voice, _ in self.parts if voice.maps is not None), None)

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the frames of all parts, with the statistics of the voice between them."""
        sets = [(voice.features(pack), weight) for voice, weight in self.parts]
        statistics = barycentre([(features.statistics, weight) for features, weight in sets])
        return FeatureSet(np.concatenate([features.frames for features, weight in sets if weight > 0]), statistics)

    def warning(self, pack: ModelPack) -> str | None:
        """Return the warning of the first part that has one."""
        return next(filter(None, (voice.warning(pack) for voice, _ in self.parts)), None)


Target = Voice | Blend
"""Whom to sound like."""


def reference_features(audio: Block, rate: int, pack: ModelPack, where: str) -> FeatureSet:
    """Return the features of the speech in a reference `[samples]` at `rate` Hz.

    Raises `RtvcError` that names `where` if it holds less than 1 s of speech.
    """
    speech = analyse_recording(audio, rate, pack)
    if speech.level_dbfs is None or speech.seconds < LEAST_SECONDS:
        held = "no speech" if speech.level_dbfs is None else f"{speech.seconds:.1f} s of speech"
        raise RtvcError(f"{where}: contains {held}; a voice needs at least {LEAST_SECONDS:.0f} s, better 5 s.")
    return speech.features


def features_name(pack: ModelPack) -> str:
    """Return the name of the file that caches a voice's features under a pack."""
    return f"features-{pack.digest[:16]}.npz"


def write_features(path: Path, features: FeatureSet) -> None:
    """Write a cache of features; raise `RtvcError` if that fails."""
    with atomic_write(path) as file:
        write_arrays(file, features.to_arrays())


def _read_features(path: Path, pack: ModelPack) -> FeatureSet | None:
    """Return cached features, or None if there are none, they are damaged, or they do not fit the pack."""
    try:
        features = FeatureSet.from_arrays(read_arrays(path))
    except (OSError, DamagedArrays, RtvcError):
        return None
    return features if features.fits(pack.feature_dim, pack.roles) else None
