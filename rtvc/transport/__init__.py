"""Transports: maps from the source's features to the target's, and the stage that applies them.

Fitting (`fit`) runs off the audio path, on any thread. A `TransportStage` belongs to the thread that processes
blocks, which also calls its `set` between two blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from rtvc.dsp.stage import Block, Delay, Stage
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet, FeatureStatistics
from rtvc.transport.flow_matching import FlowTransport, fit_flow
from rtvc.transport.formants import formant_matrix
from rtvc.transport.knn import fit_knn
from rtvc.transport.mkl import fit_mkl
from rtvc.transport.pitch import UNCHANGED_PITCH, PitchControl, PitchTransport
from rtvc.transport.sinkhorn import fit_sinkhorn

FADE_FRAMES = 5
NO_ROLES = FeatureRoles()

LARGEST_RATIO = 1e4
"""A map whose output exceeds either voice's own values by more than this factor is refused. Real voices in one
feature space differ by less than a factor of 10."""


class Transport(Protocol):
    """A fitted map of features `[n, dim]` float32 to features of the same shape.

    The result does not depend on how the frames are cut into calls. Unless it is a `ContextTransport`, a transport
    maps every frame on its own and is immutable, so several threads may use it.
    """

    def __call__(self, features: Block) -> Block:
        """Map features `[n, dim]`."""
        ...


@runtime_checkable
class ContextTransport(Transport, Protocol):
    """A transport with streaming state, for one `TransportStage` at a time.

    Attributes
    ----------
    lookahead_frames
        Frames by which the output lags the input. The output before the first frame is not used.
    """

    lookahead_frames: int

    def reset(self) -> None:
        """Return to the initial state."""
        ...


def lookahead_frames(transport: Transport) -> int:
    """Return the frames by which a transport's output lags its input."""
    return transport.lookahead_frames if isinstance(transport, ContextTransport) else 0


@runtime_checkable
class PitchedTransport(Transport, Protocol):
    """A transport that knows its map of the pitch dimension; every one that `fit` returns does."""

    @property
    def pitch(self) -> PitchTransport: ...  # noqa: D102


def _mkl(source: FeatureSet, target: FeatureSet, **options: Any) -> Transport:  # noqa: ANN401
    return fit_mkl(source.statistics, target.statistics, **options)


FITS: dict[str, Callable[..., Transport]] = {
    "mkl": _mkl,
    "knn": fit_knn,
    "sinkhorn": fit_sinkhorn,
    "flow": fit_flow,
}
"""The fit function of each transport, by the name that users choose."""

FITTED_ON_FRAMES = ("sinkhorn", "flow")
"""Transports fitted on recorded frames of the speaker, so they need an enrolment; others need statistics only."""


KEPT: dict[str, type[FlowTransport]] = {"flow": FlowTransport}
"""Transports with a long fit, which reports `progress` and whose map is cached; with the class of the map."""


def fit(name: str, source: FeatureSet, target: FeatureSet, **options: Any) -> Transport:  # noqa: ANN401
    """Fit the named transport from the source voice to the target; options go to its fit function.

    Raises `RtvcError` if the name is unknown, a voice holds too little speech, or the map is not usable.
    """
    if name not in FITS:
        raise RtvcError(f"There is no transport named {name!r}: choose one of {', '.join(FITS)}.")
    damaged = RtvcError(
        "No usable map can be fitted between these voices; the features of one are damaged. Add the voice again, or "
        "enrol again."
    )
    try:
        with np.errstate(all="ignore"):
            fitted = FITS[name](source, target, **options)
            usable = is_usable(fitted, source.statistics, target.statistics)
    except np.linalg.LinAlgError as error:
        raise damaged from error
    if not usable:
        raise damaged
    return fitted


def is_usable(transport: Transport, source: FeatureStatistics, target: FeatureStatistics) -> bool:
    """Whether the map takes typical frames of both voices to finite values of plausible size."""
    probes, sizes = [], []
    for side in (source, target):
        probes += [side.mean, side.mean + side.standard_deviation, side.mean - side.standard_deviation]
        sizes.append(float(np.abs(side.mean).max() + side.standard_deviation.max()))
    mapped = transport(np.array(probes, np.float32))
    # Digital silence has frames of zeros, which set no scale.
    limit = LARGEST_RATIO * min((size for size in sizes if size > 0), default=1.0)
    return bool(np.isfinite(mapped).all() and np.abs(mapped).max() <= limit)


class _Running:
    """A transport in its initial state, delayed to the latency of its stage."""

    def __init__(self, transport: Transport, latency: int) -> None:
        self.transport = transport
        if isinstance(transport, ContextTransport):
            transport.reset()
        self._late = Delay(latency - lookahead_frames(transport), None)

    def __call__(self, features: Block) -> Block:
        return self._late(self.transport(features))


