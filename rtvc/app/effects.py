"""The racks of effects that come with the program, and those in files.

Everything runs on the calling thread, never on the worker: reading a rack imports pedalboard.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rtvc.audio_file import AudioFile, audio_writer
from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.effects import LARGEST_BYTES, LONGEST_RACK_NAME, Rack, parse_rack, read_rack
from rtvc.dsp.impulse_responses import LONGEST_SECONDS, find_impulse, impulse_folder
from rtvc.dsp.plugin_host import PluginHost
from rtvc.dsp.plugins import PluginEffect, PluginReport, find_plugin
from rtvc.errors import RtvcError
from rtvc.names import check_name, did_you_mean
from rtvc.storage import atomic_write, make_folder

RACKS: dict[str, Rack] = {
    rack.name: rack
    for rack in map(
        parse_rack,
        (
            {
                "name": "Radio",
                "effects": [
                    {"effect": "highpass", "cutoff_frequency_hz": 150},
                    {"effect": "peak", "cutoff_frequency_hz": 2_500, "gain_db": 4},
                    {"effect": "compressor", "threshold_db": -30, "ratio": 6, "attack_ms": 3, "release_ms": 80},
                    {"effect": "gain", "gain_db": 13},
                    {"effect": "reverb", "room_size": 0.08, "damping": 0.9, "wet_level": 0.06, "dry_level": 0.45},
                ],
            },
            {
                "name": "Telephone",
                "effects": [
                    # Two filters each way: the telephone band, 300 to 3,400 Hz, at 12 dB per octave.
                    *2 * [{"effect": "highpass", "cutoff_frequency_hz": 300}],
                    *2 * [{"effect": "lowpass", "cutoff_frequency_hz": 3_400}],
                    {"effect": "compressor", "threshold_db": -28, "ratio": 5},
                    {"effect": "distortion", "drive_db": 8},
                    {"effect": "gain", "gain_db": 4},
                ],
            },
            {
                "name": "Megaphone",
                "effects": [
                    *2 * [{"effect": "highpass", "cutoff_frequency_hz": 500}],
                    *2 * [{"effect": "lowpass", "cutoff_frequency_hz": 4_000}],
                    {"effect": "peak", "cutoff_frequency_hz": 1_800, "gain_db": 8, "q": 1.2},
                    {"effect": "distortion", "drive_db": 22},
                    {"effect": "gain", "gain_db": -14},
                    {"effect": "delay", "delay_seconds": 0.11, "feedback": 0.15, "mix": 0.15},
                ],
            },
            {
                "name": "Robot",
                "effects": [
                    # A comb of 8 ms gives every sound the same metallic 125 Hz.
                    {"effect": "delay", "delay_seconds": 0.008, "feedback": 0.75, "mix": 0.5},
                    {"effect": "bitcrush", "bit_depth": 7},
                    {"effect": "chorus", "rate_hz": 0.3, "depth": 0.1, "centre_delay_ms": 4, "mix": 0.4},
                    {"effect": "highpass", "cutoff_frequency_hz": 120},
                    {"effect": "gain", "gain_db": 4},
                ],
            },
            {
                "name": "Cave",
                "effects": [
                    {"effect": "delay", "delay_seconds": 0.19, "feedback": 0.35, "mix": 0.25},
                    {"effect": "reverb", "room_size": 0.95, "damping": 0.3, "wet_level": 0.49, "dry_level": 0.42},
                ],
            },
            {
                "name": "Hall",
                "effects": [
                    {"effect": "reverb", "room_size": 0.7, "damping": 0.5, "wet_level": 0.3, "dry_level": 0.48}
                ],
            },
            {
                "name": "Church",
                "effects": [
                    {"effect": "convolution", "impulse": "Church", "mix": 0.4},
                    {"effect": "gain", "gain_db": 2.2},
                ],
            },
            {
                "name": "Giant",
                "effects": [
                    {"effect": "low_shelf", "cutoff_frequency_hz": 220, "gain_db": 8},
                    {"effect": "high_shelf", "cutoff_frequency_hz": 2_500, "gain_db": -6},
                    {"effect": "chorus", "rate_hz": 0.4, "depth": 0.15, "centre_delay_ms": 20, "mix": 0.4},
                    {"effect": "reverb", "room_size": 0.6, "damping": 0.7, "wet_level": 0.31, "dry_level": 0.66},
                ],
            },
            {"name": "Air", "effects": [{"effect": "air"}]},
            {
                "name": "Underwater",
                "effects": [
                    *2 * [{"effect": "lowpass", "cutoff_frequency_hz": 700}],
                    {"effect": "phaser", "rate_hz": 0.5, "depth": 0.7, "centre_frequency_hz": 500, "mix": 0.5},
                    {"effect": "gain", "gain_db": 11.3},
                ],
            },
        ),
    )
}
"""Racks by name, in the order in which they are shown. At -22 LUFS each is within 1 dB as loud as the plain voice."""


def find_effects(name: str) -> Rack:
    """Return a supplied rack by its name, or the rack of a `.json` file by its path.

    Raises
    ------
    RtvcError
        If there is no such rack, the file holds none, or pedalboard, a plug-in or an impulse response is missing.
    """
    by_folded = {known.casefold(): rack for known, rack in RACKS.items()}
    rack = by_folded.get(name.casefold()) or _from_file(name)
    load_pedalboard()
    for effect in rack.plugins:
        find_plugin(effect.plugin)
    for impulse in rack.impulses:
        find_impulse(impulse)
    return rack


def add_impulse(recording: Path) -> str:
    """Copy the recording of an impulse response to where effects find it; return its name.

    Raises `RtvcError` if it cannot be read or lasts longer than 10 s, its name cannot be a file's, or there is one of
    this name.
    """
    source, name = AudioFile(recording), check_name(recording.stem, "impulse response") + ".wav"
    if source.duration > LONGEST_SECONDS:
        raise RtvcError(f"{recording} lasts longer than {LONGEST_SECONDS:.0f} s: shorten the impulse response.")
    sound = source.read()
    if not sound.any():
        raise RtvcError(f"{recording} contains no impulse response: it is silent or damaged.")
    make_folder(impulse_folder())
    with audio_writer(impulse_folder() / name, source.rate, subtype="FLOAT") as writer:
        writer.write(sound)
    return name


def try_plugin(effect: PluginEffect) -> PluginReport:
    """Load a plug-in in a process of its own, send an impulse through, and end it; takes seconds.

    Raises `RtvcError` if there is no such plug-in, or it cannot be used.
    """
    load_pedalboard()
    host = PluginHost(effect)
    host.close()
    return host.report


def show_plugin_window(effect: PluginEffect, changed: Callable[[PluginEffect | None], None]) -> None:
    """Show the window of a plug-in, in a process of its own, until it is closed.

    `changed` is called as by `PluginHost.show_window`. Raises `RtvcError` as `try_plugin` does, and if the plug-in
    has no window.
    """
    host = PluginHost(effect)
    try:
        host.show_window(changed)
    finally:
        host.close()


def save_effects(rack: Rack, path: Path) -> Rack:
    """Write a rack to a `.json` file and return it named after the file; raise `RtvcError` if that fails."""
    named = replace(rack, name=path.stem[:LONGEST_RACK_NAME])
    with atomic_write(path) as file:
        file.write(json.dumps(named.to_json(), indent=2).encode())
    return named


def _from_file(name: str) -> Rack:
    if not name.lower().endswith(".json"):
        raise RtvcError(
            f"Unknown effects {name!r}. Available: {', '.join(RACKS)}, and .json files.{did_you_mean(name, RACKS)}"
        )
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RtvcError(f"{name} cannot be read ({error.strerror}).") from None
    return read_rack(content, name)
