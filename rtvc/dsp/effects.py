"""Effects on the converted voice: plug-ins of pedalboard in a row, as one stage without delay.

A `Rack` is a value that any thread may make. `Effects` belongs to the thread that processes blocks and takes another
rack between two blocks. Call `load_plugins` on another thread first: importing pedalboard takes 20 ms, a whole step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from rtvc.dsp.level import Ramp
from rtvc.dsp.stage import Block, Stage
from rtvc.errors import RtvcError

FADE_SECONDS = 0.03
"""Duration of the crossfade from one rack to another."""

MOST_EFFECTS = 16
LARGEST_BYTES = 100_000
LONGEST_RACK_NAME = 80


@dataclass(frozen=True)
class Parameter:
    """Range and default of a parameter, in the unit that its name ends with."""

    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Kind:
    """A kind of effect: the class of pedalboard that computes it, and its parameters by pedalboard's names."""

    plugin: str
    parameters: Mapping[str, Parameter]


_CUTOFF = Parameter(20.0, 7_000.0, 1_000.0)  # packs run at 16 kHz, and a filter at half of that is unstable
_GAIN = Parameter(-24.0, 24.0, 0.0)
_Q = Parameter(0.1, 10.0, 0.7)
_MIX = Parameter(0.0, 1.0, 0.5)
_FEEDBACK = Parameter(0.0, 0.9, 0.0)
_RATE = Parameter(0.05, 20.0, 1.0)
_DEPTH = Parameter(0.0, 1.0, 0.25)

KINDS: Mapping[str, Kind] = {
    "gain": Kind("Gain", {"gain_db": _GAIN}),
    "highpass": Kind("HighpassFilter", {"cutoff_frequency_hz": _CUTOFF}),
    "lowpass": Kind("LowpassFilter", {"cutoff_frequency_hz": _CUTOFF}),
    "peak": Kind("PeakFilter", {"cutoff_frequency_hz": _CUTOFF, "gain_db": _GAIN, "q": _Q}),
    "low_shelf": Kind("LowShelfFilter", {"cutoff_frequency_hz": _CUTOFF, "gain_db": _GAIN, "q": _Q}),
    "high_shelf": Kind("HighShelfFilter", {"cutoff_frequency_hz": _CUTOFF, "gain_db": _GAIN, "q": _Q}),
    "compressor": Kind(
        "Compressor",
        {
            "threshold_db": Parameter(-60.0, 0.0, -24.0),
            "ratio": Parameter(1.0, 20.0, 4.0),
            "attack_ms": Parameter(0.1, 100.0, 5.0),
            "release_ms": Parameter(5.0, 1_000.0, 100.0),
        },
    ),
    "distortion": Kind("Distortion", {"drive_db": Parameter(0.0, 50.0, 20.0)}),
    "bitcrush": Kind("Bitcrush", {"bit_depth": Parameter(2.0, 16.0, 8.0)}),
    "chorus": Kind(
        "Chorus",
        {
            "rate_hz": _RATE,
            "depth": _DEPTH,
            "centre_delay_ms": Parameter(1.0, 50.0, 7.0),
            "feedback": _FEEDBACK,
            "mix": _MIX,
        },
    ),
    "phaser": Kind(
        "Phaser",
        {
            "rate_hz": _RATE,
            "depth": _DEPTH,
            "centre_frequency_hz": Parameter(50.0, 6_000.0, 1_300.0),
            "feedback": _FEEDBACK,
            "mix": _MIX,
        },
    ),
    "delay": Kind("Delay", {"delay_seconds": Parameter(0.001, 2.0, 0.25), "feedback": _FEEDBACK, "mix": _MIX}),
    "reverb": Kind(
        "Reverb",
        {
            "room_size": Parameter(0.0, 1.0, 0.5),
            "damping": Parameter(0.0, 1.0, 0.5),
            "wet_level": Parameter(0.0, 1.0, 0.33),
            "dry_level": Parameter(0.0, 1.0, 0.4),
        },
    ),
}
"""The effects by name. None of them delays the sound; those of pedalboard that do are left out."""


@dataclass(frozen=True)
class Effect:
    """One effect of a rack.

    Attributes
    ----------
    kind
        A name in `KINDS`.
    parameters
        Name and value of each parameter that differs from its default, in the order of `KINDS`.
    active
        Whether it is heard.
    """

    kind: str
    parameters: tuple[tuple[str, float], ...] = ()
    active: bool = True

    def values(self) -> dict[str, float]:
        """Return all parameters by name."""
        defaults = {name: parameter.default for name, parameter in KINDS[self.kind].parameters.items()}
        return defaults | dict(self.parameters)

    def with_values(self, values: Mapping[str, float]) -> Effect:
        """Return the effect with other values of some parameters."""
        known, merged = KINDS[self.kind].parameters, {**self.values(), **values}
        changed = ((name, merged[name]) for name, parameter in known.items() if merged[name] != parameter.default)
        return replace(self, parameters=tuple(changed))


