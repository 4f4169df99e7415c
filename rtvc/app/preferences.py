"""What the user chose last: settings, devices, and presets by name, in one JSON file.

It belongs to the thread of the panel or of the command line.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from rtvc.app.live import LatencyProfile
from rtvc.devices.portaudio import DeviceIdentity
from rtvc.dsp.effects import NO_EFFECTS, parse_rack
from rtvc.errors import RtvcError
from rtvc.names import shortened
from rtvc.settings import Settings
from rtvc.storage import atomic_write, make_folder
from rtvc.transport.choice import MapChoice
from rtvc.transport.formants import LARGEST_FORMANTS, SMALLEST_FORMANTS
from rtvc.transport.pitch import LARGEST_INTONATION, LARGEST_SEMITONES

FORMAT = 1

_MOMENTARY = {"bypass", "talking"}
"""Never stored: a bypass that was forgotten would send the user's own voice at the next start."""

_OPTIONAL: dict[str, type] = {"block_size": int, "gate_threshold_dbfs": float}
_DEVICES = ("microphone", "output", "monitor")
_LIMITS = {
    "pitch_semitones": (-LARGEST_SEMITONES, LARGEST_SEMITONES),
    "intonation": (0.0, LARGEST_INTONATION),
    "formants": (SMALLEST_FORMANTS, LARGEST_FORMANTS),
    "input_gain_db": (-60.0, 60.0),
    "output_gain_db": (-60.0, 60.0),
    "monitor_gain_db": (-60.0, 60.0),
    "gate_threshold_dbfs": (-120.0, 0.0),
    "ducking_db": (0.0, 60.0),
}
"""Values beyond these are moved to the limit: 10^(1e300 / 20) is no amplitude."""

_LARGEST_BYTES = 4_000_000
"""A preset takes about 500 bytes."""


@dataclass(frozen=True)
class Wiring:
    """The devices and the pack of the live engine.

    Attributes
    ----------
    microphone, output, monitor
        Devices. None is the default microphone, the virtual microphone, and no monitor.
    pack
        Name of the model pack.
    """

    microphone: DeviceIdentity | None = None
    output: DeviceIdentity | None = None
    monitor: DeviceIdentity | None = None
    pack: str = "mini"


@dataclass(frozen=True)
class Preset:
    """Settings under a name.

    Attributes
    ----------
    settings
        All of them, except `bypass` and `talking`.
    profile
        The latency profile that belongs to them; None leaves the present one.
    """

    settings: Settings = field(default_factory=Settings)
    profile: LatencyProfile | None = None


@dataclass(frozen=True)
class Preferences:
    """Everything that is stored.

    Attributes
    ----------
    settings, wiring
        The last ones.
    presets
        The user's own presets by name; the supplied ones are in `rtvc.app.presets`.
    panel
        The panel's own options, as JSON values.
    """

    settings: Settings = field(default_factory=Settings)
    wiring: Wiring = field(default_factory=Wiring)
    presets: Mapping[str, Preset] = field(default_factory=dict)
    panel: Mapping[str, Any] = field(default_factory=dict)


