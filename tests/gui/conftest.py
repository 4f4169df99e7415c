"""The panel over fakes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from tests.support.panel import FakeBackend, FakePlayer, open_window


class PatientBot(QtBot):
    """Waits up to 20 s: a loaded machine may need more than the usual 5 s to open a window."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = 20_000) -> None:  # noqa: N802
        super().waitUntil(callback, timeout=timeout)


@pytest.fixture(autouse=True)
def _without_style_sheet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the style sheet out, except in tests of looks (`styled`): with it, a window takes five times as long."""
    if request.node.get_closest_marker("styled") is None:
        monkeypatch.setattr("gui.theme.style_sheet", lambda tokens, points: "")


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    return FakeBackend(tmp_path, shipped=("Amber", "Bernard"), own=("Grandfather",))


@pytest.fixture
def player() -> FakePlayer:
    return FakePlayer()


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, backend: FakeBackend, player: FakePlayer) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, backend, player) as window:
        yield window
