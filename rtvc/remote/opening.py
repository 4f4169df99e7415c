"""Opening a live engine whose models run on a server, as `rtvc live --server` and the panel do.

The extra `server` is imported only when a server is used: the plain install has none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rtvc.app.live import LiveSetup
from rtvc.devices.live_port import LivePort
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.errors import RtvcError
from rtvc.live.live_engine import LiveEngine
from rtvc.settings import Settings
from rtvc.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from rtvc.remote.link import Address


class WhenLost(StrEnum):
    """What listeners hear while the server is lost."""

    SILENCE = "silence"
    BYPASS = "bypass"


@dataclass(frozen=True)
class RemoteServer:
    """A server and how to use it.

    Attributes
    ----------
    url
        Its address.
    token_file
        A copy of its token file; None if it asks for no token.
    when_lost
        What listeners hear while it is lost.
    """

    url: str
    token_file: Path | None = None
    when_lost: WhenLost = WhenLost.SILENCE

    def check(self) -> None:
        """Raise `RtvcError` if the extra `server` is missing, or the address or the token file cannot be used."""
        self.address()

    def address(self) -> Address:
        """Return the address with what the token file holds; raises as `check`."""
        check_installed()
        from rtvc.remote.access import Access, read_access
        from rtvc.remote.link import Address

        return Address(self.url, Access() if self.token_file is None else read_access(self.token_file)).check()


def open_remote(
    server: RemoteServer,
    setup: LiveSetup,
    settings: Settings,
    *,
    virtual_microphone: VirtualMicrophone | None = None,
    voices: VoiceLibrary | None = None,
) -> LiveEngine:
    """Return an engine that is ready to be started and lets a server compute; see `open_live`.

    Pack, step and runtime are the server's; those of `setup` are ignored. Raises as `RemoteServer.check`.
    """
    address = server.address()
    from rtvc.remote.remote_engine import RemoteEngine

    port = LivePort(
        setup.microphone,
        setup.output,
        setup.monitor,
        virtual_microphone=virtual_microphone,
        buffer_seconds=setup.profile.buffer_seconds,
    )
    bypass = server.when_lost is WhenLost.BYPASS
    return RemoteEngine(address, port, settings, bypass_when_lost=bypass, library=voices)


def check_installed() -> None:
    """Raise `RtvcError` that says how to install what servers and their clients need, if it is missing."""
    if find_spec("aiortc") is None or find_spec("aiohttp") is None:
        raise RtvcError('Servers need aiortc and aiohttp: in the folder of rtvc, run `pip install -e ".[server]"`.')
