"""`rtvc gui` and `rtvc-gui`, with and without a display."""

import sys
from pathlib import Path

import pytest

from rtvc import cli
from tests.support.commands import refusal, rtvc


def test_the_panel_without_a_display_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    opened: list[tuple[Path | None, float | None, bool, str | None]] = []
    monkeypatch.setattr("gui.application.main", lambda *arguments: opened.append(arguments))
    assert "no display to open the panel on" in refusal("gui")
    # What draws without a window needs none.
    rtvc("gui", "--measure", "1")
    rtvc("gui", "--press", "mute")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    rtvc("gui")
    assert opened == [(None, 1.0, False, None), (None, None, False, "mute"), (None, None, False, None)]
    assert "add --measure" in refusal("gui", "--stress")


def test_the_panel_has_a_command_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", ["rtvc-gui"])
    with pytest.raises(SystemExit, match="2"):
        cli.panel()
    assert "no display to open the panel on" in capsys.readouterr().err
