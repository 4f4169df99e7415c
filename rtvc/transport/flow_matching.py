"""Each frame follows a learnt velocity from one voice's distribution to the other's (FMVC, arXiv 2411.02402).

Fitting trains a small network, off the audio path, for some tens of seconds. Mapping, on the worker, is a few passes
through it. The network is three matrix products, so NumPy serves for both: nothing more need be installed to fit, and
a map is kept as plain arrays, which need no session of ONNX Runtime beside the pack's for every voice and can be
checked one by one when they are read.
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
from rtvc.transport.mkl import PitchTransport, fit_pitch
from rtvc.transport.sinkhorn import REGULARISATION, cosine_cost, solve, spread

ARRAYS_VERSION = 1
"""Raised whenever the arrays or the fit change, so that maps which were kept are fitted anew."""

Layers = list[tuple[Block, Block]]
"""Weights `[in, out]` and biases `[out]`."""


@dataclass(frozen=True, eq=False)
class FlowTransport:
    """Moves the ordinary dimensions along the velocity field in `steps` midpoint steps, and pitch by its own map.

    `layers` take the standardised frame and the time (0…1) to the velocity; `centre` and `scale` `[ordinary]`
    standardise.
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
        return _activations(self.layers, np.hstack([place, times]))[-1]

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return arrays from which `from_arrays` restores this map, fit for `np.savez`."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "version": np.array(ARRAYS_VERSION),
            "roles": self.roles.to_array(),
            "steps": np.array(self.steps),
            "pitch": np.array([self.pitch.gain, self.pitch.offset]),
            "centre": self.centre,
            "scale": self.scale,
        }
        for index, (weight, bias) in enumerate(self.layers):
            arrays[f"weight{index}"], arrays[f"bias{index}"] = weight, bias
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> FlowTransport:
        """Restore what `to_arrays` gave; raise `RtvcError` if it is of another version, incomplete or damaged."""
        if not np.array_equal(arrays.get("version", np.array(None)), ARRAYS_VERSION):
            raise RtvcError(f"The saved flow is not of version {ARRAYS_VERSION}: fit it again.")
        damaged = RtvcError("The saved flow is damaged: fit it again.")
        try:
            roles, steps = FeatureRoles.from_array(arrays["roles"]), int(arrays["steps"].item())
            gain, offset = arrays["pitch"].astype(np.float64).tolist()
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
        finite = all(np.isfinite(array).all() for array in (centre, scale, *parameters, gain, offset))
        if not (fits and finite and steps > 0 and centre.shape == scale.shape == (widths[-1],) and (scale > 0).all()):
            raise damaged
        roles.check(centre.size + sum(role is not None for role in (roles.pitch, roles.voicing)))
        return cls(roles, PitchTransport(roles.pitch, gain, offset), centre, scale, layers, steps)


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
    """Train a velocity field along which frames of the source voice flow to the target's distribution.

    Pairs (x, y) are drawn from the entropic plan of `rtvc.transport.sinkhorn`, a time t evenly from 0…1, and a
    network of three layers learns the velocity y - x at the place (1 - t) x + t y, in the mean square (Lipman et al.
    2023; Tong et al. 2024), by Adam with a rate that falls to zero.

    Parameters
    ----------
    source, target
        Frames of the same feature space.
    regularisation
        That of the plan.
    iterations, batch, hidden
        How many steps of training, of how many pairs, with how many hidden units; by default the paper's.
    steps
        Midpoint steps of the map, each of two passes through the network.
    learning_rate
        Where the rate of Adam starts.
    seed
        The same seed and frames give the same map.
    progress
        Called after every iteration with the share done, 0…1, on the calling thread; what it raises ends the fit.

    Raises
    ------
    RtvcError
        If either side has no frames, or an option is out of range.
    """
    if min(iterations, batch, hidden, steps) < 1:
        raise RtvcError("The iterations, batch, hidden units and steps of a flow must be at least 1.")
    roles = source.statistics.roles
    ordinary = roles.ordinary(source.statistics.dim)
    plan, _ = solve(cosine_cost(source, target), regularisation)
    cumulative = np.cumsum(plan, out=plan.reshape(-1))
    centre, scale = _standard(source, target, ordinary)
    starts = (source.frames[spread(len(source.frames))][:, ordinary] - centre) / scale
    ends = (target.frames[:, ordinary] - centre) / scale

    random = np.random.default_rng(seed)
    parameters, layers = _initial([len(ordinary) + 1, hidden, hidden, len(ordinary)], random)
    gradient, slopes = _views(parameters, layers)
    optimiser = _Adam(parameters)
    for iteration in range(iterations):
        drawn = np.searchsorted(cumulative, random.random(batch) * cumulative[-1], side="right")
        start, end = starts[drawn // len(ends)], ends[drawn % len(ends)]
        time = random.random((batch, 1), np.float32)
        _set_gradients(layers, slopes, np.hstack([start + time * (end - start), time]), end - start)
        optimiser.step(gradient, learning_rate * (1 - iteration / iterations))
        progress((iteration + 1) / iterations)
    return FlowTransport(roles, fit_pitch(source.statistics, target.statistics), centre, scale, layers, steps)


def _standard(source: FeatureSet, target: FeatureSet, ordinary: npt.NDArray[np.intp]) -> tuple[Block, Block]:
    """Return the centre of both voices and their typical deviation, never zero."""
    centre = (source.statistics.mean + target.statistics.mean)[ordinary] / 2
    deviation = (source.statistics.standard_deviation + target.statistics.standard_deviation)[ordinary] / 2
    widest = deviation.max(initial=0.0)
    scale = np.maximum(deviation, 1e-3 * widest if widest > 0 else 1.0)
    return centre.astype(np.float32), scale.astype(np.float32)


def _initial(widths: list[int], random: np.random.Generator) -> tuple[Block, Layers]:
    """Return all parameters as one vector, and the layers as views of it (He et al. 2015; the last layer is zero)."""
    shapes = list(pairwise(widths))
    parameters = np.zeros(sum((before + 1) * after for before, after in shapes), np.float32)
    layers = _layers(parameters, shapes)
    for weight, _ in layers[:-1]:
        weight[:] = random.normal(0, np.sqrt(2 / len(weight)), weight.shape)
    return parameters, layers


def _views(parameters: Block, layers: Layers) -> tuple[Block, Layers]:
    """Return a vector like the parameters, and its views in the shapes of the layers."""
    vector = np.zeros_like(parameters)
    return vector, _layers(vector, [(weight.shape[0], weight.shape[1]) for weight, _ in layers])


def _layers(vector: Block, shapes: list[tuple[int, int]]) -> Layers:
    layers = []
    start = 0
    for before, after in shapes:
        middle, end = start + before * after, start + (before + 1) * after
        layers.append((vector[start:middle].reshape(before, after), vector[middle:end]))
        start = end
    return layers


def _activations(layers: Layers, inputs: Block) -> list[Block]:
    """Return the output of every layer; all but the last are rectified."""
    outputs: list[Block] = []
    for index, (weight, bias) in enumerate(layers):
        inputs = inputs @ weight + bias
        if index < len(layers) - 1:
            np.maximum(inputs, 0, out=inputs)
        outputs.append(inputs)
    return outputs


def _set_gradients(layers: Layers, slopes: Layers, inputs: Block, wanted: Block) -> None:
    """Write the gradient of the mean square error over the batch, summed over dimensions, into `slopes`."""
    outputs = _activations(layers, inputs)
    error = 2 / len(inputs) * (outputs[-1] - wanted)
    for index in range(len(layers) - 1, -1, -1):
        below = outputs[index - 1] if index else inputs
        np.matmul(below.T, error, out=slopes[index][0])
        np.sum(error, axis=0, out=slopes[index][1])
        if index:
            error = (error @ layers[index][0].T) * (below > 0)


class _Adam:
    """Kingma & Ba (2015), on one vector of parameters, in place."""

    def __init__(self, parameters: Block) -> None:
        self._parameters = parameters
        self._mean, self._square = np.zeros_like(parameters), np.zeros_like(parameters)
        self._count = 0

    def step(self, gradient: Block, rate: float) -> None:
        self._count += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        corrected = np.sqrt(self._square / (1 - 0.999**self._count)) + 1e-8
        self._parameters -= rate / (1 - 0.9**self._count) * self._mean / corrected
