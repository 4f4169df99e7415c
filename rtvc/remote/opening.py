"""Opening a live engine, here or on a server, as `rtvc live` and the panel's power button do.

The extra `server` is imported only when a server is used: the plain install has none of it. Everything runs on the
calling thread and may take seconds.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from rtvc.app.live import LiveSetup, RemoteServer, open_live
from rtvc.devices.live_port import LivePort
from rtvc.devices.port import AudioPort
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.errors import RtvcError
from rtvc.live.live_engine import LiveEngine
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from rtvc.remote.link import Address


def open_engine(
    setup: LiveSetup,
    settings: Settings,
    *,
    virtual_microphone: VirtualMicrophone | None = None,
    port: AudioPort | None = None,
    voices: VoiceLibrary | None = None,
    enrolments: EnrolmentLibrary | None = None,
) -> LiveEngine:
    """Return an engine that is ready to be started: `open_live`, or one that lets the server of `setup` compute.

    Over a server, pack, step and runtime are the server's, and enrolments are not used. Raises as `open_live`, and as
    `server_address`.
    """
    if setup.server is None:
        return open_live(
            setup,
            settings,
            virtual_microphone=virtual_microphone,
            port=port,
            voices=voices,
            enrolments=enrolments,
        )
    address = server_address(setup.server)
    from rtvc.remote.remote_engine import RemoteEngine

    devices = port or LivePort(
        setup.microphone,
        setup.output,
        setup.monitor,
        virtual_microphone=virtual_microphone,
        buffer_seconds=setup.profile.buffer_seconds,
    )
    bypass = setup.server.bypass_when_lost
    return RemoteEngine(address, devices, settings, bypass_when_lost=bypass, library=voices)


def server_address(server: RemoteServer) -> Address:
    """Return a server's address with what its token file holds.

    Raises `RtvcError` if the extra `server` is missing, or the address or the token file cannot be used.
    """
    check_installed()
    from rtvc.remote.access import Access, read_access
    from rtvc.remote.link import Address

    return Address(server.url, Access() if server.token_file is None else read_access(server.token_file)).check()


def check_installed() -> None:
    """Raise `RtvcError` that says how to install what servers and their clients need, if it is missing."""
    if find_spec("aiortc") is None or find_spec("aiohttp") is None:
        raise RtvcError('Servers need aiortc and aiohttp: in the folder of rtvc, run `pip install -e ".[server]"`.')
