"""Keys of the terminal, in a process that has a pseudoterminal as its controlling terminal."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from rtvc.commands import keyboard
from rtvc.commands.live import after_key
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import VoiceLibrary

PROGRAM = """
import sys, time
from rtvc.commands.keyboard import keyboard
with keyboard() as keys:
    print("ready" if keys is not None else "no keys", flush=True)
    typed = ""
    for _ in range(3000):
        typed += keys.pressed() if keys is not None else "q"
        if typed.endswith("!"):
            raise SystemExit(f"typed {typed}")
        if typed.endswith("q"):
            break
        time.sleep(0.01)
print(f"typed {typed}", flush=True)
"""


def begin(*prefix: str, program: str = PROGRAM) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program on a terminal of its own; return it and the terminal's other end."""
    terminal, inside = pty.openpty()
    command = ["setsid", "--ctty", *prefix, sys.executable, "-c", program]
    process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    return process, terminal


def said(terminal: int, end: bytes) -> bytes:
    """Read up to and including `end`."""
    text = b""
    while not text.endswith(end):
        text += os.read(terminal, 1)
    return text


def edits_lines(terminal: int) -> bool:
    flags = termios.tcgetattr(terminal)[3]
    return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


@pytest.mark.parametrize("last", ["q", "!"], ids=["at the end", "after an exception"])
def test_keys_come_at_once_without_echo_and_the_terminal_is_restored(last: str) -> None:
    process, terminal = begin()
    said(terminal, b"ready\r\n")
    assert not edits_lines(terminal)
    os.write(
        terminal, b"m\x1b[A\x1bOPb" + last.encode()
    )  # an arrow and F1 are none of the letters in their sequences
    shown = said(terminal, b"typed ")
    assert shown.strip() == b"typed", "nothing is echoed"
    assert said(terminal, b"\n").strip() == b"mb" + last.encode()
    process.wait(15)
    assert edits_lines(terminal)
    os.close(terminal)


def test_a_program_in_the_background_leaves_the_terminal_alone() -> None:
    # The program leaves the foreground process group, as the shell's `&` makes it do.
    leave = f"import os; os.setpgid(0, 0)\n{PROGRAM}"
    process, terminal = begin("sh", "-c", '"$@"; true', "sh", program=leave)
    assert b"typed q" in said(terminal, b"typed q")
    assert process.wait(15) == 0
    assert edits_lines(terminal)
    os.close(terminal)


def test_standard_input_that_is_no_terminal_has_no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("mbv", encoding="utf-8")
    with (tmp_path / "input").open(encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with keyboard.keyboard() as keys:
            assert keys is None


def test_keys_mute_bypass_and_take_the_next_voice() -> None:
    voices = VoiceLibrary()
    names = [voice.name for voice in voices.list()]
    now = Settings(voice=names[-2])
    assert after_key("m", now, voices).mute
    assert not after_key("M", after_key("m", now, voices), voices).mute
    assert after_key("b", now, voices).bypass
    assert after_key("x", now, voices) == now
    following = after_key("v", now, voices)
    assert following.voice == names[-1]
    assert after_key("v", following, voices).voice == names[0], "after the last voice comes the first"
    assert after_key("v", Settings(voice="A:0.5,B:0.5"), voices).voice == names[0]
    own = Settings(map=MapChoice(strength=0.0))
    assert after_key("v", own, voices) == own, "the own voice has no next one"
