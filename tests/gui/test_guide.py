"""The guided first run: every step, with and without devices, and resuming it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.options import Options
from gui.pages.guide import GuidePage
from gui.view.devices import NO_MICROPHONE
from gui.view.status import Tone
from rtvc.app.preferences import Preferences
from rtvc.devices.portaudio import PULSE, DeviceIdentity
from tests.support.panel import FakeBackend, FakePlayer, choose, device, open_window, settings


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, backend: FakeBackend, player: FakePlayer) -> Iterator[MainWindow]:
    backend.preferences.saved = Preferences()
    with open_window(qtbot, qapp, backend, player) as window:
        yield window


def guide(window: MainWindow, step: int) -> GuidePage:
    window.guide.show_step(step)
    return window.guide


def test_the_guide_opens_at_the_first_start_and_only_then(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, backend: FakeBackend
) -> None:
    assert window.pages.currentWidget() is window.guide
    window.guide.skip.click()
    assert window.pages.currentWidget() is window.live
    assert window.tabs[-1].isHidden()
    window.quit()
    assert Options.from_json(backend.preferences.saved.panel).welcomed
    with open_window(qtbot, qapp, backend, FakePlayer()) as second:
        assert second.pages.currentWidget() is second.live
        second.settings_page.about.guide.click()
        assert second.pages.currentWidget() is second.guide


def test_the_level_of_the_microphone_moves_and_another_one_can_be_picked(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    step = window.guide.microphone
    qtbot.waitUntil(lambda: step.meter.accessibleDescription() == "-20 dB")
    choose(step.choice.box, "USB Headset")
    qtbot.waitUntil(lambda: backend.listened[-1] == DeviceIdentity(PULSE, "usb_headset"))
    window.guide.next.click()
    qtbot.waitUntil(lambda: window.session.devices.virtual_microphone.name != "")


def test_without_a_microphone_the_user_is_told_to_plug_one_in(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    backend.listed = [device("Speakers", outputs=2)]
    window.session.devices.stop_listening()
    step = window.guide.microphone
    step.refresh.click()
    qtbot.waitUntil(lambda: step.problem.text() == NO_MICROPHONE)
    assert not step.choice.isVisible()
    enrolment = window.guide.enrolment
    assert enrolment.form.outcome.text() == NO_MICROPHONE
    backend.listed.append(device("USB Headset", inputs=1))
    step.refresh.click()
    qtbot.waitUntil(lambda: not step.problem.text())
    assert not enrolment.form.outcome.text(), "what was said before the microphone was plugged in is gone"


def test_the_virtual_microphone_is_made_and_tested_by_itself(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    step = guide(window, 1).virtual_microphone
    qtbot.waitUntil(lambda: "RTVC Microphone" in step.state.text())
    qtbot.waitUntil(lambda: "The tone arrived" in step.verdict.text())
    backend.tone = -120.0
    step.again.click()
    qtbot.waitUntil(lambda: "did not arrive" in step.verdict.text())


def test_the_user_hears_the_voice_and_then_themselves_in_it(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    step = guide(window, 2).voice
    choose(step.choice.box, "Bernard")
    assert settings(window).voice == "Bernard"
    step.original.click()
    qtbot.waitUntil(lambda: player.sound is not None)
    player.finish()
    qtbot.waitUntil(lambda: window.session.devices.use.name == "FREE")
    step.myself.click()
    qtbot.waitUntil(lambda: step.myself.text() == "Speak now… 2 s")
    assert step.hint.text() == "Say a sentence."
    backend.may_end.set()
    qtbot.waitUntil(lambda: step.hint.text() == "Playing.")
    assert ("preview", "Bernard") in backend.heard
    assert backend.spoken == [backend.folder / "recorded.wav"]
    assert not backend.engines, "nobody else has heard it"
    player.finish()
    assert step.hint.text() == ""
    assert step.myself.text() == "Hear myself in it"


def test_an_enrolment_is_recorded_or_skipped(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    step = guide(window, 3).enrolment
    qtbot.waitUntil(lambda: window.session.devices.use.name == "FREE")
    step.start.click()
    qtbot.waitUntil(lambda: step.form.outcome.text() == "4 s of speech so far")
    backend.may_end.set()
    qtbot.waitUntil(lambda: "20 s of speech" in step.form.outcome.text())
    assert step.start.isEnabled()


def test_the_light_turns_green_when_a_program_records(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    step = guide(window, 4).applications
    assert step.light.status.tone is Tone.QUIET
    backend.recording_programs = ["Discord"]
    qtbot.waitUntil(lambda: step.light.status.tone is Tone.GOOD)
    assert "Discord can hear you" in step.sentence.text()
    backend.recording_programs = None
    qtbot.waitUntil(lambda: "cannot tell" in step.sentence.text())


def test_the_last_step_starts_the_voice_changer(qtbot: QtBot, window: MainWindow) -> None:
    window.guide.show_step(4)
    assert window.guide.next.text() == "Start talking"
    window.guide.next.click()
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    assert window.pages.currentWidget() is window.live


def test_the_guide_resumes_where_it_was_left(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, tmp_path: Path
) -> None:
    backend.preferences.saved = Preferences(panel=Options(guide_step=3).to_json())
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        assert window.guide.progress.text() == "Step 4 of 5"
        assert window.guide.enrolment.isVisible()
        window.guide.back.click()
        assert window.guide.voice.isVisible()
