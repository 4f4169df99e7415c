"""Hotkeys: what they do in the window and in other programs, and which keys users may give them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtTest import QTest as _QTest
from PyQt6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from gui import hotkeys as hotkeys_module
from gui.dialogs.enrolment import EnrolmentDialog
from gui.global_hotkeys import GlobalHotkeys, chords
from gui.hotkeys import HOTKEYS, Scope, keys, problem, unavailable, with_keys
from gui.main_window import MainWindow
from gui.options import Options
from gui.sections.hotkeys import HotkeysSection
from tests.support.panel import FakeBackend, FakePlayer, open_window

QTest: Any = _QTest  # its stubs take static methods for methods
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def backend(tmp_path: Path) -> FakeBackend:
    return FakeBackend(tmp_path, shipped=("Amber", "Bernard"), own=("Grandfather",))


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    monkeypatch.setattr(hotkeys_module, "unavailable", lambda: "")
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        yield window


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = CONTROL) -> None:
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


def section(window: MainWindow) -> HotkeysSection:
    window.tabs[2].click()
    return window.settings_page.hotkeys


def give(
    window: MainWindow,
    name: str,
    key: Qt.Key,
    modifier: Qt.KeyboardModifier = CONTROL,
    scope: Scope = Scope.WINDOW,
) -> None:
    """Click a hotkey's field and press keys, as a user does."""
    field = section(window).fields[scope, name]
    field.setFocus()
    QTest.keyClick(field, key, modifier)


def words(options: Options, name: str, scope: Scope = Scope.WINDOW) -> str:
    return keys(options, scope)[name].toString()


def talking(window: MainWindow) -> bool:
    return window.session.preferences.settings.talking


def muted(window: MainWindow) -> bool:
    return window.session.preferences.settings.mute


# In the window


def test_keys_of_the_window(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_M)
    press(window, Qt.Key.Key_T)
    press(window, Qt.Key.Key_H)
    press(window, Qt.Key.Key_3)
    settings = window.session.preferences.settings
    assert settings.bypass
    assert settings.mute
    assert settings.push_to_talk
    assert settings.monitor
    assert settings.voice == "Bernard"
    press(window, Qt.Key.Key_9)
    assert window.session.preferences.settings.voice == "Bernard"
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    press(window, Qt.Key.Key_R)
    assert backend.engines[-1].recording is not None


def test_space_talks_only_with_push_to_talk(window: MainWindow) -> None:
    card = window.live.voices.gallery.cards["Amber"]
    QTest.keyPress(card, Qt.Key.Key_Space)
    QTest.keyRelease(card, Qt.Key.Key_Space)
    assert window.session.preferences.settings.voice == "Amber", "without push-to-talk, it presses what has the focus"
    window.session.preferences.change(push_to_talk=True)
    other = window.live.voices.gallery.cards["Bernard"]
    QTest.keyPress(other, Qt.Key.Key_Space)
    assert talking(window)
    QTest.keyRelease(other, Qt.Key.Key_Space)
    assert not talking(window)
    assert window.session.preferences.settings.voice == "Amber"
    line = QLineEdit(window)
    line.show()
    QTest.keyClick(line, Qt.Key.Key_Space)
    assert line.text() == " "


def test_the_talk_key_let_go_over_an_open_menu_closes_the_microphone(window: MainWindow) -> None:
    window.session.preferences.change(push_to_talk=True)
    QTest.keyPress(window.live.voices.gallery.cards["Amber"], Qt.Key.Key_Space)
    assert talking(window)
    menu = QMenu(window)
    menu.addAction("Something")
    menu.popup(window.mapToGlobal(window.rect().center()))
    QTest.keyRelease(menu, Qt.Key.Key_Space)
    assert not talking(window)
    QTest.keyPress(menu, Qt.Key.Key_Space)
    assert not talking(window), "in a menu, the key is the menu's"


# Keys of one's own


def test_a_hotkey_gets_other_keys_and_keeps_them(window: MainWindow, backend: FakeBackend) -> None:
    give(window, "mute", Qt.Key.Key_F6, NONE)
    press(window, Qt.Key.Key_M)
    assert not muted(window), "the old keys are free again"
    press(window, Qt.Key.Key_F6, NONE)
    assert muted(window)
    assert "(F6)" in window.live.power.mute.toolTip()
    window.quit()
    assert words(Options.from_json(backend.preferences.saved.panel), "mute") == "F6"


