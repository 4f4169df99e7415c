"""The models page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.packs import PackFigures
from tests.support.panel import (
    FakeBackend,
    QTest,
    is_live,
    record_messages,
)


def test_using_another_pack_rebuilds_the_engine(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    cards = window.packs_page.cards
    assert list(cards) == ["mini", "large", "wavlm-large"]
    assert "Use" not in cards["mini"].buttons
    assert "Remove" not in cards["mini"].buttons
    cards["large"].buttons["Use"].click()
    qtbot.waitUntil(lambda: is_live(window, backend, 1))
    assert backend.engines[1].setup.pack == "large"
    assert "Use" not in window.packs_page.cards["large"].buttons
    assert "Remove" not in window.packs_page.cards["large"].buttons, "the one in use stays"


def test_the_keyboard_focus_stays_with_a_pack_card(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    window.tabs[1].click()
    button = window.packs_page.cards["large"].buttons["Use"]
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert window.packs_page.cards["large"].buttons["Verify"].hasFocus()
    button = window.packs_page.cards["mini"].buttons["Use"]
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert isinstance(QApplication.focusWidget(), QPushButton), "though the card has no button any more"


def test_late_figures_of_a_previous_pack_are_ignored(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_pack = backend.open_pack

    def slowly(pack: str) -> object:
        if pack == "large":
            backend.may_end.wait(10.0)
        backend.learned_dim = 1024 if pack == "large" else 32
        return open_pack(pack)

    monkeypatch.setattr(backend, "open_pack", slowly)
    window.session.preferences.rewire(pack="large")
    window.session.preferences.rewire(pack="mini")
    packs = window.session.packs
    qtbot.waitUntil(lambda: packs.figures == PackFigures(32, 16, True))
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.session.tasks.idle)
    qtbot.wait(50)
    assert packs.figures == PackFigures(32, 16, True)


def test_a_pack_is_downloaded_and_built_with_progress(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    page = window.packs_page
    page.cards["wavlm-large"].buttons["Download and build"].click()
    qtbot.waitUntil(lambda: page.cards["wavlm-large"].bar.value() == 250)
    assert page.cards["wavlm-large"].line.text() == "Downloading encoder.pt: 1 of 4 MB"
    assert not page.cards["large"].buttons["Verify"].isEnabled(), "one thing at a time"
    backend.may_end.set()
    qtbot.waitUntil(lambda: "Use" in page.cards["wavlm-large"].buttons)
    assert window.toast.message.text() == "The model pack wavlm-large is ready to use."


def test_a_download_can_be_cancelled(qtbot: QtBot, window: MainWindow) -> None:
    page = window.packs_page
    page.cards["wavlm-large"].buttons["Download and build"].click()
    qtbot.waitUntil(lambda: page.cards["wavlm-large"].bar.value() == 250)
    page.cards["wavlm-large"].buttons["Cancel"].click()
    qtbot.waitUntil(lambda: "Download and build" in page.cards["wavlm-large"].buttons)
    assert not window.toast.isVisible()


def test_a_pack_is_built_from_a_folder(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    page = window.packs_page
    page.cards["wavlm-large"].buttons["Build from a folder…"].click()
    qtbot.waitUntil(lambda: backend.built_from == tmp_path)
    backend.failure = "WavLM-Large.pt is not the published one."
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.toast.message.text() == backend.failure)
    assert "Download and build" in page.cards["wavlm-large"].buttons


def test_a_pack_is_verified_and_removed(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    page = window.packs_page
    page.cards["large"].buttons["Verify"].click()
    qtbot.waitUntil(lambda: window.toast.message.text() == "The model pack large is complete and runs.")
    qtbot.waitUntil(
        lambda: "Remove" in page.cards["large"].buttons and page.cards["large"].buttons["Remove"].isEnabled()
    )
    page.cards["large"].buttons["Remove"].click()
    qtbot.waitUntil(lambda: "Download and build" in page.cards["large"].buttons)


def texts(window: MainWindow, name: str) -> list[str]:
    return [shown.text() for shown in window.packs_page.cards[name].findChildren(QLabel)]


def test_a_pack_is_described_by_what_a_buyer_asks(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"Size", "14 MB", "Adds to the delay", "40 ms", "not measured yet"} <= set(texts(window, "mini"))
    assert "Slower, and closer to the voice" in texts(window, "large"), (
        "a pack of the user's own has its card's words"
    )
    assert {"Download", "1328 MB", "Needs"} <= set(texts(window, "wavlm-large"))
    window.packs_page.cards["mini"].buttons["Measure on this computer"].click()
    qtbot.waitUntil(lambda: "Cancel" in window.packs_page.cards["mini"].buttons)
    assert not window.packs_page.cards["large"].buttons["Verify"].isEnabled()
    with record_messages(window.session.noticed) as said:
        backend.may_end.set()
        qtbot.waitUntil(lambda: "17% of a processor core" in texts(window, "mini"))
    assert said == ["mini takes 17% of a processor core here."]


def test_a_pack_that_cannot_be_built_here_says_so_before_the_download(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    backend.listed_packs[2] = replace(backend.listed_packs[2], problem="Building packs needs PyTorch: install it.")
    window.session.packs.reload()
    qtbot.waitUntil(lambda: "Building packs needs PyTorch: install it." in texts(window, "wavlm-large"))
    assert not window.packs_page.cards["wavlm-large"].buttons["Download and build"].isEnabled()
