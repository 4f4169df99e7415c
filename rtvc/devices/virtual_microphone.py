"""The virtual microphone on Linux, which Discord and OBS record.

It consists of a null sink, which rtvc plays into, and a source remapped from the sink's monitor, because browsers
(and Discord is one) hide monitors. On Windows and macOS an installed virtual cable takes its place: see
`virtual_cable`. `VirtualMicrophone` belongs to the thread that opens and closes the streams.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from rtvc.devices.portaudio import JACK, PULSE, DeviceIdentity
from rtvc.devices.pulse import connect, server_errors, unload_modules
from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

SINK = "rtvc_out"
SOURCE = "rtvc_mic"
RATE = 48_000

CHANNELS, VOICE_CHANNEL = 6, 5
"""Channels of a stream to the sink, and the one that carries the voice: the subwoofer's.

The sink has this channel only. If the sink is removed, PulseAudio moves its streams to another sink before anyone is
told. Sinks without a subwoofer drop that channel, so the voice is not heard there.
"""

_FEED = f"{DESCRIPTION} feed"
"""Without parentheses: PortAudio takes names on JACK for regular expressions."""

_SINK_ARGUMENT = (
    f"sink_name={SINK} rate={RATE} channels=1 channel_map=lfe sink_properties='device.description=\"{_FEED}\"'"
)
_SOURCE_ARGUMENT = (
    f"source_name={SOURCE} master={SINK}.monitor channels=1 channel_map=mono master_channel_map=lfe remix=no "
    f"source_properties='device.description=\"{DESCRIPTION}\" device.icon_name=audio-input-microphone'"
)
_PROMPT = "norewinds=1"
"""Keeps the sink from rendering 2 s ahead before anyone listens. Servers before 2021 do not know this argument."""

_OWNER = "rtvc virtual microphone"


class VirtualMicrophone:
    """The source "RTVC Microphone" and the sink that feeds it, on PulseAudio or PipeWire's pulse server.

    Modules left by a killed process are used again, so that applications that record from them keep their microphone.
    The owner is identified by its connection to the server, which ends with the process: while one program runs, a
    second one is refused. `close` removes both modules, whoever loaded them.

    Play into the device `identity` with a `DeviceStream`, or over PipeWire's JACK library into `jack_identity`. Any
    thread may open and close it, one at a time: a panel creates it while an engine that recovers does so, too.
    """

    identity = DeviceIdentity(PULSE, SINK)
    jack_identity = DeviceIdentity(JACK, _FEED)

    def __init__(self) -> None:
        self._server: pulsectl.Pulse | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> VirtualMicrophone:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Load the modules that are missing. Call it again after the server restarted or the sink was removed.

        Raises
        ------
        RtvcError
            If there is no server, the server refuses, or another process owns the microphone.
        """
        with self._lock:
            self._disconnect()
            server = self._server = connect(_OWNER)
            try:
                self._refuse_other_owners(server)
                if not self._unload(server, keep_whole=True):
                    self._load(server)
            except server_errors() as error:
                self._disconnect()
                raise RtvcError(f"The sound server refused to create the virtual microphone ({error}).") from None
            except RtvcError:
                self._disconnect()
                raise

    def close(self) -> None:
        """Remove the source and the sink. Does nothing if the server has gone; `open` uses what stays."""
        with self._lock:
            if self._server is None:
                return
            try:
                with suppress(RtvcError, *server_errors()):
                    self._unload(self._server, keep_whole=False)
            finally:
                self._disconnect()

    def _disconnect(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @staticmethod
    def _refuse_other_owners(server: pulsectl.Pulse) -> None:
        for client in server.client_list():
            process = client.proplist.get("application.process.id")
            if client.name == _OWNER and process != str(os.getpid()):
                raise RtvcError(f"Another rtvc (process {process}) uses the virtual microphone: close it first.")

    @staticmethod
    def _load(server: pulsectl.Pulse) -> None:
        try:
            server.module_load("module-null-sink", f"{_SINK_ARGUMENT} {_PROMPT}")
        except server_errors():
            server.module_load("module-null-sink", _SINK_ARGUMENT)
        server.module_load("module-remap-source", _SOURCE_ARGUMENT)

    @staticmethod
    def _unload(server: pulsectl.Pulse, keep_whole: bool) -> bool:
        """Unload our modules, the source first; with `keep_whole`, keep a complete pair and return True."""
        ours = [
            (module.argument.removesuffix(f" {_PROMPT}"), module.index)
            for module in server.module_list()
            if (module.argument or "").startswith((f"sink_name={SINK} ", f"source_name={SOURCE} "))
        ]
        if keep_whole and [argument for argument, _ in ours] == [_SINK_ARGUMENT, _SOURCE_ARGUMENT]:
            return True
        unload_modules(server, [index for _, index in reversed(ours)])
        return False


def virtual_microphone() -> VirtualMicrophone | None:
    """Return the virtual microphone on Linux, where rtvc creates it itself, not yet opened; None elsewhere."""
    return VirtualMicrophone() if sys.platform == "linux" else None
