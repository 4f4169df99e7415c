"""Effects on the converted voice as one stage: effects of pedalboard, and plug-ins of the user's in their processes.

A stage belongs to the thread that processes blocks and takes another rack between two blocks. Making a `Board` with
plug-ins takes seconds, with impulse responses up to one, so a live chain gets them from another thread. Call
`load_pedalboard` on another thread first: importing it takes 20 ms, a whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import ceil
from types import ModuleType
from typing import Any

import numpy as np

from rtvc.dsp.effects import CONVOLUTION, KINDS, NO_EFFECTS, Effect, Rack
from rtvc.dsp.impulse_responses import impulse_response
from rtvc.dsp.level import Ramp
from rtvc.dsp.plugin_host import PluginHost
from rtvc.dsp.plugin_process import Hurry
from rtvc.dsp.plugins import PluginEffect
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.errors import RtvcError

FADE_SECONDS = 0.03
"""Duration of the crossfade from one rack to another."""

HIGHEST_FREQUENCY = 0.45
"""Share of the sample rate up to which filters are used."""

CONVOLUTION_GAIN = np.float32(8.0)
"""JUCE scales every impulse response to an energy of 1/64."""

LOWEST_PLUGIN_RATE = 44_100
"""Many plug-ins have filters that are unstable at 16 kHz: below this rate they run at a multiple of it."""


@cache
def load_pedalboard() -> ModuleType:
    """Return pedalboard; raise `RtvcError` if it is not installed."""
    try:
        import pedalboard
    except ImportError:
        raise RtvcError("Effects need the package pedalboard: install rtvc with the extra `effects`.") from None
    module: ModuleType = pedalboard
    return module


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
        self._parts: list[_Builtin | _Convolution | _Plugin] = []
        row: dict[int, Effect] = {}
        for index, effect in enumerate(_active(rack)):
            if isinstance(effect, Effect) and effect.kind != CONVOLUTION:
                row[index] = effect
                continue
            self._end_row(rate, row)
            row = {}
            try:
                if isinstance(effect, Effect):
                    self._parts.append(_Convolution(rate, index, effect))
                else:
                    self._parts.append(_Plugin(rate, index, effect, live, hurry))
            except RtvcError as error:
                if not live:
                    raise
                self._problems.append(str(error))
        self._end_row(rate, row)
        self._rate = rate
        self._set_latency()

    def _end_row(self, rate: int, row: dict[int, Effect]) -> None:
        if row:
            self._parts.append(_Builtin(rate, row))

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


class _Builtin:
    """Effects of pedalboard in a row; none of them delays the sound."""

    latency_seconds = Fraction(0)
    problem = warning = ""

    def __init__(self, rate: int, effects: dict[int, Effect]) -> None:
        self._rate = rate
        self._effects: dict[int, Any] = {
            index: getattr(load_pedalboard(), KINDS[effect.kind].plugin)(**self._values(effect))
            for index, effect in effects.items()
        }
        self._board = load_pedalboard().Pedalboard(list(self._effects.values()))

    def adjust(self, effects: Sequence[Effect | PluginEffect]) -> None:
        """Take over other values."""
        for index, plugin in self._effects.items():
            effect = effects[index]
            assert isinstance(effect, Effect)
            for name, value in self._values(effect).items():
                if getattr(plugin, name) != value:
                    setattr(plugin, name, value)

    def _values(self, effect: Effect) -> dict[str, float]:
        """Return all parameters by name; a filter at half of the sample rate would be unstable."""
        highest = HIGHEST_FREQUENCY * self._rate
        return {
            name: min(value, highest) if name.endswith("_hz") else value for name, value in effect.values().items()
        }

    def reset(self) -> None:
        """Silence all tails."""
        self._board.reset()

    def process(self, block: Block) -> Block:
        """Return the block with the effects."""
        result: Block = self._board.process(block, self._rate, reset=False)
        return result


class _Convolution:
    """pedalboard's convolution, which has no latency, mixed with the voice here: so it is as loud as the voice."""

    latency_seconds = Fraction(0)
    problem = warning = ""

    def __init__(self, rate: int, index: int, effect: Effect) -> None:
        self._rate, self._index = rate, index
        response = impulse_response(effect.impulse, rate)
        pedalboard = load_pedalboard()
        self._board = pedalboard.Pedalboard([pedalboard.Convolution(response[None], 1.0, rate)])
        self._mix = Ramp(rate, effect.values()["mix"])
        # The first block prepares the response, which takes longer than a step.
        self._board.process(np.zeros(1, np.float32), rate, reset=False)

    def adjust(self, effects: Sequence[Effect | PluginEffect]) -> None:
        """Take over another mix."""
        effect = effects[self._index]
        assert isinstance(effect, Effect)
        self._mix.target = effect.values()["mix"]

    def reset(self) -> None:
        """Silence the tail."""
        self._board.reset()
        self._mix.reset()

    def process(self, block: Block) -> Block:
        """Return the block with its reverberation."""
        wet = self._board.process(block, self._rate, reset=False) * CONVOLUTION_GAIN
        result: Block = block + self._mix.next(len(block)) * (wet - block)
        return result


class _Plugin:
    """A plug-in of the user's; the sound without it, as late, where it fails."""

    def __init__(self, rate: int, index: int, effect: PluginEffect, live: bool, hurry: Hurry | None) -> None:
        self._index = index
        plugin_rate = rate * ceil(LOWEST_PLUGIN_RATE / rate)
        self._host = _HostStage(PluginHost(effect, plugin_rate, live, hurry))
        self._chain = Chain([Resampler(rate, plugin_rate), self._host, Resampler(plugin_rate, rate)])
        self.warning = self._host.host.report.warning(effect.plugin)

    @property
    def latency_seconds(self) -> Fraction:
        """The latency in seconds, which the plug-in may change."""
        return sum((stage.latency_seconds for stage in self._chain.stages), Fraction(0))

    @property
    def problem(self) -> str:
        """Why it was switched off; empty while it is heard."""
        return self._host.host.problem

    def adjust(self, effects: Sequence[Effect | PluginEffect]) -> None:
        """Take over other values."""
        effect = effects[self._index]
        assert isinstance(effect, PluginEffect)
        self._host.host.set_values(effect)

    def reset(self) -> None:
        """Silence all tails."""
        self._chain.reset()

    def process(self, block: Block) -> Block:
        """Return the block with the plug-in."""
        return self._chain.process(block)


class _HostStage(Stage):
    def __init__(self, host: PluginHost) -> None:
        super().__init__(host.rate, host.latency)
        self.host = host
        self._late = Delay(self.latency, 0.0)

    def reset(self) -> None:
        self.host.reset()
        self._late = Delay(self.latency, 0.0)

    def _process(self, block: Block) -> Block:
        original = self._late(block)
        changed = self.host.process(block)
        if self.host.latency != self.latency:
            self.latency = self.host.latency
            self._late = Delay(self.latency, 0.0)
        return original if changed is None else changed


def _active(rack: Rack) -> list[Effect | PluginEffect]:
    return [effect for effect in rack.effects if effect.active]


def _shape(rack: Rack) -> list[tuple[str, str]]:
    """Return what takes another board if it changes."""
    return [(effect.kind, effect.impulse if isinstance(effect, Effect) else "") for effect in _active(rack)]
