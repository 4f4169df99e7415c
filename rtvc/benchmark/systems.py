"""The systems that a quality benchmark compares: copies, classical baselines and model packs.

Each is called from the benchmark's thread.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rtvc.audio_file import AudioFile, audio_writer
from rtvc.benchmark.classical import WorldMkl, world_copy
from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.dsp.stage import Block
from rtvc.features import FeatureSet
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack
from rtvc.transport.trained import read_map_card
from rtvc.transport.trained_maps import MapLibrary
from rtvc.voices.voice import Voice, reference_features

Converter = Callable[[Block, Block], Block]
"""Source `[n]` and reference `[m]` to the source in the reference's voice `[n]`, all at `SAMPLE_RATE`."""


@dataclass(frozen=True)
class System:
    """A voice converter and its name in the tables."""

    name: str
    convert: Converter
    reference_seconds: float = 5.0


def source_copy(source: Block, reference: Block) -> Block:
    """Return the source unchanged: the scores of perfect audio without conversion."""
    return source


def noisy_copy(source: Block, reference: Block) -> Block:
    """Return the source with white noise 30 dB below it: what a barely audible change costs each measure."""
    noise = np.random.default_rng(0).standard_normal(len(source)) * np.sqrt(np.mean(source**2) / 1000)
    noisy: Block = source + noise.astype(np.float32)
    return noisy


COPIES = (System("source copy", source_copy), System("source copy, noise at -30 dB", noisy_copy))
CLASSICAL = (
    System("WORLD copy", world_copy),
    System("WORLD + MKL, K = 1", WorldMkl(1)),
    System("WORLD + MKL, full", WorldMkl()),
)
"""Baselines of every run, beside `COPIES`."""


@dataclass(frozen=True)
class ReferenceVoice(Voice):
    """A voice of which the features are known.

    A `Voice` reads the first 5 min of its recording; a benchmark of longer references needs all of it.
    """

    known: FeatureSet | None = None

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the features; of the pack that they were computed with."""
        assert self.known is not None
        return self.known


class References:
    """The features of references under one pack, computed once: those of 20 min take longer than a conversion."""

    def __init__(self) -> None:
        self._known: dict[bytes, FeatureSet] = {}

    def features(self, reference: Block, pack: ModelPack) -> FeatureSet:
        """Return the features of the speech in a reference `[m]`; raises `RtvcError` if it holds too little."""
        key = hashlib.sha256(pack.digest.encode() + reference.tobytes()).digest()
        if key not in self._known:
            self._known[key] = reference_features(reference, SAMPLE_RATE, pack, "The reference")
        return self._known[key]


@dataclass(frozen=True)
class PackConverter:
    """A model pack as a `Converter`: `rtvc convert` applied to a file of the source.

    Of a trained map, the reference gives only the pitch. Converters may share `references`.
    """

    pack: ModelPack
    conversion: Conversion
    references: References = field(default_factory=References)

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the source `[n]` into the reference's voice; raises `RtvcError` as `convert_file` does."""
        choice = self.conversion.map
        # A trained map takes no other voice than its own, and `--target` has seen to that.
        name = read_map_card(MapLibrary().find(choice.transport).folder).voice if choice.trained else "reference"
        known = self.references.features(reference, self.pack)
        with tempfile.TemporaryDirectory(prefix="rtvc-") as folder:
            paths = [Path(folder) / name for name in ("source.wav", "reference.wav", "result.wav")]
            for path, audio in zip(paths, (source, reference), strict=False):
                with audio_writer(path, SAMPLE_RATE, subtype="FLOAT") as file:
                    file.write(audio)
            voice = ReferenceVoice(name, paths[1], known=known)
            convert_file(paths[0], voice, paths[2], self.pack, self.conversion)
            return AudioFile(paths[2]).read()
