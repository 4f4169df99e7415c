"""The live path on a clock of its own: devices that drift, a worker that stalls, and no second of waiting."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rtvc.chain.voice_converter import VoiceConverter
from rtvc.devices import sides
from rtvc.devices.sides import Capture, Playback
from rtvc.dsp.stage import Block
from rtvc.live import output_queue
from rtvc.live.map_fitter import MapFitter, Speaker
from rtvc.live.pipeline import Pipeline
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.library import VoiceLibrary

RATE = 48_000
OPEN = Settings(gate_threshold_dbfs=None)
OWN = replace(OPEN, map=MapChoice(strength=0.0))
"""The speaker's own voice, through the models."""


def use_clock(monkeypatch: pytest.MonkeyPatch, monotonic: Callable[[], float]) -> None:
    """Let the queues before and behind the worker tell the time by another clock."""
    for module in (sides, output_queue):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic))


class SimulatedPort:
    """An `AudioPort` whose callbacks the test calls."""

    def __init__(self, input_rate: int = 48_000, output_rate: int = 48_000, monitored: bool = False) -> None:
        self.capture = Capture(input_rate)
        self.playback = Playback(output_rate)
        self.monitor = Playback(output_rate) if monitored else None
        self.ended = False
        self.warning = ""
        self.microphone_name = ""

    def open(self) -> None:
        pass

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def failure(self) -> str | None:
        return None


class Simulation:
    """A pipeline between two devices, pumped by hand in simulated time.

    `sound` is what the microphone hears from the beginning on; `drift_ppm` by how much the output's clock runs fast.
    What was played is in `heard`.
    """

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        pack: ModelPack,
        sound: Block,
        settings: Settings,
        *,
        port: SimulatedPort | None = None,
        drift_ppm: float = 0.0,
        step: int = 1,
        enrolment: Enrolment | None = None,
    ) -> None:
        self.now = 1000.0
        use_clock(monkeypatch, lambda: self.now)
        self.port = port or SimulatedPort()
        self.settings = settings
        self.enrolment = enrolment
        self.speaker = Speaker(pack, None if enrolment is None else enrolment.features)
        self.fitter = MapFitter(pack, self.speaker, VoiceLibrary())
        converter = VoiceConverter(pack, observe=self.speaker)
        self.pipeline = Pipeline(converter, self.fitter, self.port, step, settings, enrolment)
        self.stalled = False
        self._sound = sound
        self._taken = 0
        self._capture_period = self.port.capture.block / self.port.capture.rate
        self._play_period = self.port.playback.block / self.port.playback.rate / (1 + 1e-6 * drift_ppm)
        self._capture_due = self.now + self._capture_period
        self._play_due = self.now + self._play_period / 2
        self._heard: list[Block] = []
        self._monitored: list[Block] = []

    @property
    def heard(self) -> Block:
        return np.concatenate(self._heard)

    @property
    def monitored(self) -> Block:
        return np.concatenate(self._monitored)

    @property
    def elapsed(self) -> float:
        return self.now - 1000.0

    def clear(self) -> None:
        """Forget what was heard."""
        self._heard.clear()
        self._monitored.clear()

    def hold_back(self, seconds: float) -> None:
        """Let the output take nothing for so long, as a server does that fills a buffer of its own anew."""
        self._play_due += seconds

    def run(self, seconds: float, each_step: Callable[[], None] = lambda: None) -> None:
        """Let time go by; call `each_step` after each step of the worker."""
        until = self.now + seconds
        while min(self._capture_due, self._play_due) <= until:
            if self._capture_due <= self._play_due:
                self.now = self._capture_due
                self._capture_due += self._capture_period
                self._record()
            else:
                self.now = self._play_due
                self._play_due += self._play_period
                self._play()
            while not self.stalled and self.pipeline.step(self.settings, self.enrolment):
                self.fitter.work()
                each_step()
        self.now = until

    def _record(self) -> None:
        size = self.port.capture.block
        block = self._sound[self._taken : self._taken + size]
        self._taken += size
        self.port.capture.push(np.pad(block, (0, size - len(block))), self._capture_period)

    def _play(self) -> None:
        for playback, kept in ((self.port.playback, self._heard), (self.port.monitor, self._monitored)):
            if playback is not None:
                out = np.zeros(playback.block, np.float32)
                playback.pull(out)
                kept.append(out)


Simulate = Callable[..., Simulation]


def clicks(seconds: float, every: float = 0.5) -> Block:
    """Clicks from 0.1 s on."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    sound[round(0.1 * RATE) :: round(every * RATE)] = 0.5
    return sound


def tone(seconds: float, amplitude: float = 0.1) -> Block:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def delays(simulation: Simulation, every: float = 0.5) -> list[tuple[float, float]]:
    """Return when clicks were heard, and how long after they were made (modulo `every`)."""
    sound, rate = simulation.heard, simulation.port.playback.rate
    start = simulation.port.playback.block / rate / 2
    found, place = [], 0
    while place < len(sound):
        window = np.abs(sound[place : place + rate // 5])
        if window.max() < 0.05:
            place += rate // 5
            continue
        peak = place + int(np.argmax(window))
        heard = peak / rate + start
        found.append((heard, (heard - 0.1) % every))
        place = peak + rate // 5
    return found


def told(simulation: Simulation) -> float:
    pipeline = simulation.pipeline
    return pipeline.seconds + float(pipeline.latency) + pipeline.output.delay
