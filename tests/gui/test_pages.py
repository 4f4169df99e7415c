"""Models, settings, wizards, tray, presets and the first start, against a backend that only remembers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QColor, QFontMetrics
from PyQt6.QtTest import QTest as _QTest
from PyQt6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QInputDialog, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from gui import hotkeys as hotkeys_module
from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.main_window import MainWindow
from gui.options import LatencyProfile, Options, Provider
from gui.protocol import PackFigures
from gui.sections import hotkeys as hotkeys_section
from gui.single_instance import FirstInstance, call_first, panel_name
from gui.theme import DARK, LIGHT, SPACE, Appearance, theme
from gui.tray import Tray
from rtvc.app.preferences import Preferences, Wiring
from rtvc.devices.portaudio import Device
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Snapshot, State
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import Enrolment
from tests.support.panel import FakeBackend, FakeEngine, FakePlayer, learnt, open_window

QTest: Any = _QTest  # its stubs take static methods for methods
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    return FakeBackend(tmp_path, shipped=("Amber", "Bernard"), own=("Grandfather",))


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, backend: FakeBackend) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        yield window


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = CONTROL) -> None:
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def test_tabs_show_their_pages(window: MainWindow) -> None:
    for tab, page in zip(window.tabs, (window.live, window.packs_page, window.settings_page), strict=True):
        QTest.mouseClick(tab, LEFT)
        assert window.pages.currentWidget() is page
        assert tab.isChecked()


# Models


def test_another_pack_is_used_at_once(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    cards = window.packs_page.cards
    assert list(cards) == ["mini", "large", "wavlm-large"]
    assert "Use" not in cards["mini"].buttons
    assert "Remove" not in cards["mini"].buttons
    cards["large"].buttons["Use"].click()
    qtbot.waitUntil(lambda: len(backend.engines) == 2 and window.session.engine is backend.engines[1])
    assert backend.engines[1].wiring.pack == "large"
    assert "Use" not in window.packs_page.cards["large"].buttons
    assert "Remove" not in window.packs_page.cards["large"].buttons, "the one in use stays"


def test_whoever_uses_a_pack_by_keyboard_stays_there(qtbot: QtBot, window: MainWindow) -> None:
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


def test_figures_of_a_pack_that_is_not_used_any_more_come_too_late(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def figures(pack: str) -> PackFigures:
        if pack == "large":
            backend.may_end.wait(10.0)
        return PackFigures(1024 if pack == "large" else 32, 16, 16_000)

    monkeypatch.setattr(backend, "figures", figures)
    window.session.rewire(pack="large")
    window.session.rewire(pack="mini")
    qtbot.waitUntil(lambda: window.session.pack.learned_dim == 32)
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.session.tasks.idle)
    qtbot.wait(50)
    assert window.session.pack.learned_dim == 32


def test_a_pack_is_downloaded_and_built_with_progress(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    page = window.packs_page
    page.cards["wavlm-large"].buttons["Download and build"].click()
    qtbot.waitUntil(lambda: page.cards["wavlm-large"].bar.value() == 250)
    assert page.cards["wavlm-large"].line.text() == "Downloading from the network"
    assert not page.cards["large"].buttons["Verify"].isEnabled(), "one thing at a time"
    backend.may_end.set()
    qtbot.waitUntil(lambda: "Use" in page.cards["wavlm-large"].buttons)
    assert window.toast.message.text() == "The model pack wavlm-large is ready to use."


def test_a_download_can_be_broken_off(qtbot: QtBot, window: MainWindow) -> None:
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
    qtbot.waitUntil(lambda: page.cards["wavlm-large"].line.text() == f"Downloading from {tmp_path}")
    backend.failure = "WavLM-Large.pt is not the published one."
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.toast.message.text() == backend.failure)
    assert "Download and build" in page.cards["wavlm-large"].buttons


def test_a_pack_is_verified_and_removed(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    page = window.packs_page
    page.cards["large"].buttons["Verify"].click()
    qtbot.waitUntil(lambda: window.toast.message.text() == "The model pack large is whole, and it runs.")
    qtbot.waitUntil(
        lambda: "Remove" in page.cards["large"].buttons and page.cards["large"].buttons["Remove"].isEnabled()
    )
    page.cards["large"].buttons["Remove"].click()
    qtbot.waitUntil(lambda: "Download and build" in page.cards["large"].buttons)


# Settings


def test_the_profile_threads_and_provider_rebuild_the_engine(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    page = window.settings_page
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    QTest.mouseClick(page.profile.buttons[LatencyProfile.QUALITY], LEFT)
    qtbot.waitUntil(lambda: len(backend.engines) == 2 and window.session.engine is backend.engines[1])
    assert backend.engines[1].options.profile is LatencyProfile.QUALITY
    assert "calm" in page.profile_words.text()
    page.threads.slider.setValue(2)
    qtbot.waitUntil(lambda: window.session.engine is backend.engines[-1] and backend.engines[-1].options.threads == 2)
    window.tabs[2].click()
    qtbot.waitUntil(page.provider.isVisible)
    QTest.mouseClick(page.provider.buttons[Provider.PROCESSOR], LEFT)
    qtbot.waitUntil(lambda: backend.engines[-1].options.provider is Provider.PROCESSOR)
    assert backend.running() <= 1


@pytest.mark.parametrize("provider", [Provider.GRAPHICS, Provider.AUTOMATIC])
def test_who_chose_a_graphics_card_that_is_gone_can_choose_again(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    monkeypatch.setattr(backend, "cuda_works", lambda: False)
    backend.saved = Preferences(panel=Options(provider=provider).to_json())
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        window.tabs[2].click()
        qtbot.waitUntil(lambda: window.session.tasks.idle)
        qtbot.wait(50)
        assert window.settings_page.provider.isVisible() == (provider is Provider.GRAPHICS)


def test_a_slider_that_rebuilds_the_engine_acts_when_it_is_let_go(window: MainWindow) -> None:
    threads = window.settings_page.threads
    threads.slider.setMaximum(8)
    threads.slider.setSliderDown(True)
    threads.slider.setSliderPosition(4)
    assert threads.value_label.text() == "4"
    assert window.session.options.threads == 1
    threads.slider.setSliderDown(False)
    assert window.session.options.threads == 4


def test_a_calmer_profile_is_later() -> None:
    steps = [profile.step(2) for profile in LatencyProfile]
    buffers = [profile.buffer_seconds for profile in LatencyProfile]
    assert steps == sorted(steps) == [1, 2, 4]
    assert buffers == sorted(buffers)


def test_the_colours_change_while_the_window_is_open(qtbot: QtBot, window: MainWindow) -> None:
    window.tabs[2].click()

    def ground_is_as_wanted() -> bool:
        ground = window.grab().toImage().pixelColor(5, window.height() - 5)
        return bool(ground == QColor(theme.tokens.window))

    for appearance, tokens in ((Appearance.DARK, DARK), (Appearance.LIGHT, LIGHT)):
        QTest.mouseClick(window.settings_page.appearance.buttons[appearance], LEFT)
        assert theme.tokens is tokens
        qtbot.waitUntil(ground_is_as_wanted)


def test_only_other_colours_style_the_program_anew(qtbot: QtBot, window: MainWindow) -> None:
    window.session.choose(appearance=Appearance.DARK)
    with qtbot.assertNotEmitted(theme.changed):
        window.session.choose(threads=2)


def test_options_survive_and_nonsense_does_not(window: MainWindow, backend: FakeBackend) -> None:
    window.session.choose(profile=LatencyProfile.LOWEST, threads=3, appearance=Appearance.DARK, close_to_tray=True)
    window.quit()
    assert Options.from_json(backend.saved.panel) == window.session.options
    assert Options.from_json({"threads": "many", "profile": "fastest", "appearance": 3}) == Options()
    assert Options.from_json({"threads": 100_000}) == Options()


def test_damaged_preferences_are_told_of_once(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    class Damaged(FakeBackend):
        loads = 0

        def load(self) -> Preferences:
            self.loads += 1
            if self.loads == 1:
                raise RtvcError("The preferences were damaged: the defaults are used instead.")
            return Preferences()

    with open_window(qtbot, qapp, Damaged(tmp_path, shipped=("Amber",)), FakePlayer()) as window:
        assert "damaged" in window.toast.message.text()


def test_preferences_that_cannot_be_read_keep_nobody_from_starting(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    class Unreadable(FakeBackend):
        def load(self) -> Preferences:
            raise RtvcError("preferences.json cannot be read.")

    with open_window(qtbot, qapp, Unreadable(tmp_path, shipped=("Amber",)), FakePlayer()) as window:
        assert "cannot be read" in window.toast.message.text()


# Presets


def test_presets_keep_and_restore_the_sound(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: (" Stage ", True))
    button = window.live.sound.presets

    def item(words: str) -> QAction:
        return next(action for action in button.menu_of_presets.actions() if action.text() == words)

    window.session.change(voice="Bernard", map=MapChoice(strength=0.6))
    item("Keep these settings…").trigger()
    window.session.change(voice="Amber", map=MapChoice(), mute=True)
    item("Stage").trigger()
    settings = window.session.settings
    assert (settings.voice, settings.map.strength, settings.mute) == ("Bernard", 0.6, True)
    assert window.live.voices.gallery.cards["Bernard"].isChecked()
    remove = item("Remove").menu()
    assert remove is not None
    remove.actions()[0].trigger()
    assert not window.session.preferences.presets


# Wizards


def test_the_own_voice_is_learnt(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.mouseClick(window.live.devices.teach, LEFT)
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.outcome.text() == "4 s of speech so far")
    assert dialog.bar.value() == 500
    assert not dialog.start_button.isEnabled()
    backend.may_end.set()
    qtbot.waitUntil(lambda: dialog.outcome.text() == "Your voice is known, from 20 s of speech.")
    assert dialog.close_button.text() == "Done"
    backend.failure = "The recording holds 1.0 s of speech."
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.outcome.text() == backend.failure)
    dialog.close_button.click()


def learning(qtbot: QtBot, window: MainWindow) -> EnrolmentDialog:
    """Open the dialog, and wait until half of what is to be said has been heard."""
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.bar.value() == 500)
    return dialog


@pytest.mark.parametrize("way", ["Escape", "close"])
def test_learning_is_broken_off_however_the_dialog_is_closed(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, way: str
) -> None:
    dialog = learning(qtbot, window)
    if way == "Escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    qtbot.waitUntil(lambda: window.session._borrowing is None)
    assert backend.enrolled is None


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_wizard_is_as_high_as_its_words_and_no_higher_than_the_screen(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, scale: float
) -> None:
    usual, large = qapp.font(), qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.live.teach_voice()
            dialog = window.findChild(EnrolmentDialog)
            assert dialog is not None
            area, screen = dialog.findChild(QScrollArea), dialog.screen()
            assert area is not None
            assert screen is not None
            bar = area.verticalScrollBar()
            assert bar is not None
            qtbot.wait(50)
            height = dialog.height() if scale == 1 else 0
            dialog.outcome.setText("A sentence of what was learnt. " * 8)
            qtbot.waitUntil(lambda: (bar.maximum() > 0) == (scale > 1) and dialog.height() > height)
            assert dialog.height() < screen.availableGeometry().height()
            assert dialog.rect().contains(dialog.start_button.geometry())
            dialog.close()
    finally:
        qapp.setFont(usual)


def test_a_running_engine_takes_the_learnt_voice(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    qtbot.waitUntil(lambda: not window.session._listing)
    backend.may_end.set()
    window.session.enrol(20.0)
    qtbot.waitUntil(lambda: backend.engines[0].enrolment is not None)
    assert len(backend.engines) == 1, "nobody hears a gap"


def enrolment_of(engine: FakeEngine) -> Enrolment | None:
    return engine.enrolment


def test_a_voice_that_is_known_can_be_forgotten_and_that_undone(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    known = backend.enrolled = learnt(18.0)
    engines = backend.engines
    window.session.reload_devices()
    qtbot.waitUntil(lambda: window.live.devices.teach.text() == "My voice is known…")
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    engines[0].enrolment = known
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    assert "18 s" in dialog.outcome.text()
    QTest.mouseClick(dialog.forget_button, LEFT)
    assert not dialog.isVisible(), "it would cover the way back"
    qtbot.waitUntil(lambda: "forgotten" in window.toast.message.text())
    assert enrolment_of(engines[0]) is None
    assert backend.enrolment(Wiring()) is None
    assert window.live.devices.teach.text() == "Teach my voice…"
    QTest.mouseClick(window.toast.action, LEFT)
    qtbot.waitUntil(lambda: engines[0].enrolment is known)
    assert backend.enrolled is known
    assert window.live.devices.teach.text() == "My voice is known…"


def test_what_cannot_be_forgotten_says_why(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    backend.enrolled = learnt(18.0)
    window.session.reload_devices()
    qtbot.waitUntil(lambda: window.session.enrolment is not None)
    backend.failure = "The file cannot be deleted."
    window.session.forget_enrolment()
    qtbot.waitUntil(lambda: window.toast.message.text() == backend.failure)
    assert window.session.enrolment is not None


def test_there_is_nothing_to_forget_of_an_unknown_voice(window: MainWindow) -> None:
    window.live.teach_voice()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    assert not dialog.forget_button.isVisible()
    dialog.close()


def test_switching_on_breaks_off_what_holds_the_microphone(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    dialog = learning(qtbot, window)
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.snapshot.state is State.RUNNING)
    assert "broken off" in dialog.outcome.text()
    assert dialog.start_button.isEnabled()
    dialog.close()


def test_the_virtual_microphone_is_made_and_tested(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.mouseClick(window.live.devices.setup, LEFT)
    dialog = window.findChild(VirtualMicrophoneDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: not window.session._listing)
    assert not dialog.test_button.isEnabled()
    dialog.create_button.click()
    qtbot.waitUntil(dialog.test_button.isEnabled)
    assert "RTVC Microphone" in dialog.steps.text()
    assert not dialog.create_button.isVisible()
    dialog.test_button.click()
    qtbot.waitUntil(lambda: "came through" in dialog.verdict.text())
    backend.tone = -120.0
    dialog.test_button.click()
    qtbot.waitUntil(lambda: "Nothing came through" in dialog.verdict.text())
    backend.failure = "No PulseAudio server answers."
    dialog.test_button.click()
    qtbot.waitUntil(lambda: dialog.verdict.text() == backend.failure)
    dialog.close_button.click()


def test_the_virtual_microphone_is_made_also_while_devices_are_listed(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: not window.session._listing)
    listed = backend.listed

    def slowly(refresh: bool) -> list[Device]:
        backend.may_end.wait(10.0)
        return listed

    monkeypatch.setattr(backend, "devices", slowly)
    window.session.reload_devices()
    window.live.devices.create_button.click()
    backend.may_end.set()
    qtbot.waitUntil(lambda: window.session.virtual_microphone.name == "RTVC Microphone")


def test_no_tone_disturbs_a_conversation(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    backend.create_virtual_microphone()
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    window.live.set_up_microphone()
    dialog = window.findChild(VirtualMicrophoneDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: window.session.virtual_microphone.name != "")
    assert not dialog.test_button.isEnabled()
    assert "Switch the voice changer off" in dialog.verdict.text()
    dialog.close()


def test_the_welcome_goes_for_good(window: MainWindow, backend: FakeBackend) -> None:
    welcome = window.live.welcome
    assert welcome.isVisible()
    QTest.mouseClick(welcome.microphone, LEFT)
    wizard = window.findChild(VirtualMicrophoneDialog)
    assert wizard is not None
    wizard.close()
    QTest.mouseClick(welcome.dismiss, LEFT)
    assert not welcome.isVisible()
    window.quit()
    assert Options.from_json(backend.saved.panel).welcomed


# The spectrogram


def test_the_spectrogram_is_drawn_while_it_is_open(qtbot: QtBot, window: MainWindow) -> None:
    drawer = window.live.drawer
    assert not drawer.input.isVisible()
    window.session.set_power(True)
    qtbot.waitUntil(lambda: window.session.engine is not None)
    QTest.mouseClick(drawer.expander.button, LEFT)
    assert drawer.input.isVisible()
    assert window.session.options.spectrogram
    qtbot.waitUntil(lambda: drawer.input.picture.size > 1)
    rows = drawer.input.picture.mean(axis=1)
    assert rows[-20:].max() > rows[:20].max(), "a voice has its power in the low frequencies"
    assert drawer.output.picture.shape == drawer.input.picture.shape
    assert not np.array_equal(drawer.output.picture, drawer.input.picture)


# The tray


def test_the_tray_knows_what_was_muted_before(window: MainWindow) -> None:
    window.session.change(mute=True)
    mute = Tray(window, window.session).mute
    assert mute is not None
    assert mute.isChecked()


def test_the_tray_shows_the_state_and_switches(qtbot: QtBot, window: MainWindow) -> None:
    tray = Tray(window, window.session)
    assert tray.icon.toolTip() == "rtvc: Off"
    assert tray.power is not None
    assert tray.mute is not None
    tray.power.trigger()
    qtbot.waitUntil(lambda: tray.icon.toolTip() == "rtvc: On")
    assert tray.power.text() == "Switch off"
    tray.mute.trigger()
    assert window.session.settings.mute
    assert tray.icon.toolTip() == "rtvc: Muted"
    window.hide()
    window.bring_forward()
    assert window.isVisible()


# A second panel


def test_a_second_panel_brings_the_first_one_forward(qtbot: QtBot, window: MainWindow) -> None:
    name = f"{panel_name()}-test-{os.getpid()}"
    assert not call_first(name)
    first = FirstInstance(name, window.bring_forward, window)
    window.hide()
    with ThreadPoolExecutor() as pool:
        called = pool.submit(call_first, name)
        qtbot.waitUntil(called.done)
    assert called.result()
    assert window.isVisible()
    assert not call_first(name), "one that does not answer is none"
    first.close()
    assert not call_first(name)


# Everyone can use it


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(window: MainWindow) -> None:
    nameless = []
    for page in (window.live, window.packs_page, window.settings_page):
        for control in page.findChildren(QAbstractButton):
            if not (control.accessibleName() or control.text()):
                nameless.append(control)
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.accessibleName() or control.text()
    assert not nameless


def test_the_tab_key_goes_from_the_switch_over_the_voices_to_the_drawer(
    qapp: QApplication, window: MainWindow
) -> None:
    live, card = window.live, window.live.voices.gallery.cards["Grandfather"]
    wanted = [
        live.power.power,
        live.voices.add,
        *card.controls,
        live.sound.strength.slider,
        live.devices.microphone.box,
        live.devices.monitor,
        live.drawer.expander.button,
    ]
    window.activateWindow()
    live.welcome.teach.setFocus()
    met = []
    for _ in range(50):
        QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Tab)
        met.append(qapp.focusWidget())
    places = [met.index(control) for control in wanted]
    assert places == sorted(places)


@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_words_are_cut_at_360_pixels(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, page: int, scale: float
) -> None:
    usual = qapp.font()
    large = qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.resize(360, 900)
            window.tabs[page].click()
            qtbot.waitUntil(lambda: window.width() == 360)

            def nothing_is_cut() -> None:
                assert cut(window) == []

            qtbot.waitUntil(nothing_is_cut)
    finally:
        qapp.setFont(usual)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_long_words_and_keys_have_room_at_360_pixels(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    monkeypatch.setattr(hotkeys_module, "unavailable", lambda: "")
    monkeypatch.setattr(hotkeys_section, "unavailable", lambda: "")
    usual, large = qapp.font(), qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.resize(360, 900)
            window.session.choose(global_hotkeys=True)
            window.session.set_power(True)
            qtbot.waitUntil(lambda: window.session.engine is not None)
            backend.engines[0].now = Snapshot(State.RECOVERING, "The headset has gone: trying again.")
            headline = window.live.power.headline
            qtbot.waitUntil(lambda: headline.text() == "Reconnecting" and window.width() == 360)
            assert QFontMetrics(headline.fitted_font()).horizontalAdvance("Reconnecting") <= headline.width()
            window.tabs[2].click()

            def nothing_is_cut() -> None:
                assert cut(window) == []
                for field in window.settings_page.hotkeys.fields.values():
                    if field.isVisible():
                        assert field.fontMetrics().horizontalAdvance("Ctrl+Alt+Space") < field.width() - 2 * SPACE
                        assert field.mapTo(window, field.rect().topRight()).x() < window.width()

            qtbot.waitUntil(nothing_is_cut)
    finally:
        qapp.setFont(usual)


def cut(window: MainWindow) -> list[str]:
    """Return what is visible and has less room than it needs, or lies beyond the window's edge."""
    shown = [child for child in window.findChildren(QAbstractButton) if child.isVisible()]
    return [
        control.accessibleName() or control.text()
        for control in shown
        if control.width() < control.minimumSizeHint().width()
        or control.mapTo(window, control.rect().topRight()).x() >= window.width()
    ]
