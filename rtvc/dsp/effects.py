"""Racks of effects on the converted voice: what they are made of, as values that any thread may make, and as JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rtvc.dsp.plugins import PluginEffect
from rtvc.errors import RtvcError

MOST_EFFECTS = 16
LARGEST_BYTES = 2_000_000
"""Of a rack's file: plug-ins may have a megabyte of state."""

MOST_PARAMETERS = 1_000
LONGEST_RACK_NAME = 80
LONGEST_IMPULSE_NAME = 255


@dataclass(frozen=True)
class Parameter:
    """Range and default of a parameter, in the unit that its name ends with."""

    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Kind:
    """A kind of effect: the class of pedalboard that computes it, empty if rtvc does, and its parameters by name."""

    plugin: str
    parameters: Mapping[str, Parameter]


_CUTOFF = Parameter(20.0, 20_000.0, 1_000.0)
_GAIN = Parameter(-24.0, 24.0, 0.0)
_Q = Parameter(0.1, 10.0, 0.7)
_MIX = Parameter(0.0, 1.0, 0.5)
_FEEDBACK = Parameter(0.0, 0.9, 0.0)
_RATE = Parameter(0.05, 20.0, 1.0)
_DEPTH = Parameter(0.0, 1.0, 0.25)

CONVOLUTION = "convolution"
AIR = "air"
OWN = (CONVOLUTION, AIR)
"""The effects that are not, or not only, an effect of pedalboard."""


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
    CONVOLUTION: Kind("Convolution", {"mix": _MIX}),
    AIR: Kind("", {"level_db": Parameter(-24.0, 6.0, -6.0)}),
}
"""The effects by name. None of them delays the sound.

pedalboard's pitch shift is left out: it delays the sound by 1.06 to 1.08 s, by how much depends on the shift.
"""


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
    impulse
        Name of the impulse response of a convolution, see `rtvc.dsp.impulse_responses`; else empty.
    """

    kind: str
    parameters: tuple[tuple[str, float], ...] = ()
    active: bool = True
    impulse: str = ""

    def values(self) -> dict[str, float]:
        """Return all parameters by name."""
        defaults = {name: parameter.default for name, parameter in KINDS[self.kind].parameters.items()}
        return defaults | dict(self.parameters)

    def with_values(self, values: Mapping[str, float]) -> Effect:
        """Return the effect with other values of some parameters."""
        known, merged = KINDS[self.kind].parameters, {**self.values(), **values}
        changed = ((name, merged[name]) for name, parameter in known.items() if merged[name] != parameter.default)
        return replace(self, parameters=tuple(changed))


def new_effect(kind: str) -> Effect:
    """Return an effect of this kind with the values it starts with."""
    return Effect(kind, impulse="Room" if kind == CONVOLUTION else "")


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
    effects: tuple[Effect | PluginEffect, ...] = ()
    amount: float = 1.0

    @property
    def plugins(self) -> list[PluginEffect]:
        """The plug-ins of the user's that are heard."""
        return [effect for effect in self.effects if isinstance(effect, PluginEffect) and effect.active]

    @property
    def impulses(self) -> list[str]:
        """The names of the impulse responses that are heard."""
        used = (effect for effect in self.effects if isinstance(effect, Effect) and effect.active)
        return [effect.impulse for effect in used if effect.impulse]

    @property
    def takes_long(self) -> bool:
        """Whether its board takes longer to make than a step: plug-ins, impulse responses and filters are loaded."""
        return any(effect.active and (effect.kind not in KINDS or effect.kind in OWN) for effect in self.effects)

    def to_json(self) -> dict[str, Any]:
        """Return the rack as a JSON object, with every parameter, for a file that a person can edit."""
        return {"name": self.name, "amount": self.amount, "effects": [_to_json(effect) for effect in self.effects]}


NO_EFFECTS = Rack()


def _to_json(effect: Effect | PluginEffect) -> dict[str, Any]:
    if isinstance(effect, PluginEffect):
        entry: dict[str, Any] = {"plugin": effect.plugin, "parameters": dict(effect.parameters)}
        entry |= {"state": effect.state} if effect.state else {}
    else:
        entry = {"effect": effect.kind, **({"impulse": effect.impulse} if effect.impulse else {}), **effect.values()}
    return entry | ({} if effect.active else {"active": False})


def read_rack(content: bytes, where: str) -> Rack:
    """Return the rack of a JSON file; raise `RtvcError`, which names `where`, if it is not one."""
    try:
        if len(content) > LARGEST_BYTES:
            raise ValueError(f"it is larger than {LARGEST_BYTES} bytes")
        return parse_rack(json.loads(content))
    except (ValueError, OverflowError, RecursionError) as error:
        reason = "it is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        raise RtvcError(
            f"{where} contains no effects: {reason}. `rtvc effects show Radio` prints an example."
        ) from None


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


def _effect(value: object) -> Effect | PluginEffect:
    match value:
        case {"plugin": str(plugin), **own}:
            return _plugin(plugin, {str(key): one for key, one in own.items()})
        case {"effect": str(kind), **rest} if kind in KINDS:
            known, active = KINDS[kind].parameters, rest.pop("active", True)
        case {"effect": str(kind)}:
            raise ValueError(f"unknown effect {kind[:40]!r} (available: {', '.join(KINDS)})")
        case _:
            raise ValueError('each effect needs its name: {"effect": "reverb"}')
    if not isinstance(active, bool):
        raise ValueError(f'"active" of {kind} is true or false')
    impulse = rest.pop("impulse", "Room") if kind == CONVOLUTION else ""
    if not isinstance(impulse, str) or len(impulse) > LONGEST_IMPULSE_NAME or (kind == CONVOLUTION and not impulse):
        raise ValueError('"impulse" of convolution is the name of an impulse response')
    for name in rest:
        if name not in known:
            raise ValueError(f"{kind} has no parameter {str(name)[:40]!r}; it has: {', '.join(known)}")
    values = {name: _number(name, rest[name], one) for name, one in known.items() if name in rest}
    return Effect(kind, active=active, impulse=impulse).with_values(values)


def _plugin(name: str, rest: dict[str, Any]) -> PluginEffect:
    parameters, state, active = rest.pop("parameters", {}), rest.pop("state", ""), rest.pop("active", True)
    if rest:
        raise ValueError(f"a plug-in has no {next(iter(rest))!r}; it has: parameters, state, active")
    if not isinstance(active, bool) or not isinstance(parameters, dict) or not isinstance(state, str):
        raise ValueError(f'"parameters", "state" or "active" of the plug-in {name[:40]} is of the wrong type')
    if len(parameters) > MOST_PARAMETERS or not _is_base64(state):
        raise ValueError(f"the state of the plug-in {name[:40]} is damaged")
    unit = Parameter(0.0, 1.0, 0.0)
    values = {str(key): _number(str(key)[:40], value, unit) for key, value in parameters.items()}
    return PluginEffect(name, tuple(values.items()), state, active)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _number(name: str, value: object, range_: Parameter) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number")
    if not range_.low <= value <= range_.high:
        raise ValueError(f"{name} must be from {range_.low:g} to {range_.high:g}, not {value:g}")
    return float(value)
