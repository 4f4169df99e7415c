"""Watching that the sound server leaves rtvc's streams on their devices. Linux only.

`RouteWatch` has a thread of its own and calls back from there.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rtvc.devices.device_stream import TOKEN_PROPERTY, DeviceStream
from rtvc.devices.pulse import connect, server_errors
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

_WATCH_SECONDS = 0.2


class RouteWatch:
    """Ends every given stream that the sound server moves to another device.

    When a sink is removed, PulseAudio moves its streams to another sink without telling the program: the voice would
    come out of a subwoofer, or of the loudspeakers if the sink was not the virtual microphone's. A stream found
    anywhere else is killed in the server within milliseconds, with all sound queued there. In the program it then
    fails like any stream whose device has gone.

    Parameters
    ----------
    streams
        The streams to watch. All others are left alone, those of this process included.
    on_error
        Called from this object's thread with one sentence when a stream was killed or the server has gone. A monitor
        is killed without a word: the voice goes on, and the monitor's own stream tells that it has gone.
    """

    def __init__(self, streams: Sequence[DeviceStream], on_error: Callable[[str], None]) -> None:
        self._streams = {stream.token: stream for stream in streams}
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
                        for error in self._kill_strays(server):
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

    def _kill_strays(self, server: pulsectl.Pulse) -> list[str]:
        """Kill the streams that are on the wrong device; return a sentence about each."""
        errors = []
        for kind, found, devices in (
            ("sink", server.sink_input_list(), server.sink_list()),
            ("source", server.source_output_list(), server.source_list()),
        ):
            names = {device.index: device.name for device in devices}
            for entry in found:
                stream = self._streams.get(entry.proplist.get(TOKEN_PROPERTY))
                if stream is None:
                    continue
                wanted, actual = stream.device.name, names.get(getattr(entry, kind))
                if actual == wanted:
                    continue
                _kill(server, kind, entry.index)
                if stream.role != "monitor":
                    moved = f"The sound server moved the {stream.role} from {wanted} to {actual}"
                    errors.append(moved if actual else f"The sound server removed {wanted}")
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
