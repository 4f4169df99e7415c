"""What the user chose, from one day to the next: settings, devices, and presets by name, in one JSON file.

Belongs to the thread of the panel or the command line.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from rtvc.devices.portaudio import DeviceIdentity
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.storage import atomic_write, make_folder
from rtvc.transport.choice import MapChoice

FORMAT = 1

_MOMENTARY = {"talking"}
_OPTIONAL: dict[str, type] = {"block_size": int, "gate_threshold_dbfs": float}
_DEVICES = ("microphone", "output", "monitor")


@dataclass(frozen=True)
class Wiring:
    """What a live engine is built of; to change it, the engine is built anew.

    Attributes
    ----------
    microphone, output, monitor
        Devices. None is the default microphone; the virtual microphone to play into; and no monitor.
    pack
        Name of the model pack.
    """

    microphone: DeviceIdentity | None = None
    output: DeviceIdentity | None = None
    monitor: DeviceIdentity | None = None
    pack: str = "mini"


@dataclass(frozen=True)
class Preferences:
    """Everything that is remembered.

    Attributes
    ----------
    settings, wiring
        As they were last.
    presets
        Settings by the names that the user gave them.
    panel
        What the panel alone cares for: any JSON values.
    """

    settings: Settings = field(default_factory=Settings)
    wiring: Wiring = field(default_factory=Wiring)
    presets: Mapping[str, Settings] = field(default_factory=dict)
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

    def load(self) -> Preferences:
        """Return what was saved last, or the defaults where nothing was.

        Raises
        ------
        RtvcError
            If the file is damaged or of another version. It has then been put aside, so that nothing in it is lost
            and the next call returns the defaults; or it cannot be read at all.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return Preferences()
        except OSError as error:
            raise RtvcError(f"{self.path} cannot be read ({error.strerror}).") from None
        try:
            return _preferences(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            kept = self.path.with_name(f"{self.path.stem}.damaged-{secrets.token_hex(4)}.json")
            self.path.rename(kept)
            raise RtvcError(
                f"The preferences were damaged ({error}): they are kept as {kept}, and the defaults are used instead."
            ) from None

    def save(self, preferences: Preferences) -> None:
        """Replace the file at once and whole; raise `RtvcError` if it cannot be written."""
        wiring = preferences.wiring
        content = {
            "format": FORMAT,
            "settings": _values(preferences.settings),
            "wiring": {"pack": wiring.pack} | {name: getattr(wiring, name) for name in _DEVICES},
            "presets": {name: _values(settings) for name, settings in preferences.presets.items()},
            "panel": dict(preferences.panel),
        }
        make_folder(self.path.parent)
        with atomic_write(self.path) as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False).encode())


def _values(settings: Settings) -> dict[str, Any]:
    """Return the settings as one flat object: the choice of map lies beside the others, as it did in format 1."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(Settings)}
    values |= asdict(values.pop("map"))
    return {name: value for name, value in values.items() if name not in _MOMENTARY}


def _preferences(content: dict[str, Any]) -> Preferences:
    if content["format"] != FORMAT:
        raise ValueError(f"format version {content['format']}, and this program reads version {FORMAT}")
    wiring, panel = content["wiring"], content["panel"]
    if not isinstance(wiring["pack"], str) or not isinstance(panel, dict):
        raise ValueError("'wiring' or 'panel' is not what it should be")
    return Preferences(
        _settings(content["settings"]),
        Wiring(**{name: _device(wiring[name]) for name in _DEVICES}, pack=wiring["pack"]),
        {str(name): _settings(values) for name, values in content["presets"].items()},
        panel,
    )


def _device(value: object) -> DeviceIdentity | None:
    match value:
        case None:
            return None
        case [str(host_api), str(name)]:
            return DeviceIdentity(host_api, name)
    raise ValueError(f"{value!r} is no device")


def _settings(values: Any) -> Settings:  # noqa: ANN401
    """Read settings; what is not there stays at its default, what is not known is left out."""
    if not isinstance(values, dict):
        raise ValueError(f"{values!r} are no settings")
    choice = MapChoice(**_known(values, MapChoice))
    return Settings(map=choice, **_known(values, Settings))


def _known(values: dict[str, Any], kind: type[Settings | MapChoice]) -> dict[str, Any]:
    known = {}
    for entry in fields(kind):
        if entry.name not in values or entry.name in {*_MOMENTARY, "map"}:
            continue
        value = values[entry.name]
        if not (value is None and entry.name in _OPTIONAL):
            wanted = _OPTIONAL.get(entry.name, type(entry.default))
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted or (isinstance(value, float) and not math.isfinite(value)):
                raise ValueError(f"{entry.name} cannot be {value!r}")
        known[entry.name] = value
    return known
