"""The settings page and stored options."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.options import Options, Provider
from gui.theme import DARK, LIGHT, Appearance, theme
from rtvc.app.live import LatencyProfile, RemoteServer
from rtvc.app.preferences import Preferences
from rtvc.packs.runtime import Runtime
from tests.support.panel import (
    LEFT,
    FakeBackend,
    FakePlayer,
    QTest,
    is_live,
    open_window,
    record_messages,
    switch_on,
)


def test_the_profile_threads_and_provider_rebuild_the_engine(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    page = window.settings_page
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    assert backend.engines[0].setup.runtime == Runtime(), "the pack's own, unless the user chooses"
    QTest.mouseClick(page.profile.buttons[LatencyProfile.SAFE], LEFT)
    qtbot.waitUntil(lambda: is_live(window, backend, 1))
    assert backend.engines[1].setup.profile is LatencyProfile.SAFE
    assert "fewer gaps" in page.profile_words.text()
    page.threads.slider.setValue(2)
    qtbot.waitUntil(lambda: backend.engines[-1].setup.runtime.threads == 2 and backend.engines[-1].running)
    window.tabs[2].click()
    button = page.provider.buttons[Provider.PROCESSOR]
    qtbot.waitUntil(lambda: button.isVisible() and button.height() >= button.minimumSizeHint().height())
    QTest.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: backend.engines[-1].setup.runtime.provider == "cpu")
    assert backend.running() <= 1


@pytest.mark.parametrize("provider", [Provider.GRAPHICS, Provider.AUTOMATIC])
def test_a_missing_graphics_card_can_be_deselected(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    backend.has_cuda = False
    backend.preferences.saved = Preferences(panel=Options(provider=provider).to_json())
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        window.tabs[2].click()
        qtbot.waitUntil(lambda: window.session.tasks.idle)
        qtbot.wait(50)
        assert window.settings_page.provider.isVisible() == (provider is Provider.GRAPHICS)


def test_the_thread_slider_acts_when_released(window: MainWindow) -> None:
    threads = window.settings_page.threads
    assert threads.value_label.text() == "as the model suggests"
    threads.slider.setMaximum(8)
    threads.slider.setSliderDown(True)
    threads.slider.setSliderPosition(4)
    assert threads.value_label.text() == "4"
    assert window.session.preferences.options.threads == 0
    threads.slider.setSliderDown(False)
    assert window.session.preferences.options.threads == 4


def test_safer_profiles_have_more_delay() -> None:
    steps = [profile.step(2) for profile in LatencyProfile]
    buffers = [profile.buffer_seconds for profile in LatencyProfile]
    assert steps == sorted(steps) == [1, 2, 4]
    assert buffers == sorted(buffers)


@pytest.mark.styled
def test_the_colours_change_while_the_window_is_open(qtbot: QtBot, window: MainWindow) -> None:
    window.tabs[2].click()

    def ground_is_as_wanted() -> bool:
        ground = window.grab().toImage().pixelColor(5, window.height() - 5)
        return bool(ground == QColor(theme.tokens.window))

    for appearance, tokens in ((Appearance.DARK, DARK), (Appearance.LIGHT, LIGHT)):
        QTest.mouseClick(window.settings_page.appearance.buttons[appearance], LEFT)
        assert theme.tokens is tokens
        qtbot.waitUntil(ground_is_as_wanted)


@pytest.mark.styled
def test_only_a_change_of_colours_restyles_the_window(qtbot: QtBot, window: MainWindow) -> None:
    window.session.preferences.choose(appearance=Appearance.DARK)
    with qtbot.assertNotEmitted(theme.changed):
        window.session.preferences.choose(threads=2)


def test_options_are_saved_and_invalid_ones_ignored(window: MainWindow, backend: FakeBackend) -> None:
    window.session.preferences.choose(
        profile=LatencyProfile.LOWEST, threads=3, appearance=Appearance.DARK, close_to_tray=True
    )
    window.quit()
    assert Options.from_json(backend.preferences.saved.panel) == window.session.preferences.options
    assert Options.from_json({"threads": "many", "profile": "fastest", "appearance": 3}) == Options()
    assert Options.from_json({"threads": 100_000}) == Options.from_json({"threads": float("inf")}) == Options()
    assert Options.from_json({"voice_slots": {"x": "Amber"}}) == Options()


def test_unreadable_preferences_are_reported_and_the_panel_starts(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend
) -> None:
    backend.preferences.failure = "The preferences are damaged: the defaults are used instead."
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        assert window.toast.message.text() == backend.preferences.failure
        backend.preferences.failure = ""


def test_diagnostics_are_copied(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.app.about.diagnostics", lambda: "versions")
    window.settings_page.about.copy.click()
    qtbot.waitUntil(lambda: "copied" in window.toast.message.text())
    clipboard = qapp.clipboard()
    assert clipboard is not None
    assert clipboard.text() == "versions"


def test_recordings_go_where_the_user_wants(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "mine"))
    window.settings_page.recordings.click()
    assert window.settings_page.recordings.text().endswith("mine")
    switch_on(qtbot, window)
    window.session.live.set_recording(True)
    recording = backend.engines[0].recording
    assert recording is not None
    assert recording[1].parent == tmp_path / "mine"


def test_starting_with_the_system_is_off_and_a_failure_leaves_it_as_it_is(
    window: MainWindow, backend: FakeBackend
) -> None:
    window.tabs[2].click()
    box = window.settings_page.autostart
    assert not box.isChecked()
    box.click()
    assert backend.starts
    assert box.isChecked()
    backend.failure = "Starting with the system cannot be changed."
    with record_messages(window.session.failed) as said:
        box.click()
    assert said == [backend.failure]
    assert box.isChecked()


def test_a_server_rebuilds_the_engine_and_is_shown_in_the_status(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    section = window.settings_page.server
    switch_on(qtbot, window)
    token = tmp_path / "server.token"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(token), ""))
    section.token.click()
    section.bypass.click()
    section.address.setText(" https://desk:8788 ")
    section.address.editingFinished.emit()
    wanted = RemoteServer("https://desk:8788", token, bypass_when_lost=True)
    qtbot.waitUntil(lambda: backend.engines[-1].setup.server == wanted and backend.engines[-1].running)
    qtbot.waitUntil(lambda: "https://desk:8788" in window.session.live.status.sentence)
    assert section.forget.isVisibleTo(section)
    section.forget.click()
    assert window.session.preferences.options.server_token == ""
    section.address.clear()
    section.address.editingFinished.emit()
    qtbot.waitUntil(lambda: backend.engines[-1].setup.server is None and backend.engines[-1].running)
    qtbot.waitUntil(lambda: "https" not in window.session.live.status.sentence)
