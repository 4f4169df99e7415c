"""Sound in and sound out, in real time: two rings, and what fills and empties them.

The worker sees an `AudioPort`: a `Capture` to read from and a `Playback` to write to. `DevicePort` drives them from
PortAudio's callbacks, one stream for each device, since two devices have two clocks; `FilePort` from files and a
thread that keeps time; a test by hand. The callbacks run in PortAudio's threads: they copy, count, and nothing else.
Streams are opened and closed by one thread, whichever; `Capture.wait` and everything else is the worker's.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtvc.devices.portaudio import (
    PULSE,
    Device,
    Direction,
    extra_settings,
    live_rate,
    open_streams,
    portaudio,
    portaudio_lock,
)
from rtvc.devices.ring import Ring
from rtvc.devices.virtual_microphone import CHANNELS, ROLE_PROPERTY, VOICE_CHANNEL, Role, VirtualMicrophone
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer, check_destination

BLOCK_SECONDS = 0.01
BUFFER_SECONDS = 0.02
RING_SECONDS = 2.0
STALL_SECONDS = 0.5
STARTING_SECONDS = 3.0
"""How long a stream may take to get going: PulseAudio's null sinks render two seconds ahead until someone listens."""

STEADY_SECONDS = 0.1
LONGEST_SETTLING_SECONDS = 1.0
FADE_SECONDS = 0.003

_POLL_SECONDS = 0.001
_DELAYS = 64


