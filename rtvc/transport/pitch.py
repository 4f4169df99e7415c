"""Pitch: the map of its dimension that every transport shares, and what the user adds to it.

All values are immutable and may cross threads. `PitchTransport` maps frames on the worker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles
from rtvc.transport.formants import LARGEST_FORMANTS, SMALLEST_FORMANTS

LARGEST_SEMITONES = 24.0
"""Two octaves; the vocoder of `mini` clamps pitch to 37 Hz … 1.1 kHz."""

LARGEST_INTONATION = 3.0


@dataclass(frozen=True)
class PitchTransport:
    """`y = gain · (x - source_mean) + target_mean` in the dimension `index`; all others stay.

    The dimension holds the natural logarithm of the pitch. With `index` None nothing is mapped.
    """

    index: int | None
    gain: float = 1.0
    source_mean: float = 0.0
    target_mean: float = 0.0

    @property
    def pitch(self) -> PitchTransport:
        """The map itself: the transports that map more have their map of pitch under this name."""
        return self

    @property
    def offset(self) -> float:
        """The map's value at x = 0."""
        return self.target_mean - self.gain * self.source_mean

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        mapped = features.copy()
        if self.index is not None:
            mapped[:, self.index] = np.float32(self.gain) * features[:, self.index] + np.float32(self.offset)
        return mapped


@dataclass(frozen=True)
class PitchControl:
    """What the user adds to the pitch and the formants of the converted voice.

    Attributes
    ----------
    semitones
        Offset, -24 … 24.
    intonation
        Factor on the distance of log pitch from its mean: 0 is monotone, 1 the voice's own range; up to 3.
    formants
        Factor on the frequencies of the spectral envelope, 0.85 (a larger body) … 1.15 (a smaller one).
    """

    semitones: float = 0.0
    intonation: float = 1.0
    formants: float = 1.0

    @property
    def neutral(self) -> bool:
        """Whether the pitch stays as the map leaves it."""
        return self == UNCHANGED_PITCH

    def problem(self, roles: FeatureRoles, pack: str) -> str:
        """Return why this cannot be applied to features of the named pack, in one sentence; empty if it can."""
        if not -LARGEST_SEMITONES <= self.semitones <= LARGEST_SEMITONES:
            return f"The pitch must be from -24 to 24 semitones, not {self.semitones:g}."
        if not 0 <= self.intonation <= LARGEST_INTONATION:
            return f"The intonation must be from 0 to 3, not {self.intonation:g}."
        if not SMALLEST_FORMANTS <= self.formants <= LARGEST_FORMANTS:
            return f"The formants must be from 0.85 to 1.15, not {self.formants:g}."
        if roles.envelope is None and self.formants != 1:
            return (
                f"The model pack {pack} does not specify its formants: leave the formants at 1, or choose the "
                "pack mini."
            )
        if roles.pitch is None and (self.semitones, self.intonation) != (0, 1):
            return (
                f"The model pack {pack} has no pitch dimension: leave the pitch at 0 semitones and the intonation "
                "at 1, or choose the pack mini."
            )
        return ""

    def check(self, roles: FeatureRoles, pack: str) -> None:
        """Raise `RtvcError` if a number is out of range, or the features of the named pack carry no pitch."""
        if problem := self.problem(roles, pack):
            raise RtvcError(problem)

    def after(self, pitch: PitchTransport, strength: float) -> PitchTransport:
        """Return the map to apply after a transport with this map of pitch, at a strength of 0 … 1.

        The mean around which the range is scaled is that of the moved pitch.
        """
        mean = (1 - strength) * pitch.source_mean + strength * pitch.target_mean
        return PitchTransport(pitch.index, self.intonation, mean, mean + self.semitones * math.log(2) / 12)


UNCHANGED_PITCH = PitchControl()
NO_PITCH = PitchTransport(None)
