"""Effects: chosen, mixed, edited one by one, saved."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.effect_rows import ConvolutionRow, PluginRow
from gui.dialogs.effects import EffectsDialog
from gui.main_window import MainWindow
from gui.view.effects import POSITIONS, kind_text, parameter_text, position, rack_text, value_at, value_text
from rtvc.app.effects import RACKS, find_effects
from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.effects import KINDS, NO_EFFECTS, Effect, Rack
from rtvc.dsp.plugins import PluginEffect, PluginReport
from rtvc.errors import RtvcError
from tests.support.panel import LEFT, QTest, choose, record_messages, settings
from tests.support.sounds import babble, write


def test_effects_are_chosen_and_mixed(window: MainWindow) -> None:
    section = window.live.sound.effects
    assert section.amount.isHidden()
    choose(section.choice.box, "Telephone")
    assert settings(window).effects == RACKS["Telephone"]
    assert not section.amount.isHidden()
    section.amount.slider.setValue(40)
    assert settings(window).effects == replace(RACKS["Telephone"], amount=0.4)
    assert section.choice.box.currentText() == "Telephone"
    choose(section.choice.box, "None")
    assert settings(window).effects == NO_EFFECTS
    assert section.amount.isHidden()


def test_effects_from_a_file(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = window.live.sound.effects
    path = tmp_path / "mine.json"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(path), ""))
    path.write_text("{}")
    with record_messages(window.session.preferences.failed) as messages:
        choose(section.choice.box, "From a file…")
    assert "contains no effects" in messages[0]
    assert section.choice.box.currentText() == "None"
    path.write_text(json.dumps(replace(RACKS["Cave"], name="Crypt").to_json()))
    choose(section.choice.box, "From a file…")
    assert settings(window).effects.effects == RACKS["Cave"].effects
    assert section.choice.box.currentText() == "Crypt"


def test_a_missing_package_is_said(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pedalboard", None)
    load_pedalboard.cache_clear()
    with record_messages(window.session.preferences.failed) as messages:
        choose(window.live.sound.effects.choice.box, "Radio")
    load_pedalboard.cache_clear()
    assert "extra `effects`" in messages[0]
    assert settings(window).effects == NO_EFFECTS
    assert window.live.sound.effects.choice.box.currentText() == "None"


@pytest.fixture
def dialog(window: MainWindow) -> EffectsDialog:
    choose(window.live.sound.effects.choice.box, "Robot")
    QTest.mouseClick(window.live.sound.effects.edit, LEFT)
    found = window.findChild(EffectsDialog)
    assert found is not None
    return found


def kinds(window: MainWindow) -> list[str]:
    return [effect.kind for effect in settings(window).effects.effects]


def test_each_effect_has_its_values(window: MainWindow, dialog: EffectsDialog) -> None:
    assert [row.active.text() for row in dialog.rows] == ["Echo", "Bit crusher", "Chorus", "High-pass filter", "Gain"]
    crusher = dialog.rows[1].sliders["bit_depth"]
    assert crusher.value_label.text() == "7"
    crusher.slider.setValue(0)
    assert settings(window).effects.effects[1] == Effect("bitcrush", (("bit_depth", 2.0),))
    assert window.live.sound.effects.choice.box.currentText() == "Robot, changed"
    dialog.rows[1].active.click()
    assert not settings(window).effects.effects[1].active
    assert not crusher.isEnabled()


def test_effects_are_moved_removed_and_added(window: MainWindow, dialog: EffectsDialog) -> None:
    QTest.mouseClick(dialog.rows[3].up, LEFT)
    assert kinds(window) == ["delay", "bitcrush", "highpass", "chorus", "gain"]
    QTest.mouseClick(dialog.rows[0].down, LEFT)
    assert kinds(window) == ["bitcrush", "delay", "highpass", "chorus", "gain"]
    assert not dialog.rows[0].up.isEnabled()
    assert not dialog.rows[-1].down.isEnabled()
    QTest.mouseClick(dialog.rows[0].remove, LEFT)
    next(action for action in dialog.menu.actions() if action.text() == "Reverb").trigger()
    assert kinds(window) == ["delay", "highpass", "chorus", "gain", "reverb"]
    for _ in range(5):
        QTest.mouseClick(dialog.rows[0].remove, LEFT)
    assert kinds(window) == []
    assert not dialog.save_button.isEnabled()


def test_effects_are_saved_under_the_name_of_their_file(
    window: MainWindow, dialog: EffectsDialog, tmp_path: Path
) -> None:
    QTest.mouseClick(dialog.rows[0].remove, LEFT)
    dialog.save(tmp_path / "Android.json")
    assert window.live.sound.effects.choice.box.currentText() == "Android"
    assert find_effects(str(tmp_path / "Android.json")) == settings(window).effects
    with record_messages(window.session.preferences.failed) as messages:
        dialog.save(tmp_path / "missing" / "Android.json")
    assert "cannot be written" in messages[0]


def test_every_effect_and_value_has_words() -> None:
    for kind, description in KINDS.items():
        assert kind_text(kind)
        for name, parameter in description.parameters.items():
            assert parameter_text(name)
            for at in (0, POSITIONS // 2, POSITIONS):
                value = value_at(name, parameter, at)
                assert parameter.low <= value <= parameter.high
                assert position(name, parameter, value) == pytest.approx(at, abs=1)
                assert value_text(name, value)
    assert [rack_text(rack) for rack in RACKS.values()] == list(RACKS)
    assert rack_text(NO_EFFECTS) == "None"
    assert rack_text(Rack("", (Effect("gain"),))) == "My own"


def test_a_convolution_has_its_impulse_response(
    window: MainWindow, dialog: EffectsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.dsp.impulse_responses.user_data_path", lambda *names, **options: tmp_path)
    next(action for action in dialog.menu.actions() if action.text() == "Convolution").trigger()
    row = dialog.rows[-1]
    assert isinstance(row, ConvolutionRow)
    assert row.impulse.box.currentText() == "Room"
    choose(row.impulse.box, "Church")
    assert settings(window).effects.effects[-1] == Effect("convolution", impulse="Church")
    path = write(tmp_path / "Cellar.wav", babble(0.1, 16_000), 16_000)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(path), ""))
    choose(row.impulse.box, "Add a recording…")
    assert settings(window).effects.effects[-1] == Effect("convolution", impulse="Cellar.wav")
    assert row.impulse.box.currentText() == "Cellar.wav"
    with record_messages(window.session.preferences.failed) as messages:
        choose(row.impulse.box, "Add a recording…")
    assert "already exists" in messages[0]
    assert row.impulse.box.currentText() == "Cellar.wav"


def test_a_plugin_has_its_window_and_its_parameters(
    window: MainWindow, dialog: EffectsDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = PluginEffect("Echo")
    report = PluginReport(1, 0, 0, (("time", "Time", 0.5), ("mix", "Mix", 0.25)))
    monkeypatch.setattr("rtvc.app.effects.try_plugin", lambda effect: report)

    def turn_a_knob(effect: PluginEffect, changed: Callable[[PluginEffect | None], None]) -> None:
        changed(None)
        changed(effect.with_values({"time": 0.75}))

    monkeypatch.setattr("rtvc.app.effects.show_plugin_window", turn_a_knob)
    window.session.preferences.change(effects=Rack("mine", (echo,)))
    row = dialog.rows[0]
    assert isinstance(row, PluginRow)
    qtbot.waitUntil(lambda: bool(row.sliders))
    assert [slider.value_label.text() for slider in row.sliders.values()] == ["50%", "25%"]
    row.sliders["mix"].slider.setValue(POSITIONS)
    row.window_button.click()
    turned = PluginEffect("Echo", (("mix", 1.0), ("time", 0.75)))
    qtbot.waitUntil(lambda: settings(window).effects.effects == (turned,))
    assert row.sliders["time"].value_label.text() == "75%"


def test_a_window_of_a_plugin_is_heard_after_the_dialog_was_closed_and_holds_up_nothing(
    window: MainWindow, dialog: EffectsDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.app.effects.try_plugin", lambda effect: PluginReport(1, 0, 0, ()))
    turned = threading.Event()

    def wait_for_a_knob(effect: PluginEffect, changed: Callable[[PluginEffect | None], None]) -> None:
        turned.wait(10)
        changed(effect.with_values({"time": 0.75}))

    monkeypatch.setattr("rtvc.app.effects.show_plugin_window", wait_for_a_knob)
    window.session.preferences.change(effects=Rack("mine", (PluginEffect("Echo"),)))
    qtbot.waitUntil(lambda: window.session.tasks.idle)
    row = dialog.rows[0]
    assert isinstance(row, PluginRow)
    row.window_button.click()
    assert window.session.tasks.idle, "the window waits on a thread of its own"
    dialog.close_button.click()
    turned.set()
    qtbot.waitUntil(lambda: settings(window).effects.effects == (PluginEffect("Echo", (("time", 0.75),)),))


def test_a_plugin_that_cannot_be_used_says_why(
    window: MainWindow, dialog: EffectsDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(effect: PluginEffect) -> PluginReport:
        raise RtvcError("The plug-in Echo cannot be used: it crashed when it was loaded.")

    monkeypatch.setattr("rtvc.app.effects.try_plugin", refuse)
    with record_messages(window.session.plugins.failed) as messages:
        window.session.preferences.change(effects=Rack("mine", (PluginEffect("Echo"),)))
        qtbot.waitUntil(lambda: bool(messages))
    assert "crashed" in messages[0]