class _Side:
    """What both directions count. Written by the callback's thread, read by anyone.

    Attributes
    ----------
    rate, block
        Samples a second, and samples that a callback usually brings or takes.
    ring
        The samples between the callback and the worker.
    callbacks, flags
        How many there have been, and how many came with one of PortAudio's warnings (a lost or late block).
    heartbeat
        `time.monotonic()` of the latest callback, 0 before the first.
    """

    def __init__(self, rate: int, block: int | None = None) -> None:
        self.rate = rate
        self.block = block or round(rate * BLOCK_SECONDS)
        self.ring = Ring(round(rate * RING_SECONDS))
        self.callbacks = 0
        self.flags = 0
        self.heartbeat = 0.0
        self._delays = np.zeros(_DELAYS)

    @property
    def delay(self) -> float:
        """Seconds between the callback and the device's converter: the median of the latest callbacks."""
        known = np.sort(self._delays[: min(self.callbacks, _DELAYS)])
        return float(known[len(known) // 2]) if len(known) else 0.0

    def _beat(self, delay: float) -> None:
        self.heartbeat = time.monotonic()
        self._delays[self.callbacks % _DELAYS] = delay
        self.callbacks += 1


class Capture(_Side):
    """The microphone's side: the callback pushes, the worker reads from `ring`."""

    def push(self, block: Block, delay: float = 0.0) -> None:
        """Take a block `[n]` from the device, `delay` seconds after it was sound."""
        self.ring.write(block)
        self._beat(delay)

    def wait(self, frames: int, timeout: float) -> bool:
        """Sleep until `frames` samples wait in the ring; return False if they have not come within `timeout` s."""
        deadline = time.monotonic() + timeout
        while self.ring.fill < frames:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


class Playback(_Side):
    """The listener's side: the worker writes to `ring`, the callback pulls.

    Attributes
    ----------
    muted
        While set, by anyone, the callback plays silence whatever waits.
    underruns
        How many times there was too little to play; each is faded out and in again, not cut.
    """

    def __init__(self, rate: int, block: int | None = None) -> None:
        super().__init__(rate, block)
        self.muted = False
        self.underruns = 0
        fade = round(rate * FADE_SECONDS)
        self._fade_in = np.linspace(0, 1, fade, dtype=np.float32)
        self._fade_out = self._fade_in[::-1].copy()
        self._last = 0.0
        self._dry = True

    def pull(self, out: Block, delay: float = 0.0) -> None:
        """Fill `out` `[n]` for the device, to be heard `delay` seconds later.

        Sound begins, and after an underrun begins again, once a whole block waits. A block must be at least twice as
        long as the fade of 3 ms.
        """
        if self.muted:
            self.ring.skip(max(0, self.ring.fill - len(out)))
            out[:] = 0
            self._dry = True
        elif self._dry and self.ring.fill < len(out):
            out[:] = 0
        else:
            self._fill(out)
        self._beat(delay)

    def _fill(self, out: Block) -> None:
        read = self.ring.read_into(out)
        fade = len(self._fade_in)
        if self._dry:
            np.multiply(out[:fade], self._fade_in, out=out[:fade])
            self._dry = False
        if read < len(out):
            self.underruns += 1
            self._dry = True
            out[read:] = 0
            if read >= fade:
                np.multiply(out[read - fade : read], self._fade_out, out=out[read - fade : read])
            else:
                last = out[read - 1] if read else self._last
                np.multiply(self._fade_out, last, out=out[read : read + fade])
        self._last = float(out[-1])

    def margin(self, now: float) -> float:
        """Seconds of sound in the ring beyond what the device will have taken by now, at its steady rate.

        Unlike the ring's fill, it does not step as the device takes whole blocks; below 0 an underrun is due.
        """
        return self.ring.fill / self.rate - min(now - self.heartbeat, self.block / self.rate)


class AudioPort(Protocol):
    """A microphone, a listener, and perhaps a second listener to monitor the first, as the worker sees them.

    The sides may be other objects after each `open`.
    """

    @property
    def capture(self) -> Capture:
        """The microphone's side."""

    @property
    def playback(self) -> Playback:
        """The listener's side."""

    @property
    def monitor(self) -> Playback | None:
        """The second listener's side, if there is one."""

    @property
    def warning(self) -> str:
        """What the user should know of how it was opened; empty if nothing."""

    @property
    def microphone_name(self) -> str:
        """The microphone that `open` found, as enrolments know it; empty if the sound comes from elsewhere."""

    def open(self) -> None:
        """Open the devices; raise `RtvcError` where that is refused."""

    def start(self) -> None:
        """Let sound flow: what the microphone heard since `open` is dropped, and a recording begins."""

    def close(self) -> None:
        """Stop the sound; harmless when it has stopped."""

    def failure(self) -> str | None:
        """Say in one sentence what has failed since `open`, or None while all is well."""

    @property
    def ended(self) -> bool:
        """Whether all has been played that there was, or nothing can be, as happens with files only."""


def settle(sides: Sequence[Capture | Playback]) -> None:
    """Wait until devices that have just been opened keep their pace, or for a second at most.

    They begin with a burst and a pause, while the system fills its buffers: whoever measured a queue then, or counted
    on the next block, would soon have too much or too little.
    """
    deadline = time.monotonic() + LONGEST_SETTLING_SECONDS
    steady = False
    while not steady and time.monotonic() < deadline:
        began, before = time.monotonic(), [side.callbacks for side in sides]
        time.sleep(STEADY_SECONDS)
        passed = time.monotonic() - began
        steady = all(
            abs(side.callbacks - count - passed * side.rate / side.block) < 2
            for side, count in zip(sides, before, strict=True)
        )


class DeviceStream:
    """One PortAudio stream between a device and a `Capture` or `Playback`.

    Parameters
    ----------
    device
        What to open: an input for a `Capture`, an output for a `Playback`.
    side
        Whose `rate` and `block` the stream takes.
    role
        What the stream is for; on PulseAudio it is written into the stream's properties, for `RouteWatch`.
    buffer_seconds
        What to ask the device to keep in hand: less delay against more risk of a crackle on a busy machine.
    """

    def __init__(
        self, device: Device, side: Capture | Playback, role: Role, buffer_seconds: float = BUFFER_SECONDS
    ) -> None:
        self.device = device
        self.side = side
        self.role = role
        self._buffer_seconds = buffer_seconds
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
        """Open the device and start; raise `RtvcError` naming it if it is refused."""
        library = portaudio()
        capturing = self.direction == "input"
        self._channels, self._place = self._layout()
        self._mono = np.zeros(self.side.block, np.float32)
        self._finished = False
        try:
            with portaudio_lock, _environment(self._routing()):
                open_streams.add(self)
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
        except library.PortAudioError as error:
            self.close()
            raise RtvcError(f"{self.device.description} cannot be opened ({error.args[0]})") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop and close the stream. Blocks for as long as the sound server hangs, if it does."""
        with portaudio_lock:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close(ignore_errors=True)
            open_streams.discard(self)

    def failure(self) -> str | None:
        """Say what has failed: the stream has ended by itself, or its callback is not called any more."""
        if self._stream is None:
            return None
        if self._finished or not self._stream.active:
            return f"{self.device.description} has gone"
        if time.monotonic() > max(self.side.heartbeat + STALL_SECONDS, self._opened + STARTING_SECONDS):
            return f"{self.device.description} has stalled"
        return None

    def _layout(self) -> tuple[int, int]:
        """Return how many channels to ask for, and which of them to play on."""
        if self.device.identity == VirtualMicrophone.identity:
            return CHANNELS, VOICE_CHANNEL
        # A mono sink or source of PulseAudio is asked for as it is; elsewhere stereo is what devices always take.
        return 1 if self.device.host_api == PULSE else min(2, self.device.channels(self.direction)), 0

    def _routing(self) -> Mapping[str, str]:
        if self.device.host_api != PULSE:
            return {}
        variable = "PULSE_SOURCE" if self.direction == "input" else "PULSE_SINK"
        # PipeWire ends a stream whose device goes, if told so; PulseAudio takes no notice.
        properties = f"{ROLE_PROPERTY}={self.role} application.id=rtvc.{self.role} node.dont-reconnect=true"
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


class DevicePort:
    """A microphone, an output and perhaps a monitor that are devices. An `AudioPort`.

    All are opened at their own rate, in blocks of 10 ms, with `buffer_seconds` as in `DeviceStream`. To recover from
    a failure: `close`, `devices.refresh`, find the devices again, and make a new one.
    """

    def __init__(
        self,
        microphone: Device,
        output: Device,
        monitor: Device | None = None,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        self.capture = Capture(live_rate(microphone, "input"))
        self.playback = Playback(live_rate(output, "output"))
        self.monitor: Playback | None = None
        self.warning = ""
        self.microphone_name = str(microphone.identity)
        self._streams = [
            DeviceStream(microphone, self.capture, "microphone", buffer_seconds),
            DeviceStream(output, self.playback, "voice", buffer_seconds),
        ]
        if monitor is not None:
            self.monitor = Playback(live_rate(monitor, "output"))
            self._streams.append(DeviceStream(monitor, self.monitor, "monitor", buffer_seconds))

    def open(self) -> None:
        """Open all streams, or none; raise `RtvcError` naming the one that is refused."""
        with ExitStack() as undo:
            for stream in self._streams:
                stream.open()
                undo.callback(stream.close)
            settle((self.capture, self.playback))
            undo.pop_all()

    def start(self) -> None:
        """Drop what the microphone heard since `open`."""
        self.capture.ring.skip(0)

    def close(self) -> None:
        """Close all streams."""
        for stream in self._streams:
            stream.close()

    def failure(self) -> str | None:
        """Say what has failed in any stream."""
        return next((failure for stream in self._streams if (failure := stream.failure())), None)

    @property
    def ended(self) -> bool:
        """Never: devices do not end."""
        return False


class FilePort:
    """A file for a microphone and a file for a listener, at the pace of real time. An `AudioPort`.

    A thread of its own takes the part of both devices, so everything that happens with devices happens here. The
    output begins with the first block of the input and goes on for `tail` seconds beyond its end.

    Parameters
    ----------
    source
        The recording to play; its rate must be a multiple of 100 Hz.
    destination
        The audio file to write, at the same rate; it appears when the port has ended or is closed.
    tail
        Seconds of silence that follow the recording: enough for the delay of whatever is between.
    overwrite
        Whether an existing destination may be replaced.
    """

    def __init__(
        self, source: str | Path, destination: str | Path, *, tail: float = 0.5, overwrite: bool = False
    ) -> None:
        check_destination(Path(destination), overwrite)
        self._file = AudioFile(source)
        rate = self._file.rate
        if rate % 100:
            raise RtvcError(f"{source}: has a rate of {rate} Hz, which cannot run live: convert it to 48000 Hz first")
        self.capture = Capture(rate)
        self.playback = Playback(rate)
        self.monitor: Playback | None = None
        self.warning = ""
        self._destination = Path(destination)
        self._tail = tail
        self._overwrite = overwrite
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None
        self._ended = False

    @property
    def microphone_name(self) -> str:
        """Empty: no microphone takes part."""
        return ""

    def open(self) -> None:
        """Return to the beginning of the recording."""
        self._stopping.clear()
        self._failure = None
        self._ended = False

    def start(self) -> None:
        """Play the recording."""
        self._thread = threading.Thread(target=self._run, name="rtvc file port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and finish the destination with what was played until now."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        """Say why the recording could not be read or the destination not be written."""
        return self._failure

    @property
    def ended(self) -> bool:
        """Whether recording and tail have been played and the destination is complete, or this has failed."""
        return self._ended or self._failure is not None

    def _blocks(self) -> Iterator[Block]:
        size = self.capture.block
        for block in self._file.blocks(size):
            yield np.pad(block, (0, size - len(block)))
        for _ in range(round(self._tail / BLOCK_SECONDS)):
            yield np.zeros(size, np.float32)

    def _run(self) -> None:
        try:
            with audio_writer(self._destination, self.playback.rate, overwrite=self._overwrite) as writer:
                out = np.zeros(self.playback.block, np.float32)
                due = time.monotonic()
                for block in self._blocks():
                    due += BLOCK_SECONDS
                    if self._stopping.wait(max(0.0, due - time.monotonic())):
                        break
                    if time.monotonic() - due > STALL_SECONDS:  # suspended: do not catch up
                        due = time.monotonic()
                    self.capture.push(block)
                    self.playback.pull(out)
                    writer.write(out)
            self._ended = True
        except RtvcError as error:
            self._failure = str(error)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while: PulseAudio's client reads its routing from there at each open."""
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
