"""The microphone that Discord and OBS see.

On Linux it is made here: a null sink to play into, and a source remapped from the sink's monitor, because browsers
(Discord is one) hide monitors. On Windows and macOS a virtual cable must have been installed; it is found by name.

`VirtualMicrophone` is used by the thread that opens and closes the streams. `RouteWatch` has a thread of its own,
which calls back from there. Neither is touched by the audio callback.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from rtvc.devices.portaudio import CABLES, PULSE, VIRTUAL_AUDIO_CABLE, Device, DeviceIdentity
from rtvc.devices.pulse import connect, server_errors, unload_modules
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

SINK = "rtvc_out"
SOURCE = "rtvc_mic"
DESCRIPTION = "RTVC Microphone"
RATE = 48_000

Role = Literal["voice", "microphone", "monitor"]
"""What a stream of this program is for; `duplex` writes it into the stream's properties as `ROLE_PROPERTY`."""

ROLE_PROPERTY = "rtvc.role"

CHANNELS, VOICE_CHANNEL = 6, 5
"""How a stream to the sink is opened, and which of its channels has the voice: the one for low frequencies.

The sink has this channel only. When it goes, PulseAudio moves what played there to another sink before anybody is
told; sinks without a subwoofer leave the channel out, so that the voice is heard nowhere.
"""

_SINK_ARGUMENT = (
    f"sink_name={SINK} rate={RATE} channels=1 channel_map=lfe "
    f"sink_properties='device.description=\"{DESCRIPTION} (feed)\"'"
)
_SOURCE_ARGUMENT = (
    f"source_name={SOURCE} master={SINK}.monitor channels=1 channel_map=mono master_channel_map=lfe remix=no "
    f"source_properties='device.description=\"{DESCRIPTION}\" device.icon_name=audio-input-microphone'"
)
_PROMPT = "norewinds=1"
"""Keeps the sink from rendering two seconds ahead before someone listens; servers before 2021 do not know it."""

_OWNER = "rtvc virtual microphone"
_WATCH_SECONDS = 0.2


