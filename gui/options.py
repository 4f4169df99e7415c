"""The panel's own options, stored in `Preferences.panel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from gui.theme import Appearance
from rtvc.app.live import LatencyProfile, RemoteServer


class Provider(StrEnum):
    """Where the models run."""

    AUTOMATIC = "auto"
    PROCESSOR = "cpu"
    GRAPHICS = "cuda"


class VoiceOrder(StrEnum):
    """How the gallery is sorted, after the favourites."""

    NAME = "name"
    REGISTER = "register"
    OWN_FIRST = "own first"


@dataclass(frozen=True)
class Options:
    """The panel's own choices.

    Attributes
    ----------
    appearance
        Light, dark, or as the system.
    language
        Code of the panel's language; empty for the system's.
    profile, threads, provider
        How the engine is built: delay against safety, threads per graph (0 for as many as the pack says), and where
        the models run (automatic: where the pack says).
    close_to_tray
        Whether closing the window leaves the panel running in the tray.
    start_minimised
        Whether the window starts minimised, or in the tray if closing leaves the panel there.
    clips, clip_gain_db
        Folder of the soundboard's clips, empty for none, and their gain in dB.
    recordings
        Folder for recordings; empty for the default one.
    global_hotkeys
        Whether hotkeys work while other windows have the focus.
    window_keys, global_keys
        Keys that replace a hotkey's defaults, in Qt's portable text; an empty string for no key.
    spectrogram, meter_details, sound_details
        Whether the spectrogram and the details of meters and sound are open.
    favourites
        Names of the voices that the user marked.
    voice_slots
        Voice names by the number of the hotkey that chooses them.
    voice_order
        How the gallery is sorted.
    server, server_token, server_bypass
        Address of a server that computes (empty for this computer), its token file, and whether the own voice goes
        out while it is lost.
    guide_step
        Index of the step at which the setup guide was left.
    welcomed
        Whether the user has finished or skipped the first run.
    """

    appearance: Appearance = Appearance.SYSTEM
    language: str = ""
    profile: LatencyProfile = LatencyProfile.BALANCED
    threads: int = 0
    provider: Provider = Provider.AUTOMATIC
    close_to_tray: bool = False
    start_minimised: bool = False
    clips: str = ""
    clip_gain_db: int = 0
    recordings: str = ""
    global_hotkeys: bool = False
    window_keys: Mapping[str, str] = field(default_factory=dict)
    global_keys: Mapping[str, str] = field(default_factory=dict)
    spectrogram: bool = False
    meter_details: bool = False
    sound_details: bool = False
    favourites: tuple[str, ...] = ()
    voice_slots: Mapping[str, str] = field(default_factory=dict)
    voice_order: VoiceOrder = VoiceOrder.OWN_FIRST
    server: str = ""
    server_token: str = ""
    server_bypass: bool = False
    guide_step: int = 0
    welcomed: bool = False

    @property
    def remote_server(self) -> RemoteServer | None:
        """The server that computes; None for this computer."""
        token = Path(self.server_token) if self.server_token else None
        return RemoteServer(self.server, token, self.server_bypass) if self.server else None

    def to_json(self) -> dict[str, Any]:
        """Return the value stored in `Preferences.panel`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Options:
        """Read options; missing and invalid ones keep their defaults."""
        known: dict[str, Any] = {}
        defaults = cls()
        for entry in fields(cls):
            kind: Any = type(getattr(defaults, entry.name))
            try:
                value = kind(values[entry.name])
            except (KeyError, ValueError, TypeError, OverflowError):
                continue
            if entry.name == "threads" and not 0 <= value <= MOST_THREADS:
                continue
            if entry.name == "clip_gain_db" and not -MOST_CLIP_GAIN_DB <= value <= MOST_CLIP_GAIN_DB:
                continue
            if kind is tuple and not all(isinstance(name, str) for name in value):
                continue
            if kind is dict and not all(isinstance(text, str) for pair in value.items() for text in pair):
                continue
            if entry.name == "voice_slots" and not all(number.isdecimal() for number in value):
                continue
            known[entry.name] = value
        return cls(**known)


MOST_THREADS = 16
MOST_CLIP_GAIN_DB = 24
