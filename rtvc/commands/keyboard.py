"""Single keys of the terminal while a command runs, without echo. Everything runs on the main thread."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

if sys.platform == "win32":
    import msvcrt
else:
    import termios

READ_BYTES = 64

_SEQUENCES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O?.?)")
"""Arrow and function keys (ECMA-48, 5.4)."""


class Keyboard(Protocol):
    """Where keys come from."""

    def pressed(self) -> str:
        """Return the characters typed since the last call, without arrow and function keys; returns at once."""
        ...


@contextmanager
def keyboard() -> Iterator[Keyboard | None]:
    """Yield the terminal's keyboard, and restore the terminal at the end.

    None where standard input is no terminal, or where the process runs in the background: the system would stop it.
    """
    if not sys.stdin.isatty():
        yield None
    elif sys.platform == "win32":
        yield _Console()
    else:
        with _without_line_editing(sys.stdin.fileno()) as terminal:
            yield terminal


if sys.platform == "win32":

    class _Console:
        """The console of Windows, which delivers and echoes nothing by itself."""

        def pressed(self) -> str:
            typed = ""
            while msvcrt.kbhit():
                character = msvcrt.getwch()
                if character in "\x00\xe0":  # an arrow or function key: its code follows
                    msvcrt.getwch()
                else:
                    typed += character
            return typed

else:

    class _Terminal:
        """A POSIX terminal that passes on each key at once."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def pressed(self) -> str:
            if not _in_foreground(self._descriptor):
                return ""
            with suppress(OSError):  # the terminal has been closed; SIGHUP ends the command
                return _SEQUENCES.sub(b"", os.read(self._descriptor, READ_BYTES)).decode(errors="ignore")
            return ""

    @contextmanager
    def _without_line_editing(descriptor: int) -> Iterator[_Terminal | None]:
        try:
            if not _in_foreground(descriptor):
                raise OSError
            before = termios.tcgetattr(descriptor)
            changed = termios.tcgetattr(descriptor)
            changed[3] &= ~(termios.ICANON | termios.ECHO)  # Ctrl-C stays a signal (ISIG)
            changed[6][termios.VMIN] = changed[6][termios.VTIME] = 0  # a read returns what there is
            termios.tcsetattr(descriptor, termios.TCSADRAIN, changed)
        except (OSError, termios.error):
            yield None
            return
        try:
            yield _Terminal(descriptor)
        finally:
            # In the background, the terminal belongs to another program, and changing it would stop this one.
            with suppress(termios.error):
                if _in_foreground(descriptor):
                    termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)

    def _in_foreground(descriptor: int) -> bool:
        try:
            return os.tcgetpgrp(descriptor) == os.getpgrp()
        except OSError:
            return False