@dataclass(frozen=True)
class Rack:
    """Effects in the order in which the sound passes through them.

    Attributes
    ----------
    name
        What to call it.
    effects
        The effects; none for the plain voice.
    amount
        Share of the result, 0 … 1; the rest is the voice without effects.
    """

    name: str = ""
    effects: tuple[Effect, ...] = ()
    amount: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the rack as a JSON object, with every parameter, for a file that a person can edit."""
        effects = [
            {"effect": effect.kind, **effect.values()} | ({} if effect.active else {"active": False})
            for effect in self.effects
        ]
        return {"name": self.name, "amount": self.amount, "effects": effects}


NO_EFFECTS = Rack()


def read_rack(content: bytes, where: str) -> Rack:
    """Return the rack of a JSON file; raise `RtvcError`, which names `where`, if it is not one."""
    try:
        if len(content) > LARGEST_BYTES:
            raise ValueError(f"it is larger than {LARGEST_BYTES} bytes")
        return parse_rack(json.loads(content))
    except (ValueError, RecursionError) as error:
        reason = "it is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        raise RtvcError(f"{where} holds no effects: {reason}. `rtvc effects show Radio` prints an example.") from None


def parse_rack(value: object) -> Rack:
    """Return the rack of a JSON object; raise `ValueError` that says what is wrong with it."""
    match value:
        case {"effects": [*entries], **rest} if len(entries) <= MOST_EFFECTS:
            name, amount = rest.pop("name", ""), rest.pop("amount", 1.0)
        case _:
            raise ValueError(f'it needs "effects", a list of at most {MOST_EFFECTS}')
    if rest:
        raise ValueError(f"{next(iter(rest))!r} is unknown")
    if not isinstance(name, str) or len(name) > LONGEST_RACK_NAME:
        raise ValueError("its name is not a short text")
    return Rack(name, tuple(_effect(entry) for entry in entries), _number("amount", amount, Parameter(0.0, 1.0, 1.0)))


def _effect(value: object) -> Effect:
    match value:
        case {"effect": str(kind), **rest} if kind in KINDS:
            known, active = KINDS[kind].parameters, rest.pop("active", True)
        case {"effect": str(kind)}:
            raise ValueError(f"there is no effect {kind[:40]!r}; there are: {', '.join(KINDS)}")
        case _:
            raise ValueError('each effect needs its name: {"effect": "reverb"}')
    if not isinstance(active, bool):
        raise ValueError(f'"active" of {kind} is true or false')
    for name in rest:
        if name not in known:
            raise ValueError(f"{kind} has no parameter {str(name)[:40]!r}; it has: {', '.join(known)}")
    values = {name: _number(name, rest[name], one) for name, one in known.items() if name in rest}
    return Effect(kind, active=active).with_values(values)


def _number(name: str, value: object, range_: Parameter) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number")
    if not range_.low <= value <= range_.high:
        raise ValueError(f"{name} must be from {range_.low:g} to {range_.high:g}, not {value:g}")
    return float(value)


@cache
def load_plugins() -> ModuleType:
    """Return pedalboard; raise `RtvcError` if it is not installed."""
    try:
        import pedalboard
    except ImportError:
        raise RtvcError("Effects need the package pedalboard: install rtvc with the extra `effects`.") from None
    module: ModuleType = pedalboard
    return module


class Effects(Stage):
    """Passes audio `[n]` through a rack. Another rack fades in; other values of the same effects apply at once.

    Attributes
    ----------
    rack
        The rack; set it between blocks. A rack with effects needs pedalboard, see `load_plugins`.
    """

    def __init__(self, rate: int, rack: Rack = NO_EFFECTS) -> None:
        super().__init__(rate)
        self.rack = rack
        self._now = _Board(rate, rack)
        self._before: _Board | None = None
        self._share = Ramp(rate, 1.0, FADE_SECONDS)

    def reset(self) -> None:
        """Silence all tails and end any crossfade."""
        self._now, self._before = _Board(self.rate, self.rack), None

    def _process(self, block: Block) -> Block:
        if self._before is None and self.rack != self._now.rack and not self._now.adjust(self.rack):
            self._now, self._before = _Board(self.rate, self.rack), self._now
            self._share = Ramp(self.rate, 0.0, FADE_SECONDS)
            self._share.target = 1.0
        result = self._now.process(block)
        if self._before is not None:
            before = self._before.process(block)
            share = self._share.next(len(block))
            result = before + share * (result - before)
            if np.ndim(share) == 0:
                self._before = None
        return result


class _Board:
    """The plug-ins of one rack, with their state."""

    def __init__(self, rate: int, rack: Rack) -> None:
        self.rack = rack
        self._rate = rate
        self._amount = Ramp(rate, rack.amount)
        self._shape = _shape(rack)
        self._plugins = [
            getattr(load_plugins(), KINDS[effect.kind].plugin)(**effect.values())
            for effect in rack.effects
            if effect.active
        ]
        self._board = load_plugins().Pedalboard(self._plugins) if self._plugins else None

    def adjust(self, rack: Rack) -> bool:
        """Take over the values of a rack of the same effects; return False if its effects differ."""
        if _shape(rack) != self._shape:
            return False
        self.rack, self._amount.target = rack, rack.amount
        for plugin, effect in zip(self._plugins, (one for one in rack.effects if one.active), strict=True):
            for name, value in effect.values().items():
                if getattr(plugin, name) != value:
                    setattr(plugin, name, value)
        return True

    def process(self, block: Block) -> Block:
        if self._board is None:
            return block
        changed: Block = self._board.process(block, self._rate, reset=False)
        return block + self._amount.next(len(block)) * (changed - block)


def _shape(rack: Rack) -> tuple[str, ...]:
    return tuple(effect.kind for effect in rack.effects if effect.active)
