"""Presets: the supplied ones, and those that the user stored in the panel. Both front ends use them by name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from rtvc.app.live import LatencyProfile
from rtvc.app.preferences import Preferences, Preset
from rtvc.errors import RtvcError
from rtvc.names import check_name, did_you_mean
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import voice_names

CLEAR, CLOSE = 2, 64
"""K of MKL. From 2 to 64, `mini` gains 0.008 in similarity, and its transcript error rises from 0.28 to 0.32; the
similarity to the source falls by 0.018 (docs/benchmarks.md)."""


@dataclass(frozen=True)
class SuppliedPreset:
    """A preset that comes with the program and cannot be replaced or removed.

    Attributes
    ----------
    name, sentence
        What it is called, and in one line what it changes against the defaults.
    sound
        Settings of which it sets map, pitch, intonation, formants and gate; voice, gains, monitor and toggles stay.
    profile
        The latency profile.
    """

    name: str
    sentence: str
    sound: Settings
    profile: LatencyProfile = LatencyProfile.BALANCED


SUPPLIED = (
    SuppliedPreset("Natural", "The defaults: the voice's own pitch and intonation.", Settings()),
    SuppliedPreset(
        "Close",
        "A little more similar to the voice; words a little less clear.",
        Settings(map=MapChoice(block_size=CLOSE)),
    ),
    SuppliedPreset(
        "Clear", "Clearer words; a little less similar to the voice.", Settings(map=MapChoice(block_size=CLEAR))
    ),
    SuppliedPreset(
        "Low-end computer",
        "A third less work for the processor; at least 20 ms more delay.",
        Settings(),
        LatencyProfile.SAFE,
    ),
    SuppliedPreset(
        "Stream",
        "Livelier intonation; fewer gaps while gaming; more delay.",
        Settings(intonation=1.2),
        LatencyProfile.SAFE,
    ),
    SuppliedPreset(
        "Call",
        "Clearer words; a noise gate for keyboard and fan noise.",
        Settings(map=MapChoice(block_size=CLEAR), gate_threshold_dbfs=-45.0),
    ),
)


def preset_names(preferences: Preferences) -> list[str]:
    """Return the names of the supplied presets, then those of the user's own in alphabetical order."""
    return [*(preset.name for preset in SUPPLIED), *sorted(preferences.presets)]


def find_preset(preferences: Preferences, name: str, current: Settings) -> Preset:
    """Return the settings after choosing a preset; a supplied one keeps what it does not set as in `current`.

    Raises `RtvcError` that lists the presets.
    """
    if (supplied := _supplied(name)) is not None:
        sound = supplied.sound
        settings = replace(
            current,
            map=sound.map,
            pitch_semitones=sound.pitch_semitones,
            intonation=sound.intonation,
            formants=sound.formants,
            gate_threshold_dbfs=sound.gate_threshold_dbfs,
        )
        return Preset(settings, supplied.profile)
    try:
        return preferences.presets[name]
    except KeyError:
        known = preset_names(preferences)
        raise RtvcError(
            f"Unknown preset {name!r}. Available: {', '.join(known)}.{did_you_mean(name, known)}"
        ) from None


def apply_preset(
    preferences: Preferences, name: str, current: Settings, voices: Collection[str]
) -> tuple[Preset, str]:
    """Return the preset as it applies now, and a warning, which is empty if all is well.

    Bypass, mute and talking stay as they are now. The voice stays, too, if the preset's, or a part of its blend, is
    not among the names in `voices`.
    """
    found = find_preset(preferences, name, current)
    settings = replace(found.settings, bypass=current.bypass, mute=current.mute, talking=current.talking)
    if settings.voice and settings.voice != current.voice and not voice_names(settings.voice) <= set(voices):
        warning = (
            f"The voice {settings.voice} of the preset {name} no longer exists, so the voice is unchanged: choose "
            "another one and store the preset again."
        )
        return replace(found, settings=replace(settings, voice=current.voice)), warning
    return replace(found, settings=settings), ""


def new_preset_name(name: str) -> str:
    """Return the name under which a user may store a preset; raise `RtvcError` for a supplied preset's name."""
    if _supplied(name) is not None:
        raise RtvcError(f"{name} comes with rtvc and cannot be replaced: choose another name for your preset.")
    return check_name(name, "preset")


def without_toggles(settings: Settings) -> Settings:
    """Switch off everything that only the panel could switch off again: mute and push-to-talk."""
    return replace(settings, mute=False, push_to_talk=False)


def _supplied(name: str) -> SuppliedPreset | None:
    return next((preset for preset in SUPPLIED if preset.name.casefold() == name.strip().casefold()), None)
