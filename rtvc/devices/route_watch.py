"""Watching that the sound server leaves rtvc's streams on their devices. Linux only.

`RouteWatch` has a thread of its own and calls back from there.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from rtvc.devices.pulse import connect, server_errors
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

Role = Literal["voice", "microphone", "monitor"]
"""What a stream is for. `DeviceStream` writes it into the stream's properties as `ROLE_PROPERTY`."""

ROLE_PROPERTY = "rtvc.role"

_WATCH_SECONDS = 0.2


class RouteWatch:
    """Ends every stream of this process that the sound server moves to another device.

    When a sink is removed, PulseAudio moves its streams to another sink without telling the program: the voice would
    come out of a subwoofer, or of the loudspeakers if the sink was not the virtual microphone's. A stream found
    anywhere else is killed in the server within milliseconds, with all sound queued there. In the program it then
    fails like any stream whose device has gone.

    Parameters
    ----------
    expected
        For each role the sink that its stream belongs on, or the source for the microphone. Other roles are ignored.
    on_error
        Called from this object's thread with one sentence when a stream was killed or the server has gone.
    """

    def __init__(self, expected: Mapping[Role, str], on_error: Callable[[str], None]) -> None:
        self._expected = expected
        self._on_error = on_error
        self._stopping = threading.Event()
        self._changed = False
        self._thread = threading.Thread(target=self._run, name="rtvc route watch", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. The thread has ended on return, or ends within 0.25 s if it is the caller."""
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
                        # An event that arrives while the streams are checked would not end the next wait.
                        self._changed = False
                        for error in _kill_strays(server, self._expected):
                            self._on_error(error)
                        if not self._changed:
                            server.event_listen(timeout=_WATCH_SECONDS)
            except server_errors():
                # A stream ended while it was checked, or the server did: connecting again tells which.
                continue
            except RtvcError:
                if not gone:
                    gone = True
                    self._on_error("The sound server stopped")
                self._stopping.wait(_WATCH_SECONDS)


def _kill_strays(server: pulsectl.Pulse, expected: Mapping[Role, str]) -> list[str]:
    """Kill the streams of this process that are on the wrong device; return a sentence about each."""
    errors = []
    own = str(os.getpid())
    for kind, streams, devices in (
        ("sink", server.sink_input_list(), server.sink_list()),
        ("source", server.source_output_list(), server.source_list()),
    ):
        names = {device.index: device.name for device in devices}
        for stream in streams:
            role = stream.proplist.get(ROLE_PROPERTY)
            device = expected.get(role)
            if device is None or stream.proplist.get("application.process.id") != own:
                continue
            actual = names.get(getattr(stream, kind))
            if actual != device:
                _kill(server, kind, stream.index)
                moved = f"The sound server moved the {role} from {device} to {actual}"
                errors.append(moved if actual else f"The sound server removed {device}")
    return errors


def _kill(server: pulsectl.Pulse, kind: str, index: int) -> None:
    """End a stream in the server, which pulsectl cannot. The server would remember a mute for the next stream."""
    library = ctypes.CDLL("libpulse.so.0")
    kill = library.pa_context_kill_sink_input if kind == "sink" else library.pa_context_kill_source_output
    kill.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p]
    kill.restype = ctypes.c_void_p
    library.pa_operation_unref.argtypes = [ctypes.c_void_p]
    operation = kill(ctypes.cast(server._ctx, ctypes.c_void_p), index, None, None)
    if operation:
        library.pa_operation_unref(operation)
    server.server_info()  # a round trip, so that the request has been sent
