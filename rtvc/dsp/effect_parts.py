"""The parts of a board: effects of pedalboard, convolution, air, and plug-ins of the user's in their processes.

Each processes blocks of any length, tells its latency, and takes over other values of the effects that it was made
of. Parts belong to the board, and so to the thread that processes blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import ceil
from types import ModuleType
from typing import Any

import numpy as np

from rtvc.dsp.air import Air
from rtvc.dsp.effects import KINDS, Effect
from rtvc.dsp.impulse_responses import impulse_response
from rtvc.dsp.level import Ramp
from rtvc.dsp.plugin_host import PluginHost
from rtvc.dsp.plugin_process import Hurry
from rtvc.dsp.plugins import PluginEffect
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.errors import RtvcError

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


class Builtin:
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


class Convolution:
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


class AirPart:
    """Noise above the voice's band, see `rtvc.dsp.air`."""

    latency_seconds = Fraction(0)
    problem = warning = ""

    def __init__(self, rate: int, index: int, effect: Effect) -> None:
        self._index = index
        self._air = Air(rate, effect.values()["level_db"])

    def adjust(self, effects: Sequence[Effect | PluginEffect]) -> None:
        """Take over another level."""
        effect = effects[self._index]
        assert isinstance(effect, Effect)
        self._air.level_db = effect.values()["level_db"]

    def reset(self) -> None:
        """Silence the tail."""
        self._air.reset()

    def process(self, block: Block) -> Block:
        """Return the block with its air."""
        return self._air.process(block)


class Plugin:
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
