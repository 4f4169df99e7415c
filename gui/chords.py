"""Chords of global hotkeys: from Qt's key names to pynput's, and which chords are held."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence

from gui.language import tr
from rtvc.errors import RtvcError

MODIFIERS = frozenset({"ctrl", "alt", "shift", "cmd"})
IDLE_SECONDS = 10.0

_Key = Qt.Key
_TYPED = {
    _Key.Key_Space: "space",
    _Key.Key_Return: "enter",
    _Key.Key_Enter: "enter",
    _Key.Key_Tab: "tab",
    _Key.Key_Backspace: "backspace",
    _Key.Key_Delete: "delete",
    _Key.Key_Escape: "esc",
    _Key.Key_Home: "home",
    _Key.Key_End: "end",
    _Key.Key_PageUp: "page_up",
    _Key.Key_PageDown: "page_down",
    _Key.Key_Up: "up",
    _Key.Key_Down: "down",
    _Key.Key_Left: "left",
    _Key.Key_Right: "right",
}
_FREE = {
    **{_Key(_Key.Key_F1 + number): f"f{number + 1}" for number in range(20)},
    _Key.Key_Insert: "insert",
    _Key.Key_Pause: "pause",
    _Key.Key_ScrollLock: "scroll_lock",
    _Key.Key_Print: "print_screen",
    _Key.Key_Menu: "menu",
    _Key.Key_MediaPlay: "media_play_pause",
    _Key.Key_MediaTogglePlayPause: "media_play_pause",
    _Key.Key_MediaNext: "media_next",
    _Key.Key_MediaPrevious: "media_previous",
    _Key.Key_VolumeMute: "media_volume_mute",
}
"""Keys that type no text, by pynput's names: they need no modifier."""


@dataclass(frozen=True)
class Chord:
    """A key with its modifiers, by pynput's names."""

    key: str
    modifiers: frozenset[str]


def chord(sequence: QKeySequence, platform: str = sys.platform) -> Chord:
    """Return the chord of a key sequence; raise `RtvcError` if it cannot be heard in other programs."""
    words = sequence.toString(QKeySequence.SequenceFormat.NativeText)
    key, held = sequence[0].key(), sequence[0].keyboardModifiers()
    if held & Qt.KeyboardModifier.KeypadModifier:
        raise RtvcError(
            tr("{keys}: rtvc cannot distinguish number-pad keys from the main keys. Use another key.", keys=words)
        )
    control, meta = ("cmd", "ctrl") if platform == "darwin" else ("ctrl", "cmd")
    names = {
        Qt.KeyboardModifier.ControlModifier: control,
        Qt.KeyboardModifier.MetaModifier: meta,
        Qt.KeyboardModifier.AltModifier: "alt",
        Qt.KeyboardModifier.ShiftModifier: "shift",
    }
    modifiers = frozenset(name for modifier, name in names.items() if held & modifier)
    if key in _FREE:
        return Chord(_FREE[key], modifiers)
    if key in _TYPED:
        name = _TYPED[key]
    elif key.value < 0x110000 and chr(key.value).isprintable():
        name = chr(key.value).lower()
        if "shift" in modifiers and not name.isalpha():
            raise RtvcError(tr("{keys}: Shift turns this key into another character. Leave Shift out.", keys=words))
    else:
        raise RtvcError(
            tr("{keys} works only in this window. Choose another key for use in other programs.", keys=words)
        )
    if not modifiers - {"shift"}:
        raise RtvcError(
            tr("{keys} types text in other programs. Add Ctrl or Alt, or use a key such as F8.", keys=words)
        )
    return Chord(name, modifiers)


def key_name(key: Any, platform: str = sys.platform) -> str:  # noqa: ANN401 - pynput has no types
    """Return the name of a pynput key in a `Chord`, whatever character Ctrl and Alt turn it into."""
    name = getattr(key, "name", None)
    if name is not None:
        side = str(name).partition("_")[0]
        return side if side in MODIFIERS else str(name)
    character, number = getattr(key, "char", None), getattr(key, "vk", None)
    if platform == "win32" and number is not None and number < 91 and chr(number).isalnum():
        # Windows treats Ctrl with Alt as AltGr, which changes the characters of these keys.
        return chr(number).lower()
    if character == " ":
        return "space"
    if character and character.isprintable():
        return str(character).lower()
    if character and 1 <= ord(character) <= 26:  # Ctrl with a letter, as Windows reports it
        return chr(ord(character) + 96)
    return f"<{number}>"


class ChordTracker:
    """Tracks the held keys and tells which chords begin and end.

    Other keys may be held at the same time, as in a game, but no other modifiers. After 10 s without any key, no key
    counts as held, because releases can be missed, for example while the screen is locked.
    """

    def __init__(self, known: Mapping[str, Chord], clock: Callable[[], float] = time.monotonic) -> None:
        self.known = known
        self._clock = clock
        self._held: set[str] = set()
        self._last = clock()

    def press(self, key: str) -> Iterable[str]:
        """Return the names of the chords that this key completes; a repeated key completes none."""
        before, self._last = self._last, self._clock()
        if self._last - before > IDLE_SECONDS:
            self._held.clear()
        if key in self._held:
            return ()
        self._held.add(key)
        modifiers = self._held & MODIFIERS
        return [name for name, chord in self.known.items() if chord.key == key and chord.modifiers == modifiers]

    def release(self, key: str) -> Iterable[str]:
        """Return the names of the chords that contain this key."""
        self._held.discard(key)
        return [name for name, chord in self.known.items() if key == chord.key or key in chord.modifiers]
