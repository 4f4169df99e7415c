"""Ctrl-C, SIGTERM and a closed terminal (SIGHUP) end the main thread with an exception, wherever it is.

In a callback from C, that exception would be printed and lost, and the program would continue. libsndfile reads and
writes through such callbacks, so `uninterrupted` defers signals until they have returned. Signal handlers run on the
main thread; other threads are never interrupted.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_held_back: list[int] = []
_depth = 0


def end_on(*names: str) -> None:
    """Let signals end the main thread: SIGINT by `KeyboardInterrupt`, others by an exit with 128 and their number.

    Signals that the system does not have, and those that somebody ignores (as `nohup` does), are left alone.
    """
    for name in names:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _handle)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back while C may call back into Python; one that came meanwhile acts at the end."""
    global _depth
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0 and _held_back:
            number = _held_back[0]
            _held_back.clear()
            _end(number)


def _handle(number: int, frame: FrameType | None) -> None:
    if _depth:
        _held_back.append(number)
    else:
        _end(number)


def _end(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
