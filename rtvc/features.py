"""The features of a speaker: frames, and the mean and covariance that a transport is fitted to.

Values here are immutable and may cross threads. Only `RunningStatistics` has state: the worker adds frames, and the
thread that refits the map reads the statistics.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from rtvc.arrays import Arrays
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

VOICED = 0.5
"""A frame is voiced when its voicing dimension exceeds this."""

PRIOR_FRAMES = 100.0
PRIOR_VOICED_FRAMES = 10.0
"""Weight in frames of a population's statistics against the live signal. These weights came closest to the map fitted
from a whole recording, after 0.5 s of speech as well as after 30 s. Pitch has the smaller weight because it differs
between speakers by more than the range of any one of them."""

ARRAYS_VERSION = 1

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CepstralEnvelope:
    """What the cepstra of a pack stand for: log spectra in mel bands, by a cosine transform over time and bands.

    Attributes
    ----------
    orders
        Orders over the bands that are kept, for each order over the time within a frame.
    bands
        Mel bands (O'Shaughnessy), evenly spaced from 0 Hz to `top_hertz`.
    top_hertz
        Half the sample rate.
    """

    orders: tuple[int, ...]
    bands: int
    top_hertz: float

    @property
    def size(self) -> int:
        """Number of cepstra."""
        return sum(self.orders)


@dataclass(frozen=True)
class FeatureRoles:
    """Which dimensions of a pack's features carry log pitch and voicing; all others are *ordinary*.

    The ordinary dimensions in `range(*cepstra)` are cepstra. They are linear in the log spectrum, so equalisation and
    formants show in all of them jointly. `envelope` says how, where the pack tells; stored features do not keep it.
    """

    pitch: int | None = None
    voicing: int | None = None
    cepstra: tuple[int, int] | None = None
    envelope: CepstralEnvelope | None = field(default=None, compare=False)

    def check(self, dim: int) -> None:
        """Raise `RtvcError` if a role names a dimension that features of `dim` dimensions do not have."""
        named = [index for index in (self.pitch, self.voicing) if index is not None]
        first, end = self.cepstra or (0, 0)
        fit = len(set(named)) == len(named) and all(0 <= index < dim for index in named)
        apart = not any(first <= index < end for index in named)
        known = self.envelope is None or self.envelope.size == end - first
        if not (fit and apart and known) or (self.cepstra is not None and not 0 <= first < end <= dim):
            raise RtvcError(
                f"The feature roles {self} do not fit features of {dim} dimensions: repair the pack's card."
            )

    def ordinary(self, dim: int) -> npt.NDArray[np.intp]:
        """Return the indices of the ordinary dimensions, ascending."""
        return np.setdiff1d(np.arange(dim), [index for index in (self.pitch, self.voicing) if index is not None])

    def groups(self, dim: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the indices of the ordinary dimensions in two ascending groups: all but cepstra, and cepstra."""
        cepstra = np.arange(*(self.cepstra or (0, 0)))
        return np.setdiff1d(self.ordinary(dim), cepstra), cepstra

    def to_array(self) -> npt.NDArray[np.int64]:
        """Return the roles as integers from which `from_array` restores them; -1 stands for no dimension."""
        roles = [-1 if role is None else role for role in (self.pitch, self.voicing)]
        return np.array([*roles, *(self.cepstra or ())], np.int64)

    @classmethod
    def from_array(cls, roles: npt.NDArray[np.generic]) -> FeatureRoles:
        """Restore what `to_array` gave; raise `ValueError` if it is something else."""
        if roles.dtype.kind not in "iu" or roles.shape not in ((2,), (4,)):
            raise ValueError("feature roles must be two or four whole numbers")
        pitch, voicing, *cepstra = (int(role) for role in roles.tolist())
        return cls(
            None if pitch < 0 else pitch,
            None if voicing < 0 else voicing,
            (cepstra[0], cepstra[1]) if cepstra else None,
        )


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Mean `[dim]` and covariance `[dim, dim]` of `count` active frames, in float64.

    Pitch is treated separately: its mean and variance are those of the `voiced_count` voiced frames, and its
    covariance with other dimensions is zero. Without a voicing dimension every frame counts as voiced. Covariances
    are divided by the count, not by count − 1, so that merging is exact. Counts may be fractions.
    """

    roles: FeatureRoles
    count: float
    voiced_count: float
    mean: Array
    covariance: Array

    @property
    def dim(self) -> int:
        """Dimensions of a frame."""
        return len(self.mean)

    @property
    def standard_deviation(self) -> Array:
        """The standard deviation `[dim]`."""
        return np.sqrt(np.diagonal(self.covariance))

    @classmethod
    def of(cls, frames: Block, active: Mask | None = None, roles: FeatureRoles | None = None) -> FeatureStatistics:
        """Compute the statistics of the rows of `frames` `[n, dim]` where `active` `[n]` is true (default: all).

        Raises `ValueError` if `frames` is not a finite matrix.
        """
        roles = roles or FeatureRoles()
        if frames.ndim != 2 or not np.isfinite(frames).all():
            raise ValueError("feature frames must be a finite matrix [n, dim]")
        roles.check(frames.shape[1])
        rows = np.asarray(frames if active is None else frames[active], np.float64)
        voiced = rows if roles.voicing is None else rows[rows[:, roles.voicing] > VOICED]
        mean, covariance = _moments(rows)
        if roles.pitch is not None:
            pitch_mean, pitch_variance = _moments(voiced[:, [roles.pitch]])
            mean[roles.pitch] = pitch_mean[0]
            covariance[roles.pitch, :] = covariance[:, roles.pitch] = 0.0
            covariance[roles.pitch, roles.pitch] = pitch_variance[0, 0]
        return cls(roles, float(len(rows)), float(len(voiced)), mean, covariance)

    def merge(self, other: FeatureStatistics) -> FeatureStatistics:
        """Return the statistics of both sets of frames together: the pairwise update of Chan et al. (1979)."""
        if self.roles != other.roles or self.dim != other.dim:
            raise ValueError("statistics of different feature spaces cannot be merged")
        share = np.full(self.dim, _share(self.count, other.count))
        if self.roles.pitch is not None:
            share[self.roles.pitch] = _share(self.voiced_count, other.voiced_count)
        difference = other.mean - self.mean
        between = np.outer(difference, share * (1 - share) * difference)
        covariance = (1 - share) * self.covariance + share * other.covariance + between
        return FeatureStatistics(
            self.roles,
            self.count + other.count,
            self.voiced_count + other.voiced_count,
            self.mean + share * difference,
            _isolate(covariance, self.roles.pitch),
        )

    def update(self, frames: Block, active: Mask | None = None) -> FeatureStatistics:
        """Return the statistics updated with the active rows of `frames` `[n, dim]`."""
        return self.merge(FeatureStatistics.of(frames, active, self.roles))

    def weighted(self, frames: float = PRIOR_FRAMES, voiced_frames: float = PRIOR_VOICED_FRAMES) -> FeatureStatistics:
        """Return these statistics with the weight of so many frames, for use as a prior in `merge`."""
        return replace(self, count=frames, voiced_count=voiced_frames if self.voiced_count else 0.0)

    def to_arrays(self) -> Arrays:
        """Return arrays by name from which `from_arrays` restores these statistics."""
        return {
            "version": np.array(ARRAYS_VERSION),
            "roles": self.roles.to_array(),
            "counts": np.array([self.count, self.voiced_count]),
            "mean": self.mean,
            "covariance": self.covariance,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FeatureStatistics:
        """Restore what `to_arrays` gave; raise `RtvcError` if it is of another version, incomplete or damaged."""
        missing = {"version", "roles", "counts", "mean", "covariance"} - set(arrays)
        if missing:
            raise RtvcError(f"The saved statistics lack {', '.join(sorted(missing))}: add the voice again.")
        if not np.array_equal(arrays["version"], ARRAYS_VERSION):
            raise RtvcError(
                f"The saved statistics have version {arrays['version']}, and this program reads version "
                f"{ARRAYS_VERSION}: add the voice again."
            )
        roles, counts, mean, covariance = (arrays[name] for name in ("roles", "counts", "mean", "covariance"))
        damaged = RtvcError("The saved statistics are damaged: add the voice again.")
        try:
            restored = FeatureRoles.from_array(roles)
        except ValueError:
            raise damaged from None
        if counts.shape != (2,) or mean.ndim != 1 or covariance.shape != 2 * mean.shape:
            raise damaged
        if any(array.dtype.kind != "f" for array in (counts, mean, covariance)):
            raise damaged
        counts, mean, covariance = (array.astype(np.float64) for array in (counts, mean, covariance))
        if not all(np.isfinite(array).all() for array in (counts, mean, covariance)):
            raise damaged
        if min(counts) < 0 or min(np.diagonal(covariance), default=0) < 0:
            raise damaged
        restored.check(len(mean))
        return cls(restored, float(counts[0]), float(counts[1]), mean, covariance)


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The active frames of a voice, `[n, dim]` float32, with their statistics."""

    frames: Block
    statistics: FeatureStatistics

    @classmethod
    def of(cls, frames: Block, active: Mask | None = None, roles: FeatureRoles | None = None) -> FeatureSet:
        """Keep the rows of `frames` `[n, dim]` where `active` `[n]` is true (default: all)."""
        kept = np.ascontiguousarray(frames if active is None else frames[active], np.float32)
        return cls(kept, FeatureStatistics.of(kept, roles=roles))

    @cached_property
    def lengths(self) -> Block:
        """Euclidean norm `[n]` of each frame over its ordinary dimensions."""
        lengths: Block = np.linalg.norm(self.frames[:, self._ordinary], axis=1)
        return lengths

    @cached_property
    def directions(self) -> Block:
        """The ordinary dimensions of all frames scaled to unit norm: `[ordinary, n]`; zero frames stay zero.

        In this layout the cosine similarity of a live frame to all frames is one matrix product. Computed once, and
        as large as `frames`.
        """
        directions = np.ascontiguousarray(self.frames.T[self._ordinary])
        directions /= np.maximum(self.lengths, np.finfo(np.float32).tiny)
        return directions

    @property
    def _ordinary(self) -> npt.NDArray[np.intp]:
        return self.statistics.roles.ordinary(self.statistics.dim)

    def to_arrays(self) -> Arrays:
        """Return arrays by name from which `from_arrays` restores these features."""
        return {"frames": self.frames, **self.statistics.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FeatureSet:
        """Restore what `to_arrays` gave; raise `RtvcError` if it is of another version, incomplete or damaged."""
        statistics = FeatureStatistics.from_arrays(arrays)
        frames = arrays.get("frames", np.zeros(0))
        if frames.shape != (statistics.count, statistics.dim) or frames.dtype != np.float32:
            raise RtvcError("The saved frames do not fit their statistics: add the voice again.")
        if not np.isfinite(frames).all():
            raise RtvcError("The saved frames are not finite: add the voice again.")
        return cls(np.ascontiguousarray(frames), statistics)

    def fits(self, dim: int, roles: FeatureRoles) -> bool:
        """Tell whether these are features of `dim` dimensions with these roles, such as a pack's."""
        return self.statistics.dim == dim and self.statistics.roles == roles


class RunningStatistics:
    """A speaker's statistics, learnt from the live signal and starting from the weighted prior.

    `add` only appends, on the worker; `statistics` does the arithmetic, on the thread that refits the map.
    """

    def __init__(self, prior: FeatureStatistics) -> None:
        self._statistics = prior.weighted()
        self._pending: deque[Block] = deque()

    def add(self, frames: Block, active: Mask) -> None:
        """Queue the active rows of `frames` `[n, dim]`; rows that are not finite are dropped."""
        rows = frames[active & np.isfinite(frames).all(axis=1)]
        if len(rows):
            self._pending.append(rows)

    def statistics(self) -> FeatureStatistics:
        """Return the prior merged with all frames added so far."""
        pending = [self._pending.popleft() for _ in range(len(self._pending))]
        if pending:
            self._statistics = self._statistics.update(np.concatenate(pending))
        return self._statistics


def merge_all(statistics: Sequence[FeatureStatistics]) -> FeatureStatistics:
    """Return the statistics of all sets of frames together."""
    return reduce(FeatureStatistics.merge, statistics)


def _moments(rows: Array) -> tuple[Array, Array]:
    """Return mean and covariance; both are zero if there are no rows."""
    mean = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    centred = rows - mean
    return mean, centred.T @ centred / max(len(rows), 1)


def _share(count: float, other: float) -> float:
    return other / (count + other) if other else 0.0


def _isolate(covariance: Array, index: int | None) -> Array:
    """Set the covariance of one dimension with all others to zero, in place."""
    if index is not None:
        variance = covariance[index, index]
        covariance[index, :] = covariance[:, index] = 0.0
        covariance[index, index] = variance
    return covariance
