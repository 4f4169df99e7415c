"""Chords of global hotkeys: Qt's keys, pynput's names, and which chords are held."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PyQt6.QtGui import QKeySequence

from gui.chords import IDLE_SECONDS, Chord, ChordTracker, chord, key_name
from rtvc.errors import RtvcError


def test_qt_keys_map_to_pynput_chords() -> None:
    assert chord(QKeySequence("Ctrl+Alt+M")) == Chord("m", frozenset({"ctrl", "alt"}))
    assert chord(QKeySequence("Ctrl+Alt+Space")) == Chord("space", frozenset({"ctrl", "alt"}))
    assert chord(QKeySequence("Meta+Shift+PgUp")) == Chord("page_up", frozenset({"cmd", "shift"}))
    assert chord(QKeySequence("F13")) == Chord("f13", frozenset())
    assert chord(QKeySequence("Ctrl+M"), "darwin") == Chord("m", frozenset({"cmd"}))
    with pytest.raises(RtvcError, match="types text"):
        chord(QKeySequence("Space"))


def test_every_key_name_exists_in_pynput(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYNPUT_BACKEND", "dummy")  # it needs no display
    keyboard = pytest.importorskip("pynput.keyboard")
    for text in ("Space", "Return", "PgDown", "Del", "F8", "Pause", "ScrollLock", "Print", "Media Next", "Ins"):
        assert hasattr(keyboard.Key, chord(QKeySequence(f"Ctrl+{text}")).key)


def test_a_key_is_known_whatever_is_held_with_it() -> None:
    def character(char: str | None, vk: int | None = None) -> SimpleNamespace:
        return SimpleNamespace(char=char, vk=vk)

    assert key_name(SimpleNamespace(name="ctrl_l")) == "ctrl"
    assert key_name(SimpleNamespace(name="alt_gr")) == "alt"
    assert key_name(SimpleNamespace(name="page_down")) == "page_down"
    assert key_name(SimpleNamespace(name="space")) == key_name(character(" ")) == "space"
    assert key_name(character("M")) == key_name(character("\r", 77), "win32") == "m"
    assert key_name(character(None, 77), "win32") == "m"
    assert key_name(character("µ", 77), "win32") == "m", "as AltGr types it in Germany"
    assert key_name(character("²", 50), "win32") == "2"
    assert key_name(character("ö", 192), "win32") == "ö"
    assert key_name(character(None, 65_056), "linux") == "<65056>"


def test_chords_are_told_once_however_long_they_are_held() -> None:
    tracker = ChordTracker({"mute": chord(QKeySequence("Ctrl+Alt+M")), "talk": chord(QKeySequence("Ctrl+Space"))})
    assert [list(tracker.press(key)) for key in ("ctrl", "alt", "m", "m")] == [[], [], ["mute"], []]
    assert list(tracker.release("m")) == ["mute"]
    assert list(tracker.press("m")) == ["mute"]
    for key in ("m", "alt", "ctrl"):
        tracker.release(key)
    assert list(tracker.press("m")) == []


def test_a_key_that_was_let_go_unseen_is_forgotten() -> None:
    now = 0.0
    tracker = ChordTracker({"mute": chord(QKeySequence("Ctrl+Alt+M"))}, lambda: now)
    for key in ("cmd", "l"):  # they lock the screen, and there they are let go
        tracker.press(key)
    now += IDLE_SECONDS + 1
    assert [list(tracker.press(key)) for key in ("ctrl", "alt", "m")] == [[], [], ["mute"]]


def test_chords_are_heard_while_a_game_is_played() -> None:
    tracker = ChordTracker({"talk": chord(QKeySequence("F8"))})
    assert [list(tracker.press(key)) for key in ("w", "f8")] == [[], ["talk"]]
    tracker.release("f8")
    tracker.press("shift")
    assert list(tracker.press("f8")) == [], "with Shift it is another chord"
