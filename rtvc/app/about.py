"""What rtvc is made of and where it keeps things, for an About page and for bug reports.

Nothing private: no names of devices, files, voices or people.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path

from rtvc.app.crash_report import latest_report, reports_folder, system
from rtvc.devices import portaudio
from rtvc.errors import RtvcError
from rtvc.packs.pack import installed_packs
from rtvc.packs.runtime import cuda_works
from rtvc.voices.library import shipped_voices

COMPONENTS = (
    "rtvc",
    "PyQt6",
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "scipy",
    "soundfile",
    "samplerate",
    "sounddevice",
)


@dataclass(frozen=True)
class Component:
    """An installed package with its version and licence."""

    name: str
    version: str
    licence: str


def component(name: str) -> Component:
    """Return an installed package; raise `PackageNotFoundError` if there is none of that name."""
    described = metadata(name)
    licences = (described[field] for field in ("License-Expression", "License") if field in described)
    licence = next(licences, "see its documentation")
    return Component(name, described["Version"], licence.partition("\n")[0][:60])


def components() -> list[Component]:
    """Return rtvc and the packages that carry it, as far as they are installed."""
    found = []
    for name in COMPONENTS:
        with suppress(PackageNotFoundError):
            found.append(component(name))
    return found


def places() -> list[tuple[str, Path]]:
    """Return the folders that rtvc writes to, each with what lies there."""
    data = user_data_path("rtvc", appauthor=False)
    return [
        ("Preferences and presets", user_config_path("rtvc", appauthor=False)),
        ("Voices and enrolments", data),
        ("Model packs", installed_packs()),
        ("Caches", user_cache_path("rtvc", appauthor=False)),
        ("Crash reports", reports_folder()),
    ]


def credits() -> list[str]:
    """Return who spoke the shipped voices, and under which licence."""
    return sorted({voice.credit for voice in shipped_voices() if voice.credit})


def diagnostics() -> str:
    """Return versions, system, audio host APIs and the latest crash report as text for a bug report (slow)."""
    try:
        devices = portaudio.list_devices()
        audio = ", ".join(sorted({device.host_api for device in devices})) or "no devices"
    except RtvcError as error:
        audio = f"unavailable ({type(error).__name__})"
    lines = [
        system(),
        f"{os.cpu_count()} processor cores, CUDA {'works' if cuda_works() else 'is not available'}",
        f"Audio host APIs: {audio}",
        *(f"{component.name} {component.version}" for component in components()),
    ]
    report = latest_report()
    if report is not None:
        try:
            lines += ["", report.read_text(encoding="utf-8")]
        except OSError:
            lines += ["", "The latest crash report cannot be read."]
    return "\n".join(lines)
