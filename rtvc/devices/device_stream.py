"""One PortAudio stream between a device and a `Capture` or `Playback`.

The callbacks run in PortAudio's threads. They copy and count; they do not allocate, lock or log. One thread opens and
closes a stream.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtvc.devices.portaudio import (
    JACK,
    PULSE,
    Device,
    Direction,
    extra_settings,
    open_streams,
    portaudio,
    portaudio_lock,
)
from rtvc.devices.sides import Capture, Playback
from rtvc.devices.virtual_microphone import CHANNELS, VOICE_CHANNEL, VirtualMicrophone
from rtvc.errors import RtvcError

Role = Literal["voice", "microphone", "monitor"]
"""What a stream is for. Sound servers remember volumes by it."""

TOKEN_PROPERTY = "rtvc.token"
"""The property in which PulseAudio keeps a stream's token."""

BUFFER_SECONDS = 0.02
STALL_SECONDS = 0.5
STARTING_SECONDS = 3.0
"""How long a stream may take to start: PulseAudio's null sinks render 2 s ahead until someone listens."""


class DeviceStream:
    """A stream from or to a device.

    Parameters
    ----------
    device
        An input for a `Capture`, an output for a `Playback`.
    side
        Where sound goes to or comes from; the stream takes its `rate` and `block`.
    role
        What the stream is for.
    buffer_seconds
        Buffer to ask of the device. Less means less delay, and more risk of crackles on a busy machine.

    Attributes
    ----------
    token
        What tells this stream from all others in the sound server, for `RouteWatch`.
    threads
        Native ids of the threads that the libraries started for this stream; empty unless on Linux.
    """

    def __init__(
        self, device: Device, side: Capture | Playback, role: Role, buffer_seconds: float = BUFFER_SECONDS
    ) -> None:
        self.device = device
        self.side = side
        self.role = role
        self.token = secrets.token_hex(8)
        self._buffer_seconds = buffer_seconds
        self.threads: frozenset[int] = frozenset()
        self._stream: Any = None
        self._finished = False
        self._opened = 0.0
        self._channels, self._place = 1, 0
        self._mono = np.zeros(0, np.float32)

    @property
    def direction(self) -> Direction:
        """Whether it records or plays."""
        return "input" if isinstance(self.side, Capture) else "output"

    def open(self) -> None:
        """Open the device and start the stream; raise `RtvcError` that names the device if it is refused."""
        library = portaudio()
        capturing = self.direction == "input"
        self._channels, self._place = self._layout()
        self._mono = np.zeros(self.side.block, np.float32)
        self._finished = False
        try:
            with portaudio_lock, _environment(self._routing()):
                open_streams.add(self)
                others = _threads()
                self._stream = (library.InputStream if capturing else library.OutputStream)(
                    device=self.device.index,
                    samplerate=self.side.rate,
                    blocksize=self.side.block,
                    channels=self._channels,
                    dtype="float32",
                    latency=self._buffer_seconds,
                    callback=self._record if capturing else self._play,
                    finished_callback=self._finish,
                    extra_settings=extra_settings(self.device),
                )
                self._opened = time.monotonic()
                self._stream.start()
                self.threads = _threads() - others
        except library.PortAudioError as error:
            self.close()
            raise RtvcError(f"{self.device.description} cannot be opened ({error.args[0]}).") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop and close the stream. Blocks while the sound server hangs."""
        with portaudio_lock:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close(ignore_errors=True)
            open_streams.discard(self)

    def failure(self) -> str | None:
        """Return what has failed: the stream ended by itself, or its callback is no longer called."""
        if self._stream is None:
            return None
        if self._finished or not self._stream.active:
            return f"{self.device.description} was disconnected"
        if time.monotonic() > max(self.side.heartbeat + STALL_SECONDS, self._opened + STARTING_SECONDS):
            return f"{self.device.description} has stalled"
        return None

    def _layout(self) -> tuple[int, int]:
        """Return the number of channels to ask for, and which of them to play on."""
        if self.device.identity == VirtualMicrophone.identity:
            return CHANNELS, VOICE_CHANNEL
        # PulseAudio converts channels itself. On JACK the second channel of an input may be another program's output.
        if self.device.host_api == PULSE or (self.device.host_api == JACK and self.direction == "input"):
            return 1, 0
        return min(2, self.device.channels(self.direction)), 0  # Elsewhere, stereo is what devices accept.

    def _routing(self) -> Mapping[str, str]:
        if self.device.host_api != PULSE:
            return {}
        variable = "PULSE_SOURCE" if self.direction == "input" else "PULSE_SINK"
        # The last property makes PipeWire end a stream whose device goes; PulseAudio ignores it.
        properties = f"{TOKEN_PROPERTY}={self.token} application.id=rtvc.{self.role} node.dont-reconnect=true"
        return {variable: self.device.name, "PULSE_PROP": properties}

    def _record(self, indata: npt.NDArray[np.float32], frames: int, times: Any, status: Any) -> None:  # noqa: ANN401
        if status:
            self.side.flags += 1
        if self._channels == 1:
            mono = indata[:, 0]
        else:
            mono = self._mono[:frames]
            np.add(indata[:, 0], indata[:, 1], out=mono)
            np.multiply(mono, 0.5, out=mono)
        assert isinstance(self.side, Capture)
        self.side.push(mono, times.currentTime - times.inputBufferAdcTime)

    def _play(self, outdata: npt.NDArray[np.float32], frames: int, times: Any, status: Any) -> None:  # noqa: ANN401
        if status:
            self.side.flags += 1
        assert isinstance(self.side, Playback)
        if self._channels > 2:
            outdata[:] = 0
        self.side.pull(outdata[:, self._place], times.outputBufferDacTime - times.currentTime)
        if self._channels == 2:
            outdata[:, 1] = outdata[:, 0]

    def _finish(self) -> None:
        self._finished = True


def stream_threads() -> frozenset[int]:
    """Return the threads of all open streams, by native id; empty unless on Linux."""
    streams = [stream for stream in list(open_streams) if isinstance(stream, DeviceStream)]
    return frozenset().union(*(stream.threads for stream in streams))


def _threads() -> frozenset[int]:
    """Return the native ids of this process's threads; empty unless on Linux."""
    if sys.platform != "linux":
        return frozenset()
    return frozenset(int(thread.name) for thread in Path("/proc/self/task").iterdir())


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while: PulseAudio's client reads its route from them whenever it opens."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
