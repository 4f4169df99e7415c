"""Presets: settings stored by name in the panel and used by the panel and the command line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from rtvc.app.preferences import Preferences
from rtvc.errors import RtvcError
from rtvc.names import did_you_mean
from rtvc.settings import Settings


def find_preset(preferences: Preferences, name: str) -> Settings:
    """Return the settings of a preset; raise `RtvcError` that lists the presets there are."""
    try:
        return preferences.presets[name]
    except KeyError:
        known = ", ".join(sorted(preferences.presets)) or "none yet"
        raise RtvcError(
            f"There is no preset {name!r}; there are: {known}.{did_you_mean(name, preferences.presets)}"
        ) from None


def apply_preset(
    preferences: Preferences, name: str, current: Settings, voices: Collection[str]
) -> tuple[Settings, str]:
    """Return the settings after applying a preset, and a warning, which is empty if all is well.

    Mute and talking stay as they are now. The voice stays, too, if the preset's is not among the names in `voices`.
    """
    preset = replace(find_preset(preferences, name), mute=current.mute, talking=current.talking)
    if preset.voice and preset.voice not in voices:
        warning = (
            f"The voice {preset.voice} of the preset {name} no longer exists, so the voice is unchanged: choose "
            "another one and store the preset again."
        )
        return replace(preset, voice=current.voice), warning
    return preset, ""


def without_toggles(settings: Settings) -> Settings:
    """Switch off everything that only the panel could switch off again: bypass, mute and push-to-talk."""
    return replace(settings, bypass=False, mute=False, push_to_talk=False, talking=False)
