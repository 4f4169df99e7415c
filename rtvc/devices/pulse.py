"""Connecting to a PulseAudio server, or to PipeWire's pulse server.

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
    """Connect to the server under a client name; raise `RtvcError` if there is none."""
    try:
        import pulsectl
    except (ImportError, OSError):
        raise RtvcError("libpulse is missing: install it (Debian and Ubuntu: apt install libpulse0).") from None
    try:
        return pulsectl.Pulse(name, server=os.environ.get("PULSE_SERVER"))
    except server_errors():
        raise RtvcError(
            "No PulseAudio or PipeWire server answers: start one (pipewire-pulse or pulseaudio)."
        ) from None


def server_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of a server that refuses, is dying or has gone. Not all of them are `PulseError`s."""
    try:
        import pulsectl
    except (ImportError, OSError):  # Nothing can have been connected.
        return ()
    return pulsectl.PulseError, pulsectl.PulseDisconnected, pulsectl._pulsectl.LibPulse.CallError


def unload_modules(server: pulsectl.Pulse, modules: Sequence[int]) -> None:
    """Unload modules in this order, and wait until their sinks and sources have gone, too.

    The server answers before it has finished. A device created in the meantime under an old name would get another
    name, or be removed with its master.

    Raises
    ------
    RtvcError
        If they are still there after 5 s.
    """
    for module in modules:
        with suppress(*server_errors()):  # It may have gone with its master. If the server has gone, `_left` raises.
            server.module_unload(module)
    deadline = time.monotonic() + UNLOAD_SECONDS
    while _left(server, modules):
        if time.monotonic() > deadline:
            raise RtvcError("The sound server does not remove old devices: restart it.")
        time.sleep(_POLL_SECONDS)


def _left(server: pulsectl.Pulse, modules: Sequence[int]) -> bool:
    """Return whether any of these modules, or a device that it created, is still there."""
    made = [device.owner_module for device in (*server.sink_list(), *server.source_list())]
    return not {*made, *(module.index for module in server.module_list())}.isdisjoint(modules)
