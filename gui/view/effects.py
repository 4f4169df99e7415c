"""Words for effects and their parameters, and the positions of their sliders."""

from __future__ import annotations

import math

from gui.language import number, tr, tr_noop
from gui.view.units import decibels_text, percent_text
from rtvc.dsp.effects import Parameter, Rack

POSITIONS = 200

_RACKS = {
    "Radio": tr_noop("Radio"),
    "Telephone": tr_noop("Telephone"),
    "Megaphone": tr_noop("Megaphone"),
    "Robot": tr_noop("Robot"),
    "Cave": tr_noop("Cave"),
    "Hall": tr_noop("Hall"),
    "Church": tr_noop("Church"),
    "Giant": tr_noop("Giant"),
    "Air": tr_noop("Air"),
    "Underwater": tr_noop("Underwater"),
}
_KINDS = {
    "gain": tr_noop("Gain"),
    "highpass": tr_noop("High-pass filter"),
    "lowpass": tr_noop("Low-pass filter"),
    "peak": tr_noop("Peak filter"),
    "low_shelf": tr_noop("Low shelf"),
    "high_shelf": tr_noop("High shelf"),
    "compressor": tr_noop("Compressor"),
    "distortion": tr_noop("Distortion"),
    "bitcrush": tr_noop("Bit crusher"),
    "chorus": tr_noop("Chorus"),
    "phaser": tr_noop("Phaser"),
    "delay": tr_noop("Echo"),
    "reverb": tr_noop("Reverb"),
    "convolution": tr_noop("Convolution"),
    "air": tr_noop("Air above 8 kHz"),
}
_PARAMETERS = {
    "gain_db": tr_noop("Gain"),
    "cutoff_frequency_hz": tr_noop("Frequency"),
    "q": tr_noop("Quality"),
    "threshold_db": tr_noop("Threshold"),
    "ratio": tr_noop("Ratio"),
    "attack_ms": tr_noop("Attack"),
    "release_ms": tr_noop("Release"),
    "drive_db": tr_noop("Drive"),
    "bit_depth": tr_noop("Bits"),
    "rate_hz": tr_noop("Rate"),
    "depth": tr_noop("Depth"),
    "centre_delay_ms": tr_noop("Delay"),
    "centre_frequency_hz": tr_noop("Frequency"),
    "feedback": tr_noop("Feedback"),
    "mix": tr_noop("Mix"),
    "delay_seconds": tr_noop("Delay"),
    "room_size": tr_noop("Room size"),
    "damping": tr_noop("Damping"),
    "level_db": tr_noop("Level"),
    "wet_level": tr_noop("Reverb level"),
    "dry_level": tr_noop("Voice level"),
}


_ROOMS = {"Room": tr_noop("Room"), "Church": tr_noop("Church")}


def impulse_text(name: str) -> str:
    """Return what an impulse response is called."""
    return tr(_ROOMS[name]) if name in _ROOMS else name


def rack_text(rack: Rack) -> str:
    """Return what a rack is called."""
    if not rack.effects and not rack.name:
        return tr("None")
    return tr(_RACKS[rack.name]) if rack.name in _RACKS else rack.name or tr("My own")


def kind_text(kind: str) -> str:
    """Return what an effect is called."""
    return tr(_KINDS[kind])


def parameter_text(name: str) -> str:
    """Return what a parameter is called."""
    return tr(_PARAMETERS[name])


def value_text(name: str, value: float) -> str:
    """Return a parameter's value with its unit."""
    match name.rpartition("_")[2]:
        case "db":
            return decibels_text(value)
        case "hz":
            return tr("{number} Hz", number=number(value, 0 if value >= 10 else 1))
        case "ms":
            return tr("{number} ms", number=number(value, 0 if value >= 10 else 1))
        case "seconds":
            return tr("{number} ms", number=number(1000 * value))
    if name in ("q", "ratio", "bit_depth"):
        return number(value, 0 if name == "bit_depth" else 1)
    return percent_text(value)


def position(name: str, parameter: Parameter, value: float) -> int:
    """Return the slider's position, 0 … `POSITIONS`, of a parameter's value."""
    if _is_logarithmic(name):
        share = math.log(value / parameter.low) / math.log(parameter.high / parameter.low)
    else:
        share = (value - parameter.low) / (parameter.high - parameter.low)
    return round(POSITIONS * share)


def value_at(name: str, parameter: Parameter, at: int) -> float:
    """Return the value at a position of the slider, rounded to three digits."""
    share = at / POSITIONS
    if _is_logarithmic(name):
        value = parameter.low * (parameter.high / parameter.low) ** share
    else:
        value = parameter.low + share * (parameter.high - parameter.low)
    return min(max(float(f"{value:.3g}"), parameter.low), parameter.high)


def _is_logarithmic(name: str) -> bool:
    return name.endswith(("_hz", "_ms", "_seconds")) or name in ("q", "ratio")
