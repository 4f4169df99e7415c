"""What the panel remembers beside settings and wiring, as it lies in `Preferences.panel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from gui.theme import Appearance


class LatencyProfile(StrEnum):
    """How much delay to give for calm: the frames of a step, and the sound that devices keep in hand."""

    LOWEST = "lowest"
    BALANCED = "balanced"
    QUALITY = "quality"

    def step(self, usual: int) -> int:
        """Return the frames of a step, given the pack's usual number."""
        return {LatencyProfile.LOWEST: 1, LatencyProfile.BALANCED: usual, LatencyProfile.QUALITY: 2 * usual}[self]

    @property
    def buffer_seconds(self) -> float:
        """What to ask devices to keep in hand."""
        return {LatencyProfile.LOWEST: 0.01, LatencyProfile.BALANCED: 0.02, LatencyProfile.QUALITY: 0.04}[self]


class Provider(StrEnum):
    """Where the models run."""

    AUTOMATIC = "auto"
    PROCESSOR = "cpu"
    GRAPHICS = "cuda"


@dataclass(frozen=True)
class Options:
    """The panel's own choices.

    Attributes
    ----------
    appearance
        Light, dark, or as the system.
    profile, threads, provider
        How the engine is built.
    close_to_tray
        Whether closing the window leaves the panel in the tray.
    global_hotkeys
        Whether hotkeys are heard while other windows have the focus.
    window_keys, global_keys
        The keys that the user gave to hotkeys in place of the usual ones, in Qt's portable words; empty for none.
    spectrogram
        Whether the spectrogram is open.
    welcomed
        Whether the first start is over.
    """

    appearance: Appearance = Appearance.SYSTEM
    profile: LatencyProfile = LatencyProfile.BALANCED
    threads: int = 1
    provider: Provider = Provider.AUTOMATIC
    close_to_tray: bool = False
    global_hotkeys: bool = False
    window_keys: Mapping[str, str] = field(default_factory=dict)
    global_keys: Mapping[str, str] = field(default_factory=dict)
    spectrogram: bool = False
    welcomed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what lies in `Preferences.panel`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Options:
        """Read options; what is missing or makes no sense stays at its default."""
        known: dict[str, Any] = {}
        usual = cls()
        for entry in fields(cls):
            kind: Any = type(getattr(usual, entry.name))
            try:
                value = kind(values[entry.name])
            except (KeyError, ValueError, TypeError):
                continue
            if kind is int and not 1 <= value <= MOST_THREADS:
                continue
            if kind is dict and not all(isinstance(text, str) for pair in value.items() for text in pair):
                continue
            known[entry.name] = value
        return cls(**known)


MOST_THREADS = 16
