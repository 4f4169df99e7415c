"""From the first start to a browser that records the changed voice, with a real mouse and real keys.

A virtual X server, a sound server of its own, the panel as a process, a headless browser.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.packs.pack import find_pack
from rtvc.voices.library import VoiceLibrary
from tests.support import observed_panel
from tests.support.browser import BROWSER, RATE, recording_browser
from tests.support.pulse import PulseServer, played
from tests.support.voices import is_nearer
from tests.support.waiting import until

SPEAKER, TARGET = "Willow", "Rowan"
PIECES = 4
"""Of so many pieces of 2 s the latest are judged: what was heard before the speaker was known is forgotten."""

pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="needs Chromium (apt install chromium)"),
    pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs the program 'Xvfb' (apt install xvfb)"),
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="needs the program 'xdotool' (apt install xdotool)"),
    pytest.mark.skipif(shutil.which("pacat") is None, reason="needs 'pacat' (apt install pulseaudio-utils)"),
]


@pytest.fixture
def display() -> Iterator[str]:
    """Start a virtual X server and return its display."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb has not started"
    yield f":{number}"
    server.kill()
    server.wait()


class Hand:
    """A mouse and a keyboard on the panel's display."""

    def __init__(self, display: str, seen: Path) -> None:
        self._environment = os.environ | {"DISPLAY": display}
        self._seen = seen

    def seen(self) -> dict[str, Any]:
        """Return what the panel shows."""
        shown: dict[str, Any] = json.loads(self._seen.read_text())
        return shown

    def move(self, *action: str) -> None:
        subprocess.run(["xdotool", *action], env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def see(self, condition: Callable[[dict[str, Any]], object]) -> None:
        """Wait until the panel shows something."""
        until(lambda: condition(self.seen()), seconds=60, every=0.1)

    def click(self, button: str) -> None:
        """Click a button once it is there and no longer moves."""
        places: list[list[int] | None] = []

        def still() -> bool:
            places.append(self.seen()["buttons"].get(button))
            return places[-1] is not None and places[-3:] == [places[-1]] * 3

        until(still, seconds=60, every=0.3)
        self.move("mousemove", *map(str, places[-1] or ()), "click", "1")


@contextmanager
def panel(display: str, server: str, home: Path) -> Iterator[Hand]:
    """Start the panel of a user without any folders yet."""
    seen = home / "seen.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "WAYLAND_"))}
    environment |= {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PULSE_SERVER": server, "LANG": "C.UTF-8"}
    environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    command = [sys.executable, "-m", observed_panel.__name__, str(seen)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: seen.exists() or process.poll() is not None, seconds=60, every=0.1)
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.skip(f"Qt cannot draw on X11 here: {process.stderr.read().strip()[-200:]}")
        hand = Hand(display, seen)
        # Without a window manager nobody gives the window the keyboard.
        hand.move("search", "--sync", "--onlyvisible", "--name", "Real-time voice changer", "windowfocus")
        hand.see(lambda shown: shown["active"])
        yield hand
    finally:
        process.terminate()
        process.communicate(timeout=30)


def at_step(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: bool(shown["step"] == number)


def test_from_the_first_start_to_a_browser_that_hears_the_changed_voice(
    display: str, pulse: PulseServer, tmp_path: Path
) -> None:
    library, pack = VoiceLibrary(tmp_path / "voices"), find_pack("mini")
    speaker = library.find(SPEAKER)
    speech = np.tile(speaker.recording.read(), 20)
    soundfile.write(tmp_path / "speech.wav", speech, speaker.recording.rate)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with played(tmp_path / "speech.wav", pulse.address), panel(display, pulse.address, home) as hand:
        for step in range(2, 6):
            hand.click("Next")
            hand.see(at_step(step))
        hand.click("Start talking")
        hand.see(lambda shown: shown["state"] == "RUNNING")
        hand.click("Search voices")
        hand.move("type", TARGET)
        hand.see(lambda shown: f"Voice {SPEAKER}" not in shown["buttons"])
        hand.click(f"Voice {TARGET}")
        hand.see(lambda shown: shown["voice"] == TARGET)
        hand.move("key", "ctrl+b")
        hand.see(lambda shown: shown["bypass"])
        hand.move("key", "ctrl+b")
        hand.see(lambda shown: not shown["bypass"])
        with recording_browser(tmp_path, pulse.address) as page:
            pieces: list[Block] = []

            def changed() -> bool:
                pieces.append(page.piece())
                heard = resample(np.concatenate(pieces[-PIECES:]), RATE, pack.sample_rate)
                return is_nearer(heard, library.find(TARGET), speaker, pack)

            until(changed, seconds=120)
            assert any(label.startswith(DESCRIPTION) for label in page.labels)