class PreferenceFile:
    """Preferences on disk.

    Parameters
    ----------
    path
        The file; by default in the user's configuration folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("rtvc", appauthor=False) / "preferences.json"
        self._unread = False

    def load(self) -> Preferences:
        """Return what was saved last, or the defaults if nothing was.

        Raises
        ------
        RtvcError
            If the file cannot be read, or is damaged or of another version. In the first case `save` leaves it alone
            until it can be read. In the last two cases it has been renamed, so that nothing in it is lost and the
            next call returns the defaults.
        """
        self._unread = False
        try:
            with self.path.open("rb") as file:
                text = file.read(_LARGEST_BYTES + 1)
        except FileNotFoundError:
            return Preferences()
        except OSError as error:
            self._unread = True
            raise RtvcError(
                f"{self.path} cannot be read ({error.strerror}), so the defaults are used and no change is saved. "
                "Repair or delete it, and start again."
            ) from None
        try:
            if len(text) > _LARGEST_BYTES:
                raise ValueError(f"larger than {_LARGEST_BYTES} bytes")
            return _preferences(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise RtvcError(self._put_aside(error)) from None

    def _put_aside(self, error: Exception) -> str:
        kept = self.path.with_name(f"{self.path.stem}.damaged-{secrets.token_hex(4)}.json")
        reason = f"{error} is missing" if isinstance(error, KeyError) else shortened(str(error))
        try:
            self.path.rename(kept)
        except OSError:
            return f"{self.path} is damaged ({reason}): delete it to use the defaults."
        return f"The preferences were damaged ({reason}). They are kept as {kept}; the defaults are used from now on."

    def save(self, preferences: Preferences) -> None:
        """Replace the file atomically, unless `load` could not read it; raise `RtvcError` if it cannot be written."""
        if self._unread:
            return
        wiring = preferences.wiring
        content = {
            "format": FORMAT,
            "settings": settings_to_json(preferences.settings),
            "wiring": {"pack": wiring.pack} | {name: getattr(wiring, name) for name in _DEVICES},
            "presets": {
                name: settings_to_json(preset.settings) | {"profile": preset.profile}
                for name, preset in preferences.presets.items()
            },
            "panel": dict(preferences.panel),
        }
        make_folder(self.path.parent)
        with atomic_write(self.path) as file:
            # A path that is not UTF-8 holds surrogates, which become JSON's own escapes here.
            file.write(json.dumps(content, indent=2, ensure_ascii=False).encode(errors="backslashreplace"))


def settings_to_json(settings: Settings) -> dict[str, Any]:
    """Return settings as one flat JSON object: the choice of map lies beside the others, as it did in format 1."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(Settings)}
    values |= asdict(values.pop("map")) | {"effects": settings.effects.to_json()}
    return {name: value for name, value in values.items() if name not in _MOMENTARY}


def _preferences(content: dict[str, Any]) -> Preferences:
    if content["format"] != FORMAT:
        raise ValueError(f"format version {content['format']!r}; this rtvc reads version {FORMAT}")
    wiring, panel = content["wiring"], content["panel"]
    if not isinstance(wiring["pack"], str) or not isinstance(panel, dict):
        raise ValueError("'wiring' or 'panel' is of the wrong type")
    return Preferences(
        settings_from_json(content["settings"]),
        Wiring(**{name: _device(wiring[name]) for name in _DEVICES}, pack=wiring["pack"]),
        {str(name): _preset(values) for name, values in content["presets"].items()},
        panel,
    )


def _preset(values: Any) -> Preset:  # noqa: ANN401
    settings = settings_from_json(values)
    profile = values.get("profile")
    return Preset(settings, None if profile is None else LatencyProfile(profile))


def _device(value: object) -> DeviceIdentity | None:
    match value:
        case None:
            return None
        case [str(host_api), str(name)]:
            return DeviceIdentity(host_api, name)
    raise ValueError(f"{value!r} is not a device")


def settings_from_json(values: Any) -> Settings:  # noqa: ANN401
    """Read settings: missing values are defaults, unknown ones are ignored, and numbers are moved into their range.

    Raises `ValueError`, `TypeError` or `RtvcError` if a value is of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{values!r} are not settings")
    choice = MapChoice(**_known(values, MapChoice))
    effects = parse_rack(values["effects"]) if "effects" in values else NO_EFFECTS
    return Settings(map=choice, effects=effects, **_known(values, Settings))


def _known(values: dict[str, Any], kind: type[Settings | MapChoice]) -> dict[str, Any]:
    known = {}
    for entry in fields(kind):
        if entry.name not in values or entry.name in {*_MOMENTARY, "map", "effects"}:
            continue
        value = values[entry.name]
        if not (value is None and entry.name in _OPTIONAL):
            wanted = _OPTIONAL.get(entry.name, type(entry.default))
            if issubclass(wanted, StrEnum):
                value = wanted(value)
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted or (isinstance(value, float) and not math.isfinite(value)):
                raise ValueError(f"{entry.name} cannot be {value!r}")
        if entry.name in _LIMITS and value is not None:
            low, high = _LIMITS[entry.name]
            value = min(max(value, low), high)
        known[entry.name] = value
    return known
