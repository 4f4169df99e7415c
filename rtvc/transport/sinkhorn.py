"""Sinkhorn: each frame follows the entropic optimal plan between the two voices' frames (SinkVC, arXiv 2411.02402).

Fitting solves the plan off the audio path, in seconds. The result is one number per reference frame, the dual
potential, so mapping on the worker costs as much as kNN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import Array, FeatureSet
from rtvc.transport.knn import NEIGHBOURS, NearestTransport, Reference, nearest
from rtvc.transport.mkl import check_pair, fit_pitch
from rtvc.transport.pitch import PitchTransport

REGULARISATION = 0.1
LEAST_REGULARISATION = 0.01
"""The cosine cost is at most 2, so `exp(-cost / regularisation)` is at least e^-200, well within float64: the
iteration needs no logarithms."""

SOURCE_FRAMES = 1500
"""Largest number of source frames in the plan, taken at equal distances: 30 s of speech at 50 Hz."""


@dataclass(frozen=True, eq=False)
class ProjectionTransport:
    """Replaces the ordinary dimensions by the mean of all reference frames, weighted by the plan."""

    reference: Reference
    pitch: PitchTransport
    regularisation: float

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        mapped = self.pitch(features)
        weights = self.weights(features) * self.reference.lengths
        mapped[:, self.reference.ordinary] = weights @ self.reference.directions.T
        return mapped

    def weights(self, features: Block) -> Block:
        """Return the weights `[n, frames]` for features `[n, dim]`; each row sums to one."""
        scores = self.reference.scores(features) / np.float32(self.regularisation)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        normalised: Block = weights / weights.sum(axis=1, keepdims=True)
        return normalised


def fit_sinkhorn(
    source: FeatureSet,
    target: FeatureSet,
    regularisation: float = REGULARISATION,
    neighbours: int | None = NEIGHBOURS,
) -> NearestTransport | ProjectionTransport:
    """Fit the entropic optimal transport between the frames of two voices under the cosine cost.

    The reference frame j has the weight `softmax_j((cos(x, j) + bonus_j) / regularisation)` for a frame x, where the
    bonus is the target's dual potential. On the frames of the fit this is the optimal plan; on others it is the
    entropic map that continues it (Pooladian & Niles-Weed 2021). Compared to kNN, reference frames that are near too
    many source frames have a lower score.

    Parameters
    ----------
    source, target
        Frames of the same feature space.
    regularisation
        Weight of the entropy, in units of the cosine cost; at least 0.01.
    neighbours
        Number of reference frames with the highest weights to average (the paper's rule), or None for the weighted
        mean of all (the barycentric projection).

    Raises
    ------
    RtvcError
        If either side has no frames, or an option is out of range.
    """
    reference = with_potential(source, target, regularisation)
    if neighbours is None:
        return ProjectionTransport(reference, fit_pitch(source.statistics, target.statistics), regularisation)
    return nearest(source, target, reference, neighbours)


def with_potential(source: FeatureSet, target: FeatureSet, regularisation: float) -> Reference:
    """Return the target's frames with their dual potentials as the bonus."""
    reference = Reference.of(target)
    _, potential = solve(cosine_cost(source, target), regularisation)
    return replace(reference, bonus=(potential - potential.max()).astype(np.float32))


def cosine_cost(source: FeatureSet, target: FeatureSet) -> Array:
    """Return one minus the cosine similarity `[source frames, target frames]`, for the `spread` source frames.

    Raises `RtvcError` if either side has no frames.
    """
    check_pair(source.statistics, target.statistics)
    if len(source.frames) == 0:
        raise RtvcError(
            "Sinkhorn and flow matching need a recording of your voice, and there is none: "
            "enrol with `rtvc enrol`, or choose the transport mkl or knn."
        )
    # In place, here and in `solve`: with ten minutes of reference, a copy takes 360 MB.
    cost = Reference.of(target).scores(source.frames[spread(len(source.frames))]).astype(np.float64)
    return np.subtract(1, cost, out=cost)


def spread(count: int) -> npt.NDArray[np.intp]:
    """Return the indices of the source frames in the plan, of `count` in all."""
    return np.linspace(0, count - 1, min(count, SOURCE_FRAMES)).astype(np.intp)


def solve(cost: Array, regularisation: float, iterations: int = 2000, tolerance: float = 1e-6) -> tuple[Array, Array]:
    """Return the entropic optimal plan between uniform marginals, and its dual potential over the columns.

    Sinkhorn's iteration (Cuturi 2013) on a cost `[n, m]` within 0 … 2. The rows of the plan `[n, m]` meet their
    marginal exactly, the columns within `tolerance` in total variation unless `iterations` run out. The potential
    `[m]` is in units of the cost.

    Raises
    ------
    RtvcError
        If the regularisation is below 0.01.
    """
    if not regularisation >= LEAST_REGULARISATION:
        raise RtvcError(f"The regularisation must be at least {LEAST_REGULARISATION}, not {regularisation}.")
    plan = cost / -regularisation
    np.exp(plan, out=plan)
    columns = np.ones(plan.shape[1])
    for _ in range(iterations):
        rows = 1 / (len(plan) * (plan @ columns))
        reached = rows @ plan
        if np.abs(columns * reached - 1 / len(reached)).sum() < tolerance:
            break
        columns = 1 / (len(reached) * reached)
    plan *= columns
    plan /= len(plan) * plan.sum(axis=1, keepdims=True)
    return plan, regularisation * np.log(columns)
