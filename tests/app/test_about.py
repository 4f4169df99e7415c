"""What the About page says, and what a bug report carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtvc.app import about
from rtvc.devices.portaudio import PULSE, Device


def test_the_diagnostics_name_versions_and_nothing_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = tmp_path / "crash.txt"
    report.write_text("rtvc crash report, 2026-01-01\n")
    device = Device(PULSE, "annas_headset", "Anna's headset", 1, 0, 48_000, 0)
    monkeypatch.setattr("rtvc.devices.portaudio.list_devices", lambda: [device])
    monkeypatch.setattr(about, "latest_report", lambda: report)
    text = about.diagnostics()
    assert "rtvc " in text
    assert PULSE in text
    assert "rtvc crash report" in text
    assert "nna" not in text
    assert str(Path.home()) not in text


def test_components_and_places_are_told() -> None:
    assert about.components()[0].name == "rtvc"
    assert all(component.version and component.licence for component in about.components())
    assert all(path.is_absolute() for _, path in about.places())
    assert about.credits()