class VirtualMicrophone:
    """A source "RTVC Microphone" and the sink that feeds it, on PulseAudio or PipeWire's pulse server.

    What a crash left behind is used again, so that applications which listen to it keep it. The owner is known by
    its connection to the server, which ends with the process: a second program is refused while the first one
    runs. `close` removes both, whoever made them.

    Play into the device `identity`, by `duplex.PlaybackStream`.
    """

    identity = DeviceIdentity(PULSE, SINK)

    def __init__(self) -> None:
        self._server: pulsectl.Pulse | None = None

    def __enter__(self) -> VirtualMicrophone:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Create what is missing; also when open already, after the server was restarted or the sink removed.

        Raises
        ------
        RtvcError
            If there is no server, it refuses, or another process owns the microphone.
        """
        self._disconnect()
        server = self._server = connect(_OWNER)
        try:
            self._refuse_other_owners(server)
            if not self._unload(server, keep_whole=True):
                self._load(server)
        except server_errors() as error:
            self._disconnect()
            raise RtvcError(f"The sound server refused to make the virtual microphone ({error})") from None
        except RtvcError:
            self._disconnect()
            raise

    def close(self) -> None:
        """Remove the microphone and its sink. A server that has gone took them along; what stays is used again."""
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
                raise RtvcError(f"Another rtvc (process {process}) has the virtual microphone: close it first")

    @staticmethod
    def _load(server: pulsectl.Pulse) -> None:
        try:
            server.module_load("module-null-sink", f"{_SINK_ARGUMENT} {_PROMPT}")
        except server_errors():
            server.module_load("module-null-sink", _SINK_ARGUMENT)
        server.module_load("module-remap-source", _SOURCE_ARGUMENT)

    @staticmethod
    def _unload(server: pulsectl.Pulse, keep_whole: bool) -> bool:
        """Unload our modules, source first; with `keep_whole`, leave a complete set as it is and return True."""
        ours = [
            (module.argument.removesuffix(f" {_PROMPT}"), module.index)
            for module in server.module_list()
            if (module.argument or "").startswith((f"sink_name={SINK} ", f"source_name={SOURCE} "))
        ]
        if keep_whole and [argument for argument, _ in ours] == [_SINK_ARGUMENT, _SOURCE_ARGUMENT]:
            return True
        unload_modules(server, [index for _, index in reversed(ours)])
        return False


class RouteWatch:
    """Watches that the server leaves our streams where they belong, and ends those that it does not.

    When a sink goes, PulseAudio moves what played there to another one without telling the program: the voice
    would come out of a subwoofer, or of the loudspeakers if it was no virtual microphone's. A stream of ours found
    anywhere else is killed in the server within milliseconds, with all that was queued there. To the program it has
    then failed like any stream whose device went.

    Parameters
    ----------
    expected
        For each role the sink (or source, of the microphone) that its stream belongs on. Other roles are let be.
    on_trouble
        Called with one sentence, from this object's thread, when a stream was killed or the server has gone.
    """

    def __init__(self, expected: Mapping[Role, str], on_trouble: Callable[[str], None]) -> None:
        self._expected = expected
        self._on_trouble = on_trouble
        self._stopping = threading.Event()
        self._changed = False
        self._thread = threading.Thread(target=self._run, name="rtvc route watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the thread has ended on return, or ends within a quarter of a second if it is the caller."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _note(self, event: Any) -> None:  # noqa: ANN401 - pulsectl has no types
        import pulsectl

        self._changed = True
        raise pulsectl.PulseLoopStop

    def _run(self) -> None:
        gone = False
        while not self._stopping.is_set():
            try:
                with connect("rtvc route watch") as server:
                    gone = False
                    server.event_mask_set("sink_input", "source_output")
                    server.event_callback_set(self._note)
                    while not self._stopping.is_set():
                        # An event that comes while the streams are looked at would not end the listening after it.
                        self._changed = False
                        for trouble in _kill_strays(server, self._expected):
                            self._on_trouble(trouble)
                        if not self._changed:
                            server.event_listen(timeout=_WATCH_SECONDS)
            except server_errors():
                # A stream ended while it was looked at, or the server did: connecting again tells which.
                continue
            except RtvcError:
                if not gone:
                    gone = True
                    self._on_trouble("The sound server has gone")
                self._stopping.wait(_WATCH_SECONDS)


def _kill_strays(server: pulsectl.Pulse, expected: Mapping[Role, str]) -> list[str]:
    """Kill the streams of this process that are not where they belong; say where they were."""
    troubles = []
    own = str(os.getpid())
    for kind, streams, devices in (
        ("sink", server.sink_input_list(), server.sink_list()),
        ("source", server.source_output_list(), server.source_list()),
    ):
        names = {device.index: device.name for device in devices}
        for stream in streams:
            role = stream.proplist.get(ROLE_PROPERTY)
            belongs = expected.get(role)
            if belongs is None or stream.proplist.get("application.process.id") != own:
                continue
            place = names.get(getattr(stream, kind))
            if place != belongs:
                _kill(server, kind, stream.index)
                moved = f"The sound server moved the {role} from {belongs} to {place}"
                troubles.append(moved if place else f"The sound server took {belongs} away")
    return troubles


def _kill(server: pulsectl.Pulse, kind: str, index: int) -> None:
    """End a stream in the server, as pulsectl cannot. Muting would be remembered by the server for the next one."""
    library = ctypes.CDLL("libpulse.so.0")
    kill = library.pa_context_kill_sink_input if kind == "sink" else library.pa_context_kill_source_output
    kill.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p]
    kill.restype = ctypes.c_void_p
    library.pa_operation_unref.argtypes = [ctypes.c_void_p]
    operation = kill(ctypes.cast(server._ctx, ctypes.c_void_p), index, None, None)
    if operation:
        library.pa_operation_unref(operation)
    server.server_info()  # a round trip, which sends what was asked


@dataclass(frozen=True)
class VirtualCable:
    """An installed virtual cable: play into `playback`; applications choose `microphone` as theirs."""

    product: str
    playback: Device
    microphone: str


_HOST_APIS = ("WASAPI", "Core Audio", "DirectSound", "MME", "WDM-KS")


def find_virtual_cable(devices: Sequence[Device]) -> VirtualCable | None:
    """Find an installed virtual cable among devices as `list_devices` gives them; prefer it under WASAPI."""
    found = [cable for device in devices if (cable := _as_cable(device)) is not None]
    return min(found, key=lambda cable: _HOST_APIS.index(cable.playback.host_api), default=None)


def _as_cable(device: Device) -> VirtualCable | None:
    if not device.outputs or device.host_api not in _HOST_APIS:
        return None
    name = device.description
    for product, playback, microphone in CABLES:
        if name.casefold().startswith(playback.casefold()):
            return VirtualCable(product, device, microphone + name[len(playback) :])
    if VIRTUAL_AUDIO_CABLE.casefold() in name.casefold():
        return VirtualCable("Virtual Audio Cable", device, name)
    return None


def explain_virtual_cable(platform: str = sys.platform) -> str:
    """Say in two lines how to get a virtual microphone on a platform that has none of its own."""
    if platform == "win32":
        return (
            "Install VB-CABLE (vb-audio.com/Cable) or Virtual Audio Cable, and restart the computer.\n"
            'Then rtvc plays into "CABLE Input", and Discord or OBS takes "CABLE Output" as its microphone.'
        )
    if platform == "darwin":
        return (
            "Install BlackHole with: brew install blackhole-2ch\n"
            'Then rtvc plays into "BlackHole 2ch", and Discord or OBS takes "BlackHole 2ch" as its microphone.'
        )
    return (
        "Run PipeWire with pipewire-pulse, or PulseAudio, and install the library libpulse0.\n"
        f'Then rtvc makes "{DESCRIPTION}" by itself, and Discord or OBS takes it as its microphone.'
    )
