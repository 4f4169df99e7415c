"""Waiting for something that another thread or process brings about."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 15.0, every: float = 0.002) -> None:
    """Return once `condition()` is true; fail if that takes longer than `seconds`. Look every so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened within {seconds:.0f} s"
        time.sleep(every)