class _Move:
    """What a `TransportStage` does to frames: a map at a strength, then the user's change of formants and pitch."""

    def __init__(self, running: _Running, strength: float, control: PitchControl, roles: FeatureRoles) -> None:
        self.running = running
        self.strength = strength
        self.control = control
        transport = running.transport
        self._pitched = transport if isinstance(transport, PitchedTransport) and not control.neutral else None
        self._formants: Block | None = None
        if roles.envelope is not None and roles.cepstra is not None and control.formants != 1:
            self._formants = formant_matrix(roles.envelope, control.formants)
            self._cepstra = slice(*roles.cepstra)

    def __call__(self, original: Block, mapped: Block) -> Block:
        moved: Block = original + np.float32(self.strength) * (mapped - original)
        if self._formants is not None:
            moved[:, self._cepstra] = moved[:, self._cepstra] @ self._formants
        if self._pitched is None:
            return moved
        # The map of pitch is asked for at every step: that of a trained map is replaced while it runs.
        return self.control.after(self._pitched.pitch, self.strength)(moved)


class TransportStage(Stage):
    """Applies a transport by displacement interpolation: `x + strength · (transport(x) - x)`.

    The user's offset and intonation then change the pitch of the mapped frames. The latency is the lookahead of the
    first map. Frames, and maps with less lookahead, are delayed by the rest.

    Parameters
    ----------
    transport
        The map. Dimensions that it returns unchanged pass exactly.
    strength
        0 (the source's own voice) … 1 (the target's).
    rate
        Frames per second.
    fade_frames
        Length of the fade from one map to the next.
    pitch
        The user's change of pitch, for maps with a `pitch`, as all fitted ones have; and of formants.
    roles
        What the features carry: formants can be moved where there is an `envelope`.
    """

    def __init__(
        self,
        transport: Transport,
        strength: float,
        rate: int,
        fade_frames: int = FADE_FRAMES,
        pitch: PitchControl = UNCHANGED_PITCH,
        roles: FeatureRoles = NO_ROLES,
    ) -> None:
        super().__init__(rate, lookahead_frames(transport))
        self._roles = roles
        self._fade_frames = fade_frames
        self._start(transport, strength, pitch)

    def _start(self, transport: Transport, strength: float, pitch: PitchControl) -> None:
        self._late = Delay(self.latency, None)
        self._current = _Move(_Running(transport, self.latency), strength, pitch, self._roles)
        self._next: _Move | None = None
        self._waiting: tuple[Transport, float, PitchControl] | None = None
        self._faded = 0

    def set(self, transport: Transport, strength: float, pitch: PitchControl = UNCHANGED_PITCH) -> None:
        """Fade linearly to this map, strength and pitch.

        During a fade, the new one starts when that has ended; the latest call counts. A map with lookahead first
        processes that many frames unheard.

        Raises
        ------
        ValueError
            If the map's lookahead exceeds the stage's latency.
        """
        if lookahead_frames(transport) > self.latency:
            raise ValueError(f"the map has more lookahead than the {self.latency} frames of the stage's latency")
        if self._next is None:
            self._fade_to(transport, strength, pitch)
        else:
            self._waiting = (transport, strength, pitch)

    def _fade_to(self, transport: Transport, strength: float, pitch: PitchControl) -> None:
        running = self._current.running
        if transport is running.transport:
            self._next, self._faded = _Move(running, strength, pitch, self._roles), 0
        else:
            following = _Running(transport, self.latency)
            self._next, self._faded = _Move(following, strength, pitch, self._roles), -self.latency

    def _process(self, block: Block) -> Block:
        late = self._late(block)
        output = np.empty_like(block)
        start = 0
        while start < len(block):
            rows, original = block[start:], late[start:]
            current, following = self._current, self._next
            if following is None:
                output[start:] = current(original, current.running(rows))
                break
            count = min(len(rows), self._fade_frames - self._faded)
            rows, original = rows[:count], original[:count]
            mapped = current.running(rows)
            before = current(original, mapped)
            after = following(original, mapped if following.running is current.running else following.running(rows))
            weight = np.arange(self._faded + 1, self._faded + count + 1, dtype=np.float32) / self._fade_frames
            output[start : start + count] = before + np.maximum(weight, 0)[:, None] * (after - before)
            self._faded += count
            start += count
            if self._faded == self._fade_frames:
                self._current, self._next = following, None
                if self._waiting is not None:
                    self._fade_to(*self._waiting)
                    self._waiting = None
        return output

    def reset(self) -> None:
        """Return to the initial state with the map that was set last, without a fade."""
        move = self._next or self._current
        self._start(*(self._waiting or (move.running.transport, move.strength, move.control)))
