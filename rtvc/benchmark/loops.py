"""Microphones that hear what a benchmark plays, and listeners that it hears: in memory, on PulseAudio, or for real.

A loop's `port` is the engine's. Whoever measures calls `start` once the engine runs, and `stop` before it ends; in
between, a thread of the loop plays, and hands what it hears to `hear`.
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
from rtvc.devices.device_stream import STALL_SECONDS, DeviceStream
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
"""Told samples a second and samples a block, returns the blocks to play, without end."""

Hear = Callable[[Block], object]
"""Called with what was heard: what the microphone hears and what the engine plays, added up."""

AHEAD_SECONDS = 0.5
POLL_SECONDS = 0.01
UNHURRIED_BUFFER_SECONDS = 0.1
"""Of player and recorder: how late they are themselves does not matter, that they lose nothing does."""


class Loop(ABC):
    """A microphone and an output for the engine, and somebody who plays to the one and hears both.

    Attributes
    ----------
    name
        What it is called in reports.
    port
        The engine's devices.
    """

    name: str
    port: AudioPort

    @property
    @abstractmethod
    def rate(self) -> int:
        """Samples a second of what is heard."""

    @abstractmethod
    def start(self, source: Source, hear: Hear) -> None:
        """Begin to play and to hear; raise `RtvcError` where a device is refused. The port is open."""

    @abstractmethod
    def stop(self) -> None:
        """Play silence, and hear no more."""

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PacedPort:
    """Devices that a thread plays the part of, at the pace of real time. An `AudioPort`.

    A block of the microphone is handed over when its last sample has sounded, and the listener's is taken when its
    first is due, as a device without a delay of its own would do.
    """

    monitor = None
    ended = False
    warning = ""
    microphone_name = ""

    def __init__(self, rate: int = DEVICE_RATE) -> None:
        self.capture = Capture(rate)
        self.playback = Playback(rate)
        self._sound: tuple[Iterator[Block], Hear] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start, with silence."""
        self.capture, self.playback = Capture(self.capture.rate), Playback(self.capture.rate)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="rtvc paced port", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Drop what the microphone heard since `open`."""
        self.capture.ring.skip(0)

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        """Nothing ever fails."""
        return None

    def play(self, sound: Iterator[Block] | None, hear: Hear) -> None:
        """Let the microphone hear this from the next block on, and hand on what is heard; None for silence."""
        self._sound = None if sound is None else (sound, hear)

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
            if time.monotonic() - due > STALL_SECONDS:  # suspended: a device would not catch up either
                due = time.monotonic()


class PacedLoop(Loop):
    """The engine between a microphone and a listener that exist in memory only."""

    name = "no devices, paced in memory"

    def __init__(self) -> None:
        self.port: PacedPort = PacedPort()

    @property
    def rate(self) -> int:
        """Samples a second of what is heard."""
        return self.port.capture.rate

    def start(self, source: Source, hear: Hear) -> None:
        """Begin to play and to hear."""
        self.port.play(source(self.rate, self.port.capture.block), hear)

    def stop(self) -> None:
        """Play silence, and hear no more."""
        self.port.play(None, lambda block: None)


class DeviceLoop(Loop):
    """The engine between two devices, one to play to its microphone, and one that hears microphone and output.

    Parameters
    ----------
    player
        Plays what the microphone hears.
    microphone, output
        The engine's.
    recorder
        Hears both; mixed down to one channel if it has more.
    """

    name = "devices"

    def __init__(self, player: Wanted, microphone: Wanted, output: Wanted, recorder: Wanted) -> None:
        self.microphone, self.output = microphone, output
        self.port: LivePort = LivePort(microphone, output)
        self._wanted = (player, recorder)
        self._player = Playback(DEVICE_RATE)
        self._recorder = Capture(DEVICE_RATE)
        self._streams: list[DeviceStream] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def rate(self) -> int:
        """Samples a second of what is heard."""
        return self._recorder.rate

    def start(self, source: Source, hear: Hear) -> None:
        """Open player and recorder; raise `RtvcError` naming the one that is missing or refused."""
        listed = list_devices()
        wanted_player, wanted_recorder = self._wanted
        player, recorder = find_device(wanted_player, "output", listed), find_device(wanted_recorder, "input", listed)
        self._player, self._recorder = Playback(live_rate(player, "output")), Capture(live_rate(recorder, "input"))
        # The role that the engine has no stream of here: its guard then leaves these two alone.
        for device, side in ((recorder, self._recorder), (player, self._player)):
            stream = DeviceStream(device, side, "monitor", UNHURRIED_BUFFER_SECONDS)
            stream.open()
            self._streams.append(stream)
        self._stopping.clear()
        sound = source(self._player.rate, self._player.block)
        self._thread = threading.Thread(target=self._run, args=(sound, hear), name="rtvc device loop", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close player and recorder; harmless where they are closed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for stream in self._streams:
            stream.close()
        self._streams = []

    def _run(self, sound: Iterator[Block], hear: Hear) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            while self._player.ring.fill < AHEAD_SECONDS * self._player.rate:
                self._player.ring.write(next(sound))
            heard = np.zeros(self._recorder.ring.fill, np.float32)
            if self._recorder.ring.read_into(heard):
                hear(heard)


class PulseLoop(DeviceLoop):
    """The engine between virtual devices of PulseAudio or PipeWire, heard without any delay of the listener's own.

    One null sink of two channels is both ends: the player plays into its left channel, which is all that the engine's
    microphone hears, and the engine into its right one. Its monitor hears both on one clock, to the sample.
    """

    name = "PulseAudio, virtual devices"

    _SINK = "rtvc_bench"
    _PLAYER, _MICROPHONE, _OUTPUT = f"{_SINK}_player", f"{_SINK}_microphone", f"{_SINK}_output"

    def __init__(self) -> None:
        names = (self._PLAYER, self._MICROPHONE, self._OUTPUT, f"{self._SINK}.monitor")
        super().__init__(*(DeviceIdentity(PULSE, name) for name in names))
        self._server: pulsectl.Pulse | None = None
        self._modules: list[int] = []

    def __enter__(self) -> PulseLoop:
        """Make the devices; raise `RtvcError` where there is no server or it refuses."""
        self._server = connect("rtvc bench")
        try:
            # What a killed benchmark left behind would take the names.
            there = self._server.module_list()
            left = [module.index for module in there if f"={self._SINK}" in (module.argument or "")]
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
            raise RtvcError(f"The sound server does not make devices to measure with ({error}).") from None
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
            with suppress(*server_errors()):  # A server that has gone took them along.
                unload_modules(self._server, self._modules[::-1])
        finally:
            self._modules = []
            self._server.close()
            self._server = None


def pulse_answers() -> bool:
    """Tell whether a PulseAudio or PipeWire server can be used."""
    try:
        connect("rtvc bench").close()
    except RtvcError:
        return False
    return True