def test_the_key_to_hold_can_be_another(window: MainWindow) -> None:
    give(window, "talk", Qt.Key.Key_F8, CONTROL)
    window.session.preferences.change(push_to_talk=True)
    window.tabs[0].click()
    QTest.keyPress(window.live, Qt.Key.Key_Space)
    assert not talking(window)
    QTest.keyPress(window.live, Qt.Key.Key_F8, CONTROL)
    assert talking(window)
    QTest.keyRelease(window.live, Qt.Key.Key_F8, NONE)
    assert not talking(window), "though Ctrl was let go first"


def test_keys_that_are_taken_are_refused_by_name(window: MainWindow) -> None:
    give(window, "mute", Qt.Key.Key_B)
    fields, row = section(window).fields, section(window).rows["mute"]
    assert row.complaint.isVisible()
    assert "Bypass" in row.complaint.text()
    assert fields[Scope.WINDOW, "mute"].keySequence() == QKeySequence("Ctrl+M")
    give(window, "mute", Qt.Key.Key_F6, NONE)
    assert not row.complaint.isVisible()


def test_a_cleared_hotkey_has_no_keys(window: MainWindow) -> None:
    give(window, "mute", Qt.Key.Key_Backspace, NONE)
    press(window, Qt.Key.Key_M)
    assert not muted(window)
    assert words(Options.from_json(window.session.preferences.options.to_json()), "mute") == ""
    give(window, "bypass", Qt.Key.Key_M)
    press(window, Qt.Key.Key_M)
    assert window.session.preferences.settings.bypass


def test_reset_restores_the_default_keys(window: MainWindow) -> None:
    reset = section(window).reset
    assert not reset.isEnabled()
    give(window, "mute", Qt.Key.Key_F6, NONE)
    give(window, "voice2", Qt.Key.Key_F7, NONE)
    QTest.mouseClick(reset, LEFT)
    options = window.session.preferences.options
    assert not options.window_keys
    assert not options.global_keys
    assert section(window).fields[Scope.WINDOW, "mute"].keySequence() == QKeySequence("Ctrl+M")
    assert not reset.isEnabled()


def test_a_field_takes_keys_that_would_do_something(window: MainWindow) -> None:
    window.session.preferences.change(push_to_talk=True)
    give(window, "record", Qt.Key.Key_Space, CONTROL)
    give(window, "record", Qt.Key.Key_Space, NONE)
    assert not talking(window)
    give(window, "record", Qt.Key.Key_M)
    assert not muted(window)


def test_default_hotkeys_do_not_clash() -> None:
    for scope in Scope:
        for hotkey in HOTKEYS:
            assert problem(Options(), scope, hotkey.name, keys(Options(), scope)[hotkey.name]) == ""


@pytest.mark.parametrize(
    ("scope", "name", "sequence", "why"),
    [
        (Scope.WINDOW, "mute", "Ctrl+1", "Voice of hotkey 1"),
        (Scope.WINDOW, "mute", "Ctrl+Alt+B", "in other programs"),
        (Scope.WINDOW, "mute", "Ctrl+O", "adds a voice"),
        (Scope.WINDOW, "mute", "Return", "navigate"),
        (Scope.GLOBAL, "mute", "M", "types text"),
        (Scope.GLOBAL, "mute", "Shift+M", "types text"),
        (Scope.GLOBAL, "mute", "Ctrl+Shift+5", "Leave Shift out"),
        (Scope.GLOBAL, "mute", "Num+5", "number-pad"),
        (Scope.GLOBAL, "mute", "Launch Mail", "works only in this window"),
    ],
)
def test_unusable_keys_are_refused_with_the_reason(scope: Scope, name: str, sequence: str, why: str) -> None:
    assert why in problem(Options(), scope, name, QKeySequence(sequence))


def test_the_same_keys_may_work_in_both_places() -> None:
    options = Options(window_keys=with_keys(Options(), Scope.WINDOW, "mute", QKeySequence("Ctrl+Alt+M")))
    assert problem(options, Scope.WINDOW, "mute", QKeySequence("Ctrl+Alt+M")) == ""


