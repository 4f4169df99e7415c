"""A PulseAudio server, or PipeWire in its place: connecting to it, what it may answer with, and taking back modules.

A connection belongs to the thread that made it. pulsectl is imported when first needed: it exists on Linux only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

UNLOAD_SECONDS = 5.0
_POLL_SECONDS = 0.01


def connect(name: str) -> pulsectl.Pulse:
    """Connect to the server under a client's name; raise `RtvcError` where there is none."""
    try:
        import pulsectl
    except (ImportError, OSError):
        raise RtvcError("libpulse is missing: install it (Debian and Ubuntu: apt install libpulse0)") from None
    try:
        return pulsectl.Pulse(name, server=os.environ.get("PULSE_SERVER"))
    except server_errors():
        raise RtvcError(
            "No PulseAudio or PipeWire server answers: start one (pipewire-pulse or pulseaudio)"
        ) from None


def server_errors() -> tuple[type[Exception], ...]:
    """Return what a connection may raise where a server refuses, is dying or has gone: not all are `PulseError`s."""
    try:
        import pulsectl
    except (ImportError, OSError):  # Then nothing has been connected.
        return ()
    return pulsectl.PulseError, pulsectl.PulseDisconnected, pulsectl._pulsectl.LibPulse.CallError


def unload_modules(server: pulsectl.Pulse, modules: Sequence[int]) -> None:
    """Unload modules, in this order, and wait until they have gone with their sinks and sources.

    A server answers before it has done it. What is made in the meantime under the old names gets other ones, or is
    taken along when its master goes.

    Raises
    ------
    RtvcError
        If they are still there after 5 s.
    """
    for module in modules:
        with suppress(*server_errors()):  # It may have gone with its master; a server that has gone says so below.
            server.module_unload(module)
    deadline = time.monotonic() + UNLOAD_SECONDS
    while _left(server, modules):
        if time.monotonic() > deadline:
            raise RtvcError("The sound server does not remove old devices: restart it")
        time.sleep(_POLL_SECONDS)


def _left(server: pulsectl.Pulse, modules: Sequence[int]) -> bool:
    """Tell whether any of these modules, or what it made, is still there."""
    made = [device.owner_module for device in (*server.sink_list(), *server.source_list())]
    return not {*made, *(module.index for module in server.module_list())}.isdisjoint(modules)
