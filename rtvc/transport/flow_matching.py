"""Flow matching: a learnt velocity field moves each frame from one voice's distribution to the other's.

FMVC, arXiv 2411.02402. Fitting trains a small network off the audio path, for some tens of seconds; mapping, on the
worker, takes a few passes through it. The network has three layers, so NumPy is enough for both: fitting needs no
further dependency, and a cached map is a set of plain arrays, which are checked one by one when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.transport.mkl import fit_pitch
from rtvc.transport.network import Layers, Trainer, layer_outputs
from rtvc.transport.pitch import PitchTransport
from rtvc.transport.sinkhorn import REGULARISATION, cosine_cost, solve, spread

ARRAYS_VERSION = 2
"""Increased whenever the arrays or the fit change, so that cached maps are fitted again."""


@dataclass(frozen=True, eq=False)
class FlowTransport:
    """Integrates the velocity field over the ordinary dimensions in `steps` midpoint steps; pitch has its own map.

    `layers` map the standardised frame and the time (0 … 1) to the velocity. `centre` and `scale` `[ordinary]`
    standardise a frame.
    """

    roles: FeatureRoles
    pitch: PitchTransport
    centre: Block
    scale: Block
    layers: Layers
    steps: int

    @property
    def dim(self) -> int:
        """Number of dimensions of a feature frame."""
        return self.centre.size + sum(role is not None for role in (self.roles.pitch, self.roles.voicing))

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        ordinary = self.roles.ordinary(features.shape[1])
        place = (features[:, ordinary] - self.centre) / self.scale
        duration = 1 / self.steps
        for step in range(self.steps):
            halfway = place + duration / 2 * self._velocity(place, step * duration)
            place = place + duration * self._velocity(halfway, (step + 0.5) * duration)
        mapped = self.pitch(features)
        mapped[:, ordinary] = place * self.scale + self.centre
        return mapped

    def _velocity(self, place: Block, time: float) -> Block:
        times = np.full((len(place), 1), time, np.float32)
        return layer_outputs(self.layers, np.hstack([place, times]))[-1]

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the arrays from which `from_arrays` restores this map."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "version": np.array(ARRAYS_VERSION),
            "roles": self.roles.to_array(),
            "steps": np.array(self.steps),
            "pitch": np.array([self.pitch.gain, self.pitch.source_mean, self.pitch.target_mean]),
            "centre": self.centre,
            "scale": self.scale,
        }
        for index, (weight, bias) in enumerate(self.layers):
            arrays[f"weight{index}"], arrays[f"bias{index}"] = weight, bias
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> FlowTransport:
        """Restore a map from `to_arrays`; raise `RtvcError` for another version, or arrays missing or damaged."""
        if not np.array_equal(arrays.get("version", np.array(None)), ARRAYS_VERSION):
            raise RtvcError(f"The saved flow does not have version {ARRAYS_VERSION}: fit it again.")
        damaged = RtvcError("The saved flow is damaged: fit it again.")
        try:
            roles, steps = FeatureRoles.from_array(arrays["roles"]), int(arrays["steps"].item())
            gain, *means = arrays["pitch"].astype(np.float64).tolist()
            names = [f"{kind}{index}" for index in range(3) for kind in ("weight", "bias")]
            centre, scale, *parameters = (arrays[name].astype(np.float32) for name in ("centre", "scale", *names))
        except (KeyError, ValueError, TypeError) as error:
            raise damaged from error
        layers: Layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        widths = [centre.size + 1, *(bias.size for _, bias in layers)]
        fits = all(
            weight.shape == (before, after) and bias.shape == (after,)
            for (weight, bias), (before, after) in zip(layers, pairwise(widths), strict=True)
        )
        finite = all(np.isfinite(array).all() for array in (centre, scale, *parameters, gain, means))
        if not (fits and finite and steps > 0 and centre.shape == scale.shape == (widths[-1],) and (scale > 0).all()):
            raise damaged
        roles.check(centre.size + sum(role is not None for role in (roles.pitch, roles.voicing)))
        return cls(roles, PitchTransport(roles.pitch, gain, *means), centre, scale, layers, steps)


def fit_flow(
    source: FeatureSet,
    target: FeatureSet,
    regularisation: float = REGULARISATION,
    iterations: int = 1000,
    batch: int = 1000,
    hidden: int = 512,
    steps: int = 4,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Callable[[float], None] = lambda done: None,
) -> FlowTransport:
    """Train a velocity field that moves frames of the source voice to the target's distribution.

    Pairs (x, y) are drawn from the entropic plan of `rtvc.transport.sinkhorn` and times t uniformly from 0 … 1. A
    network of three layers learns the velocity y - x at (1 - t) x + t y by least squares (Lipman et al. 2023; Tong et
    al. 2024). The learning rate of Adam falls linearly to zero.

    Parameters
    ----------
    source, target
        Frames of the same feature space.
    regularisation
        Entropic regularisation of the plan.
    iterations, batch, hidden
        Training iterations, pairs per iteration and hidden units per layer; the defaults are the paper's.
    steps
        Midpoint steps of the map, each of two passes through the network.
    learning_rate
        Initial learning rate.
    seed
        The same seed and frames give the same map.
    progress
        Called after every iteration with the share done, 0 … 1, on the calling thread. An exception that it raises
        ends the fit.

    Raises
    ------
    RtvcError
        If either side has no frames, or an option is out of range.
    """
    if min(iterations, batch, hidden, steps) < 1:
        raise RtvcError("Iterations, batch, hidden units and steps of flow matching must be at least 1.")
    roles = source.statistics.roles
    ordinary = roles.ordinary(source.statistics.dim)
    plan, _ = solve(cosine_cost(source, target), regularisation)
    cumulative = np.cumsum(plan, out=plan.reshape(-1))
    centre, scale = _standard(source, target, ordinary)
    starts = (source.frames[spread(len(source.frames))][:, ordinary] - centre) / scale
    ends = (target.frames[:, ordinary] - centre) / scale

    random = np.random.default_rng(seed)
    trainer = Trainer([len(ordinary) + 1, hidden, hidden, len(ordinary)], random)
    for iteration in range(iterations):
        drawn = np.searchsorted(cumulative, random.random(batch) * cumulative[-1], side="right")
        start, end = starts[drawn // len(ends)], ends[drawn % len(ends)]
        time = random.random((batch, 1), np.float32)
        inputs = np.hstack([start + time * (end - start), time])
        trainer.step(inputs, end - start, learning_rate * (1 - iteration / iterations))
        progress((iteration + 1) / iterations)
    pitch = fit_pitch(source.statistics, target.statistics)
    return FlowTransport(roles, pitch, centre, scale, trainer.layers, steps)


def _standard(source: FeatureSet, target: FeatureSet, ordinary: npt.NDArray[np.intp]) -> tuple[Block, Block]:
    """Return the mean of both voices' means, and of their standard deviations with a floor above zero."""
    centre = (source.statistics.mean + target.statistics.mean)[ordinary] / 2
    deviation = (source.statistics.standard_deviation + target.statistics.standard_deviation)[ordinary] / 2
    widest = deviation.max(initial=0.0)
    scale = np.maximum(deviation, 1e-3 * widest if widest > 0 else 1.0)
    return centre.astype(np.float32), scale.astype(np.float32)
