"""Devices for benchmarks: audio is played to the engine's microphone and recorded at its output.

There are loops in memory, on virtual PulseAudio devices, and on real devices. The engine uses the `port` of the
loop. The benchmark calls `start` when the engine runs and `stop` before it stops. In between, a thread of the loop
plays the source and passes recorded blocks to `on_audio`.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from rtvc.benchmark.workload import DEVICE_RATE
from rtvc.devices.device_stream import BUFFER_SECONDS, STALL_SECONDS, DeviceStream
from rtvc.devices.live_port import LivePort, Wanted
from rtvc.devices.port import AudioPort
from rtvc.devices.portaudio import PULSE, DeviceIdentity, find_device, list_devices, live_rate
from rtvc.devices.pulse import connect, server_errors, unload_modules
from rtvc.devices.sides import Capture, Playback
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

if TYPE_CHECKING:
    import pulsectl

Source = Callable[[int, int], Iterator[Block]]
"""Maps a sample rate in hertz and a block length in samples to an endless iterator of blocks."""

OnAudio = Callable[[Block], object]
"""Called with recorded blocks: the sum of the microphone's input and the engine's output."""

AHEAD_SECONDS = 0.5
POLL_SECONDS = 0.01
LARGE_BUFFER_SECONDS = 0.1
"""Buffer of player and recorder. Their own latency does not matter; lost audio does."""


class Loop(ABC):
    """A microphone and an output for the engine, a player that feeds the one and a recorder that hears both.

    Attributes
    ----------
    name
        Name in reports.
    port
        The engine's devices.
    """

    name: str
    port: AudioPort

    @property
    @abstractmethod
    def rate(self) -> int:
        """Sample rate of the recording in hertz."""

    @abstractmethod
    def start(self, source: Source, on_audio: OnAudio) -> None:
        """Start playing and recording; raise `RtvcError` if a device cannot be opened. The port is open."""

    @abstractmethod
    def stop(self) -> None:
        """Play silence and stop recording."""

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PacedPort:
    """An `AudioPort` in memory, driven by a thread at the pace of real time.

    It behaves like a device without latency: an input block arrives when its last sample is due, and an output block
    is taken when its first sample is due.
    """

    monitor = None
    ended = False
    warning = ""
    microphone_name = ""

    def __init__(self, rate: int = DEVICE_RATE) -> None:
        self.capture = Capture(rate)
        self.playback = Playback(rate)
        self._sound: tuple[Iterator[Block], OnAudio] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start with silence."""
        self.capture, self.playback = Capture(self.capture.rate), Playback(self.capture.rate)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="rtvc paced port", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Drop the input recorded since `open`."""
        self.capture.ring.skip(0)

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        """Return None: nothing can fail."""
        return None

    def play(self, sound: Iterator[Block] | None, on_audio: OnAudio) -> None:
        """Play these blocks to the microphone from the next block on, or silence for None, and record."""
        self._sound = None if sound is None else (sound, on_audio)

    def _run(self) -> None:
        silence = np.zeros(self.capture.block, np.float32)
        out = np.zeros(self.playback.block, np.float32)
        period = self.capture.block / self.capture.rate
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            playing = self._sound
            block = silence if playing is None else next(playing[0])
            if playing is not None:
                playing[1](block + out)
            self.capture.push(block)
            self.playback.pull(out)
            due += period
            if time.monotonic() - due > STALL_SECONDS:  # The machine slept. A device does not catch up either.
                due = time.monotonic()


class PacedLoop(Loop):
    """A loop in memory, without devices."""

    name = "memory, no devices"

    def __init__(self) -> None:
        self.port: PacedPort = PacedPort()

    @property
    def rate(self) -> int:
        """Sample rate of the recording in hertz."""
        return self.port.capture.rate

    def start(self, source: Source, on_audio: OnAudio) -> None:
        """Start playing and recording."""
        self.port.play(source(self.rate, self.port.capture.block), on_audio)

    def stop(self) -> None:
        """Play silence and stop recording."""
        self.port.play(None, lambda block: None)


class DeviceLoop(Loop):
    """A loop on real devices: a player feeds the engine's microphone, and a recorder hears input and output.

    Parameters
    ----------
    player
        Device that plays to the microphone.
    microphone, output
        The engine's devices.
    recorder
        Device that hears both; mixed down to mono.
    buffer_seconds
        Buffers of the engine's devices, as in `DeviceStream`.
    """

    name = "devices"

    def __init__(
        self,
        player: Wanted,
        microphone: Wanted,
        output: Wanted,
        recorder: Wanted,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        self.name = f"{self.name}, buffers of {1000 * buffer_seconds:.0f} ms"
        self.microphone, self.output = microphone, output
        self.port: LivePort = LivePort(microphone, output, buffer_seconds=buffer_seconds)
        self._wanted = (player, recorder)
        self._player = Playback(DEVICE_RATE)
        self._recorder = Capture(DEVICE_RATE)
        self._streams: list[DeviceStream] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def rate(self) -> int:
        """Sample rate of the recording in hertz."""
        return self._recorder.rate

    def start(self, source: Source, on_audio: OnAudio) -> None:
        """Open player and recorder; raise `RtvcError` naming the one that is missing or cannot be opened."""
        listed = list_devices()
        wanted_player, wanted_recorder = self._wanted
        player, recorder = find_device(wanted_player, "output", listed), find_device(wanted_recorder, "input", listed)
        self._player, self._recorder = Playback(live_rate(player, "output")), Capture(live_rate(recorder, "input"))
        for device, side in ((recorder, self._recorder), (player, self._player)):
            stream = DeviceStream(device, side, "monitor", LARGE_BUFFER_SECONDS)
            stream.open()
            self._streams.append(stream)
        self._stopping.clear()
        sound = source(self._player.rate, self._player.block)
        self._thread = threading.Thread(
            target=self._run, args=(sound, on_audio), name="rtvc device loop", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close player and recorder; does nothing if they are closed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for stream in self._streams:
            stream.close()
        self._streams = []

    def _run(self, sound: Iterator[Block], on_audio: OnAudio) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            while self._player.ring.fill < AHEAD_SECONDS * self._player.rate:
                self._player.ring.write(next(sound))
            heard = np.zeros(self._recorder.ring.fill, np.float32)
            if self._recorder.ring.read_into(heard):
                on_audio(heard)


class PulseLoop(DeviceLoop):
    """A loop on virtual devices of PulseAudio or PipeWire.

    One stereo null sink serves both ends. The player feeds its left channel, which is the engine's microphone; the
    engine plays into its right channel. The monitor of the sink records both on one clock, so it adds no delay.
    """

    name = "PulseAudio, virtual devices"

    _SINK = "rtvc_bench"
    _PLAYER, _MICROPHONE, _OUTPUT = f"{_SINK}_player", f"{_SINK}_microphone", f"{_SINK}_output"

    def __init__(self, buffer_seconds: float = BUFFER_SECONDS) -> None:
        names = (self._PLAYER, self._MICROPHONE, self._OUTPUT, f"{self._SINK}.monitor")
        player, microphone, output, recorder = (DeviceIdentity(PULSE, name) for name in names)
        super().__init__(player, microphone, output, recorder, buffer_seconds)
        self._server: pulsectl.Pulse | None = None
        self._modules: list[int] = []

    def __enter__(self) -> PulseLoop:
        """Create the devices; raise `RtvcError` if there is no server or it refuses."""
        self._server = connect("rtvc bench")
        try:
            # Devices left behind by a killed benchmark occupy the names.
            loaded = self._server.module_list()
            left = [module.index for module in loaded if f"={self._SINK}" in (module.argument or "")]
            unload_modules(self._server, left[::-1])
            channels = "channels=2 channel_map=front-left,front-right"
            self._load("null-sink", f"sink_name={self._SINK} rate={DEVICE_RATE} {channels} norewinds=1")
            for name, side in ((self._PLAYER, "left"), (self._OUTPUT, "right")):
                self._load("remap-sink", f"sink_name={name} master={self._SINK} {self._channel(side)}")
            self._load(
                "remap-source", f"source_name={self._MICROPHONE} master={self._SINK}.monitor {self._channel('left')}"
            )
        except server_errors() as error:
            self._unload()
            raise RtvcError(f"The sound server cannot create virtual devices for the benchmark ({error}).") from None
        except RtvcError:
            self._unload()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._unload()

    @staticmethod
    def _channel(side: str) -> str:
        return f"channels=1 channel_map=mono master_channel_map=front-{side} remix=no"

    def _load(self, module: str, arguments: str) -> None:
        assert self._server is not None
        self._modules.append(self._server.module_load(f"module-{module}", arguments))

    def _unload(self) -> None:
        if self._server is None:
            return
        try:
            with suppress(*server_errors()):  # A server that has quit took its modules along.
                unload_modules(self._server, self._modules[::-1])
        finally:
            self._modules = []
            self._server.close()
            self._server = None


def pulse_available() -> bool:
    """Return whether a PulseAudio or PipeWire server is running."""
    try:
        connect("rtvc bench").close()
    except RtvcError:
        return False
    return True
