"""Effects on the converted voice as one stage: effects of pedalboard, and plug-ins of the user's in their processes.

A stage belongs to the thread that processes blocks and takes another rack between two blocks. Making a `Board` with
plug-ins takes seconds, with impulse responses or air up to one, so a live chain gets them from another thread. Call
`load_pedalboard` on another thread first: importing it takes 20 ms, a whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from rtvc.dsp.effect_parts import AirPart, Builtin, Convolution, Plugin
from rtvc.dsp.effects import AIR, CONVOLUTION, NO_EFFECTS, Effect, Rack
from rtvc.dsp.level import Ramp
from rtvc.dsp.plugin_process import Hurry
from rtvc.dsp.plugins import PluginEffect
from rtvc.dsp.stage import Block, Delay, Stage
from rtvc.errors import RtvcError

FADE_SECONDS = 0.03
"""Duration of the crossfade from one rack to another."""

Part = Builtin | Convolution | AirPart | Plugin

OWN_PARTS: Mapping[str, type[Convolution] | type[AirPart]] = {
    CONVOLUTION: Convolution,
    AIR: AirPart,
}


class Board:
    """The effects of one rack, with their state.

    Parameters
    ----------
    rate, rack
        Sample rate in Hz, and the effects.
    live
        Leave out plug-ins and impulse responses that cannot be used, and plug-ins that are too slow, and tell in
        `problem`; if false, raise `RtvcError`.
    hurry
        As in `PluginHost`.
    """

    def __init__(self, rate: int, rack: Rack, live: bool = False, hurry: Hurry | None = None) -> None:
        self.rack = rack
        self._amount = Ramp(rate, rack.amount)
        self._shape = _shape(rack)
        self._live = live
        self._problems: list[str] = []
        self._parts: list[Part] = []
        row: dict[int, Effect] = {}
        for index, effect in enumerate(_active(rack)):
            if isinstance(effect, Effect) and effect.kind not in OWN_PARTS:
                row[index] = effect
                continue
            self._end_row(rate, row)
            row = {}
            try:
                if isinstance(effect, Effect):
                    self._parts.append(OWN_PARTS[effect.kind](rate, index, effect))
                else:
                    self._parts.append(Plugin(rate, index, effect, live, hurry))
            except RtvcError as error:
                if not live:
                    raise
                self._problems.append(str(error))
        self._end_row(rate, row)
        self._rate = rate
        self._set_latency()

    def _end_row(self, rate: int, row: dict[int, Effect]) -> None:
        if row:
            self._parts.append(Builtin(rate, row))

    def _set_latency(self) -> None:
        self.latency_seconds = sum((part.latency_seconds for part in self._parts), Fraction(0))
        self.latency = round(self.latency_seconds * self._rate)
        self._late = Delay(self.latency, 0.0)

    @property
    def problem(self) -> str:
        """Why an effect is not heard, or what is wrong with a plug-in's latency; empty if all is well."""
        told = (part.problem or part.warning for part in self._parts)
        return next(filter(None, (*self._problems, *told)), "")

    def adjust(self, rack: Rack) -> bool:
        """Take over the values of a rack of the same effects; return False if its effects differ."""
        if _shape(rack) != self._shape:
            return False
        self.rack, self._amount.target = rack, rack.amount
        for part in self._parts:
            part.adjust(_active(rack))
        return True

    def reset(self) -> None:
        """Silence all tails."""
        self._amount.reset()
        for part in self._parts:
            part.reset()
        self._set_latency()

    def process(self, block: Block) -> Block:
        """Return the block with the effects: `[n]`."""
        if not self._parts:
            return block
        changed, original = block, self._late(block)
        for part in self._parts:
            changed = part.process(changed)
            if part.problem and not self._live:
                raise RtvcError(part.problem)
        if sum(part.latency_seconds for part in self._parts) != self.latency_seconds:
            self._set_latency()
        return original + self._amount.next(len(block)) * (changed - original)


Boards = Callable[[int, Rack], Board | None]
"""Returns the board of a rack at a sample rate in Hz, or None while it is being made."""


class Effects(Stage):
    """Passes audio `[n]` through a rack. Another rack fades in; other values of the same effects apply at once.

    The latency is the rack's: it changes with the rack, or when a plug-in reports another, between two blocks.

    Attributes
    ----------
    rack
        The rack; set it between blocks. A rack with effects needs pedalboard, see `load_pedalboard`.
    """

    def __init__(self, rate: int, rack: Rack = NO_EFFECTS, boards: Boards = Board) -> None:
        super().__init__(rate)
        self.rack = rack
        self._boards = boards
        self._now = boards(rate, rack) or Board(rate, NO_EFFECTS)
        self.latency = self._now.latency
        self._before: Board | None = None
        self._share = Ramp(rate, 1.0, FADE_SECONDS)

    @property
    def latency_seconds(self) -> Fraction:
        """The latency in seconds, exactly."""
        return self._now.latency_seconds

    @property
    def problem(self) -> str:
        """Why a plug-in is not heard, or what is wrong with its latency; empty if all is well."""
        return self._now.problem

    def reset(self) -> None:
        """Silence all tails and end any crossfade."""
        self._before = None
        self._follow()
        self._before = None
        self._now.reset()
        self.latency = self._now.latency

    def _follow(self) -> None:
        """Take up another rack if it is ready."""
        if self._before is not None or self.rack == self._now.rack or self._now.adjust(self.rack):
            return
        board = self._boards(self.rate, self.rack)
        if board is not None:
            self._now, self._before = board, self._now
            self._share = Ramp(self.rate, 0.0, FADE_SECONDS)
            self._share.target = 1.0

    def _process(self, block: Block) -> Block:
        self._follow()
        result = self._now.process(block)
        self.latency = self._now.latency
        if not np.isfinite(result).all():
            # An effect that has become unstable would stay so for ever.
            self._now.reset()
            result = block
        if self._before is not None:
            before = self._before.process(block)
            share = self._share.next(len(block))
            result = before + share * (result - before)
            if np.ndim(share) == 0:
                self._before = None
        return result


def _active(rack: Rack) -> list[Effect | PluginEffect]:
    return [effect for effect in rack.effects if effect.active]


def _shape(rack: Rack) -> list[tuple[str, str]]:
    """Return what takes another board if it changes."""
    return [(effect.kind, effect.impulse if isinstance(effect, Effect) else "") for effect in _active(rack)]
