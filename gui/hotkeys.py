"""The hotkeys: actions, the user's keys for them, and which keys cannot be used."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence

from gui.chords import chord
from gui.language import tr, tr_noop
from gui.models.voices import SLOTS
from gui.options import Options
from gui.session import Session
from rtvc.app.soundboard import MOST_CLIPS
from rtvc.errors import RtvcError
from rtvc.names import did_you_mean

ADD_KEYS = "Ctrl+O"


class Scope(StrEnum):
    """Where keys are heard; the value is the field of `Options` that stores them."""

    WINDOW = "window_keys"
    GLOBAL = "global_keys"


@dataclass(frozen=True)
class Hotkey:
    """An action with its default keys in the window and in other programs, if any."""

    name: str
    explanation: str
    window_keys: str
    global_keys: str = ""
    number: int = 0

    @property
    def words(self) -> str:
        """The action, in the panel's language."""
        return tr(self.explanation, number=self.number)


HELD = "talk"
"""The hotkey that acts while it is held, so that it cannot be pressed from outside."""

HOTKEYS = (
    Hotkey("power", tr_noop("Switch on or off"), "Ctrl+Return", "Ctrl+Alt+P"),
    Hotkey("bypass", tr_noop("Bypass: your own voice"), "Ctrl+B", "Ctrl+Alt+B"),
    Hotkey("mute", tr_noop("Mute"), "Ctrl+M", "Ctrl+Alt+M"),
    Hotkey(HELD, tr_noop("Hold to talk"), "Space", "Ctrl+Alt+Space"),
    Hotkey("push_to_talk", tr_noop("Push to talk on or off"), "Ctrl+T"),
    Hotkey("monitor", tr_noop("Hear myself"), "Ctrl+H"),
    Hotkey("record", tr_noop("Record"), "Ctrl+R"),
    *(
        Hotkey(f"voice{number}", tr_noop("Voice of hotkey {number}"), f"Ctrl+{number}", f"Ctrl+Alt+{number}", number)
        for number in range(1, SLOTS + 1)
    ),
    *(
        Hotkey(f"clip{number}", tr_noop("Clip {number}"), f"Alt+{number}", number=number)
        for number in range(1, MOST_CLIPS + 1)
    ),
    Hotkey("stop_clips", tr_noop("Stop all clips"), "Alt+0"),
)

_MOVING = {
    Qt.Key.Key_Space,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
}


def unavailable(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Say in a sentence why global hotkeys are unavailable; empty if they are available."""
    wayland = environment.get("XDG_SESSION_TYPE") == "wayland" or "WAYLAND_DISPLAY" in environment
    if platform == "linux" and (wayland or "DISPLAY" not in environment):
        reason = tr("Wayland does not allow global hotkeys.") if wayland else tr("Global hotkeys need X11.")
        instead = tr(
            "Hotkeys work while this window has the focus. For keys that work everywhere, add a shortcut to your "
            "desktop's keyboard settings that runs a command, such as: rtvc-gui --press mute"
        )
        return f"{reason} {instead}"
    if importlib.util.find_spec("pynput") is None:
        return tr("Install the package pynput and restart rtvc to use hotkeys in other programs.")
    return ""


def heard_everywhere(options: Options) -> bool:
    """Tell whether hotkeys work in other programs."""
    return options.global_hotkeys and not unavailable()


def check_pressed(name: str) -> None:
    """Raise `RtvcError` if there is no hotkey of this name to press from outside the panel."""
    names = [hotkey.name for hotkey in HOTKEYS if hotkey.name != HELD]
    if name not in names:
        raise RtvcError(f"Unknown hotkey {name!r}. Available: {', '.join(names)}.{did_you_mean(name, names)}")


def keys(options: Options, scope: Scope) -> dict[str, QKeySequence]:
    """Return the keys of every hotkey; an empty sequence for none."""
    chosen: Mapping[str, str] = getattr(options, scope)
    return {hotkey.name: _sequence(chosen.get(hotkey.name, getattr(hotkey, scope))) for hotkey in HOTKEYS}


def with_keys(options: Options, scope: Scope, name: str, sequence: QKeySequence) -> dict[str, str]:
    """Return what `Options` stores for a scope once a hotkey has new keys; default keys are not stored."""
    wanted = {**keys(options, scope), name: sequence}
    return {
        hotkey.name: wanted[hotkey.name].toString()
        for hotkey in HOTKEYS
        if wanted[hotkey.name] != _sequence(getattr(hotkey, scope))
    }


def problem(options: Options, scope: Scope, name: str, sequence: QKeySequence) -> str:
    """Say in a sentence why a hotkey cannot have these keys; empty if it can."""
    if sequence.isEmpty():
        return ""
    words = in_words(sequence)
    if sequence == QKeySequence(ADD_KEYS):
        return tr("{keys} already adds a voice from a recording. Press other keys.", keys=words)
    for where in Scope:
        for hotkey in HOTKEYS:
            if hotkey.name != name and keys(options, where)[hotkey.name] == sequence:
                if where is Scope.GLOBAL:
                    return tr(
                        "{keys} is used in other programs by “{action}”. Clear it there, or press other keys.",
                        keys=words,
                        action=hotkey.words,
                    )
                return tr(
                    "{keys} is used by “{action}”. Clear it there, or press other keys.",
                    keys=words,
                    action=hotkey.words,
                )
    if scope is Scope.GLOBAL:
        try:
            chord(sequence)
        except RtvcError as error:
            return str(error)
    elif name != HELD and not _held(sequence) and sequence[0].key() in _MOVING:
        return tr("{keys} alone is needed to navigate this window. Add Ctrl or Alt.", keys=words)
    return ""


def in_words(sequence: QKeySequence) -> str:
    """Return keys as this operating system writes them."""
    return sequence.toString(QKeySequence.SequenceFormat.NativeText)


def explained(explanation: str, options: Options, name: str) -> str:
    """Return an explanation followed by the hotkey's keys in the window, if it has any."""
    words = in_words(keys(options, Scope.WINDOW)[name])
    return f"{explanation} ({words})" if words else explanation


def actions(session: Session) -> dict[str, Callable[[], None]]:
    """Return the action of each hotkey, except `talk`, which is held."""
    preferences, live = session.preferences, session.live

    def toggle_push_to_talk() -> None:
        preferences.change(push_to_talk=not preferences.settings.push_to_talk, talking=False)

    result: dict[str, Callable[[], None]] = {
        "power": lambda: live.set_power(not live.on),
        "bypass": lambda: preferences.change(bypass=not preferences.settings.bypass),
        "mute": lambda: preferences.change(mute=not preferences.settings.mute),
        "push_to_talk": toggle_push_to_talk,
        "monitor": lambda: session.devices.hear_myself(not preferences.settings.monitor),
        "stop_clips": session.soundboard.stop,
        "record": lambda: live.set_recording(not live.snapshot.recording),
    }
    for number in range(1, SLOTS + 1):
        result[f"voice{number}"] = partial(session.voices.choose_slot, number)
    for number in range(1, MOST_CLIPS + 1):
        result[f"clip{number}"] = partial(session.soundboard.play, number)
    return result


def _sequence(text: str) -> QKeySequence:
    """Parse stored keys; invalid ones count as none."""
    sequence = QKeySequence(text)
    return sequence if sequence.count() == 1 and sequence[0].key() != Qt.Key.Key_unknown else QKeySequence()


def _held(sequence: QKeySequence) -> bool:
    """Tell whether keys have a modifier other than Shift."""
    held = sequence[0].keyboardModifiers()
    return bool(
        held
        & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier)
    )
