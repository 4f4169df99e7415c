"""Maps from the source's features to the target's, and the stage that applies one to live frames.

Fitting (`fit`) runs off the audio path, on any thread. A `TransportStage` belongs to the worker, which also calls
its `set` between two blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from rtvc.errors import RtvcError
from rtvc.stage import Block, Stage
from rtvc.statistics import FeatureSet
from rtvc.transport.flow_matching import FlowTransport, fit_flow
from rtvc.transport.knn import fit_knn
from rtvc.transport.mkl import fit_mkl
from rtvc.transport.sinkhorn import fit_sinkhorn

FADE_FRAMES = 5


class Transport(Protocol):
    """A fitted map of features `[n, dim]` float32 to features of the same shape.

    Every frame is mapped by itself, so a stretch of frames gives the same in one call as in many, and a transport
    is immutable, so one may be used by several threads. A map that needs context or lookahead is a `Stage`.
    """

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        ...


def _mkl(source: FeatureSet, target: FeatureSet, **options: Any) -> Transport:  # noqa: ANN401
    return fit_mkl(source.statistics, target.statistics, **options)


FITS: dict[str, Callable[..., Transport]] = {
    "mkl": _mkl,
    "knn": fit_knn,
    "sinkhorn": fit_sinkhorn,
    "flow": fit_flow,
}
"""The transports by the names that people give them."""

FITTED_ON_FRAMES = ("sinkhorn", "flow")
"""Transports that take recorded frames of the speaker; for the others statistics are enough."""


KEPT: dict[str, type[FlowTransport]] = {"flow": FlowTransport}
"""Transports whose fit takes so long that it tells a `progress`, and that the map is kept; with their classes."""


def fit(name: str, source: FeatureSet, target: FeatureSet, **options: Any) -> Transport:  # noqa: ANN401
    """Fit the transport of this name from the source voice to the target; options are those of its own fit function.

    Raises `RtvcError` if there is no such transport, or if the voices do not suffice for it.
    """
    if name not in FITS:
        raise RtvcError(f"There is no transport named {name!r}: choose one of {', '.join(FITS)}.")
    return FITS[name](source, target, **options)


class TransportStage(Stage):
    """Applies a transport with a strength: `x + strength · (transport(x) - x)`, the displacement interpolation.

    Parameters
    ----------
    transport
        The map; dimensions that it returns unchanged stay exactly as they are.
    strength
        0 (the source's own voice) … 1 (the target's).
    rate
        Frames a second.
    fade_frames
        Over how many frames `set` fades from one map to the next.
    """

    def __init__(self, transport: Transport, strength: float, rate: int, fade_frames: int = FADE_FRAMES) -> None:
        super().__init__(rate)
        self._current = (transport, strength)
        self._next: tuple[Transport, float] | None = None
        self._waiting: tuple[Transport, float] | None = None
        self._faded = 0
        self._fade_frames = fade_frames

    def set(self, transport: Transport, strength: float) -> None:
        """Fade to this map and strength, linearly; during a fade, once it has ended (the latest call counts)."""
        if self._next is None:
            self._next, self._faded = (transport, strength), 0
        else:
            self._waiting = (transport, strength)

    def _process(self, block: Block) -> Block:
        output = np.empty_like(block)
        start = 0
        while start < len(block):
            if self._next is None:
                output[start:] = _moved(self._current, block[start:])
                break
            end = min(len(block), start + self._fade_frames - self._faded)
            rows = block[start:end]
            weight = np.arange(self._faded + 1, self._faded + len(rows) + 1, dtype=np.float32) / self._fade_frames
            before, after = _moved(self._current, rows), _moved(self._next, rows)
            output[start:end] = before + weight[:, None] * (after - before)
            self._faded += len(rows)
            if self._faded == self._fade_frames:
                self._current, self._next, self._waiting, self._faded = self._next, self._waiting, None, 0
            start = end
        return output

    def reset(self) -> None:
        """End any fade at the map that was set last."""
        self._current = self._waiting or self._next or self._current
        self._next = self._waiting = None
        self._faded = 0


def _moved(setting: tuple[Transport, float], features: Block) -> Block:
    transport, strength = setting
    if strength == 0:
        return features
    moved: Block = features + np.float32(strength) * (transport(features) - features)
    return moved