def test_only_keys_that_differ_are_remembered_and_nonsense_is_not() -> None:
    assert with_keys(Options(), Scope.WINDOW, "mute", QKeySequence("Ctrl+M")) == {}
    changed = with_keys(Options(), Scope.WINDOW, "mute", QKeySequence("F6"))
    assert changed == {"mute": "F6"}
    assert Options.from_json({"window_keys": {"mute": 3}}) == Options.from_json({"window_keys": "F6"}) == Options()
    assert words(Options(window_keys={"mute": "Ctrl+Nonsense, F3", "dance": "F1"}), "mute") == ""


# In other programs


def test_global_keys_do_what_they_say_while_other_windows_are_used(window: MainWindow) -> None:
    heard = GlobalHotkeys(window.session)
    window.hide()
    for key in ("ctrl", "alt", "m"):
        heard.press(key)
    assert muted(window)
    heard.release("m")
    window.session.preferences.change(push_to_talk=True)
    heard.press("space")
    assert talking(window)
    heard.release("alt")
    assert not talking(window)
    assert {"power", "bypass", "mute", "talk", "voice1", "voice9"} <= set(chords(window.session.preferences.options))


def test_global_keys_of_ones_own_are_used_at_once(window: MainWindow) -> None:
    heard = GlobalHotkeys(window.session)
    window.session.preferences.choose(global_keys={"mute": "F9", "bypass": ""})
    window.hide()
    heard.press("f9")
    assert muted(window)
    heard.release("f9")
    for key in ("ctrl", "alt", "b", "m"):
        heard.press(key)
    assert not window.session.preferences.settings.bypass
    assert muted(window)


def test_global_keys_are_heard_while_a_dialog_is_open(qtbot: QtBot, window: MainWindow) -> None:
    heard = GlobalHotkeys(window.session)
    window.live.teach_voice()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeWindow(), EnrolmentDialog))
    for key in ("ctrl", "alt", "m"):
        heard.press(key)
    assert muted(window)


def test_a_panel_whose_listener_fails_says_so_once_and_goes_on(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise ImportError("no display")

    monkeypatch.setattr("gui.global_hotkeys.importlib.import_module", refuse)
    window.session.preferences.choose(global_hotkeys=True)
    said: list[str] = []
    window.session.failed.connect(said.append)
    heard = GlobalHotkeys(window.session, window)
    assert "no display" in window.toast.message.text()
    window.session.preferences.choose(threads=2)
    assert len(said) == 1
    heard.close()


def test_keys_that_work_everywhere_act_once_in_the_window(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = SimpleNamespace(start=lambda: None, stop=lambda: None)
    keyboard = SimpleNamespace(Listener=lambda on_press, on_release: started)
    monkeypatch.setattr("gui.global_hotkeys.importlib.import_module", lambda name: keyboard)
    heard = GlobalHotkeys(window.session)
    section(window)
    window.session.preferences.choose(global_hotkeys=True)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    for key in ("ctrl", "alt", "m"):
        heard.press(key)
    assert not muted(window)
    QTest.keyClick(window, Qt.Key.Key_M, CONTROL | ALT)
    assert muted(window)
    window.session.preferences.choose(global_hotkeys=False)
    QTest.keyClick(window, Qt.Key.Key_M, CONTROL | ALT)
    assert muted(window)


def test_the_global_column_is_shown_with_global_hotkeys(window: MainWindow) -> None:
    shown = section(window)
    assert not shown.fields[Scope.GLOBAL, "mute"].isVisible()
    window.session.preferences.choose(global_keys={"mute": "F9"})
    window.session.preferences.choose(global_hotkeys=True)
    assert shown.fields[Scope.GLOBAL, "mute"].isVisible()
    assert shown.fields[Scope.GLOBAL, "mute"].keySequence() == QKeySequence("F9")
    give(window, "mute", Qt.Key.Key_M, NONE, Scope.GLOBAL)
    assert "types text" in shown.rows["mute"].complaint.text()


def test_unavailable_global_keys_are_explained() -> None:
    assert "Wayland" in unavailable({"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, "linux")
    assert "Wayland" in unavailable({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "linux")
    assert "rtvc-gui --press mute" in unavailable({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert "X11" in unavailable({}, "linux")
    assert "Wayland" not in unavailable({"DISPLAY": ":0"}, "linux")
