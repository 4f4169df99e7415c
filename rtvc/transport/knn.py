"""kNN: each frame becomes the mean of the most similar frames of the reference (kNN-VC, arXiv 2305.18975).

Fitting only normalises the reference. Mapping, on the worker, is one matrix product with all reference frames: for
ten minutes of reference in 1024 dimensions it takes a third of a 20 ms frame, on one core in single precision. Half
precision halves the memory, but CPUs have no matrix product for it: converting it in pieces took ten times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.transport.mkl import check_pair, fit_pitch
from rtvc.transport.pitch import PitchTransport

NEIGHBOURS = 4


@dataclass(frozen=True, eq=False)
class Reference:
    """The ordinary dimensions of the reference frames.

    `directions` `[ordinary, frames]` are the frames scaled to unit length, `lengths` `[frames]` their norms, and
    `bonus` `[frames]` is added to the cosine similarity of each.
    """

    ordinary: npt.NDArray[np.intp]
    directions: Block
    lengths: Block
    bonus: Block

    @classmethod
    def of(cls, voice: FeatureSet) -> Reference:
        """Return all frames of a voice, without a bonus."""
        ordinary = voice.statistics.roles.ordinary(voice.statistics.dim)
        return cls(ordinary, voice.directions, voice.lengths, np.zeros(len(voice.frames), np.float32))

    def scores(self, features: Block) -> Block:
        """Return cosine similarity plus bonus `[n, frames]` for features `[n, dim]`."""
        rows = features[:, self.ordinary]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        scores: Block = (rows / np.maximum(length, np.finfo(np.float32).tiny)) @ self.directions
        scores += self.bonus
        return scores

    def mean(self, chosen: npt.NDArray[np.intp]) -> Block:
        """Return the mean `[n, ordinary]` of the frames of each row of indices `[n, k]`."""
        mean: Block = (self.directions.T[chosen] * self.lengths[chosen][:, :, None]).mean(axis=1)
        return mean


@dataclass(frozen=True, eq=False)
class NearestTransport:
    """Replaces the ordinary dimensions by the mean of the `neighbours` reference frames with the highest scores."""

    reference: Reference
    pitch: PitchTransport
    neighbours: int

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        scores = self.reference.scores(features)
        highest = np.argpartition(scores, -self.neighbours, axis=1)[:, -self.neighbours :]
        mapped = self.pitch(features)
        mapped[:, self.reference.ordinary] = self.reference.mean(highest)
        return mapped


def fit_knn(source: FeatureSet, target: FeatureSet, neighbours: int = NEIGHBOURS) -> NearestTransport:
    """Fit kNN-VC: the mean of the `neighbours` target frames with the highest cosine similarity.

    The source is only used for the map of pitch. A target with fewer frames than `neighbours` is averaged as a whole.

    Raises
    ------
    RtvcError
        If either side has no frames, or `neighbours` is not positive.
    """
    check_pair(source.statistics, target.statistics)
    return nearest(source, target, Reference.of(target), neighbours)


def nearest(source: FeatureSet, target: FeatureSet, reference: Reference, neighbours: int) -> NearestTransport:
    """Return the map to the `neighbours` best reference frames, and from the source's pitch to the target's."""
    if neighbours < 1:
        raise RtvcError(f"At least one neighbour is needed, not {neighbours}.")
    pitch = fit_pitch(source.statistics, target.statistics)
    return NearestTransport(reference, pitch, min(neighbours, len(reference.lengths)))
