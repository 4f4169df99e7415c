"""One step of the live path: from the microphone's ring to the rings of the output and the monitor.

The worker owns the `Pipeline` and calls `step` whenever the ring holds a whole step of audio. Any thread may read the
counters, meters and histories.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rtvc.chain.voice_chain import VoiceChain, VoiceOutput, block_length
from rtvc.chain.voice_converter import VoiceConverter, unchanged
from rtvc.devices.port import AudioPort
from rtvc.dsp.decibels import SILENCE_DBFS, amplitude, decibels
from rtvc.dsp.level import Gain
from rtvc.dsp.soundboard import Soundboard
from rtvc.dsp.stage import Block
from rtvc.live.background_boards import BackgroundBoards
from rtvc.live.map_fitter import MapFitter, MapRequest
from rtvc.live.output_queue import OutputQueue
from rtvc.live.recorder import Recorder
from rtvc.settings import Settings
from rtvc.transport import Transport
from rtvc.transport.pitch import UNCHANGED_PITCH, PitchControl
from rtvc.voices.enrolment import Enrolment

EXPIRY_SECONDS = 0.25
"""Input that has waited longer than this is dropped, not converted."""

RECENT_STEPS = 256
HISTORY_SECONDS = 4.0


@dataclass(frozen=True)
class Counts:
    """Counts of underruns and losses, as in `Snapshot`."""

    underruns: int = 0
    overruns: int = 0
    dropped_frames: int = 0
    device_flags: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.underruns + other.underruns,
            self.overruns + other.overruns,
            self.dropped_frames + other.dropped_frames,
            self.device_flags + other.device_flags,
        )


class Meter:
    """The level of the last block and the peak of the last second, in dBFS."""

    def __init__(self, blocks_per_second: int) -> None:
        self.level = SILENCE_DBFS
        self._peaks: deque[float] = deque(maxlen=max(1, blocks_per_second))

    def add(self, block: Block) -> None:
        """Measure a block."""
        self.level = decibels(float(np.sqrt(np.mean(np.square(block)))))
        self._peaks.append(float(np.max(np.abs(block))))

    @property
    def peak(self) -> float:
        """The largest magnitude of the last second."""
        return decibels(max(self._peaks.copy(), default=0.0))


class History:
    """The last seconds of a signal, for displays: written by the worker, read by any thread."""

    def __init__(self, samples: int) -> None:
        self._buffer = np.zeros(samples, np.float32)
        self._written = 0

    def add(self, block: Block) -> None:
        """Append samples `[n]`."""
        size = len(self._buffer)
        block = block[-size:]
        places = np.arange(self._written, self._written + len(block)) % size
        self._buffer[places] = block
        self._written += len(block)

    def latest(self, samples: int) -> Block:
        """Return the last samples, oldest first, with silence before the first one."""
        places = np.arange(self._written - samples, self._written) % len(self._buffer)
        return self._buffer[places]


class Pipeline:
    """Takes audio from a port's microphone through the chain to its outputs, one step at a time.

    It fails closed: without a map, silence goes out unless the settings ask for the speaker's own voice, by bypass or
    a strength of 0.

    Parameters
    ----------
    converter, fitter
        The converter, and the fitter of its maps.
    port
        The open port.
    step
        Feature frames per step.
    settings, enrolment
        As for `step`.
    follow_jitter
        As in `OutputQueue`.

    Attributes
    ----------
    silenced
        Whether silence goes out because there is no map.
    chain, voice_output
        The conversion at the pack's rate, and what follows it at the output's.
    soundboards
        Those of the output and of the monitor.
    """

    def __init__(
        self,
        converter: VoiceConverter,
        fitter: MapFitter,
        port: AudioPort,
        step: int,
        settings: Settings,
        enrolment: Enrolment | None = None,
        follow_jitter: bool = False,
    ) -> None:
        pack = converter.pack
        self._capture = port.capture
        self._playback = port.playback
        self._fitter = fitter
        self._frame_rate, self._hop = pack.frame_rate, pack.hop
        self._pack, self._unchanged = pack, unchanged(pack)
        self._map: tuple[Transport, float, PitchControl] = (self._unchanged, 0.0, UNCHANGED_PITCH)
        if fitter.transport is not None:
            self._map = (fitter.transport, 1.0, UNCHANGED_PITCH)
        converter.begin(*self._map)
        self.silenced = True
        self.chain = VoiceChain(port.capture.rate, converter, silent=True)
        self.voice_output = VoiceOutput(port.playback.rate, silent=True, boards=BackgroundBoards())
        self.block = block_length(port.capture.rate, pack.sample_rate, pack, step)
        self.seconds = self.block / port.capture.rate
        self.output = OutputQueue(pack.sample_rate, port.playback, follow_jitter)
        self.monitor = None if port.monitor is None else OutputQueue(port.playback.rate, port.monitor)
        self.soundboards = [Soundboard(side.rate) for side in (port.playback, port.monitor) if side is not None]
        self.recorder: Recorder | None = None
        per_second = round(1 / self.seconds)
        self.input_meter, self.output_meter = Meter(per_second), Meter(per_second)
        self.compute: deque[float] = deque(maxlen=RECENT_STEPS)
        self.input_history = History(round(HISTORY_SECONDS * pack.sample_rate))
        self.output_history = History(round(HISTORY_SECONDS * port.playback.rate))
        self._monitor_gain = Gain(port.playback.rate, 0.0)
        self._input = np.zeros(self.block, np.float32)
        self._overwritten = self._capture.ring.overwritten
        self._overruns = 0
        self._broken = 0
        self._before = self._lost, self._flags, self._playback.underruns
        self._apply(settings, enrolment)

    @property
    def latency(self) -> Fraction:
        """The algorithmic latency in seconds: of the conversion, the output's resampler and the effects."""
        return self.chain.latency_seconds + self.output.latency + self.voice_output.latency_seconds

    @property
    def counts(self) -> Counts:
        """Counts since this pipeline was made."""
        lost, flags, underruns = self._before
        seconds = (self._lost - lost) / self._capture.rate + self.output.dropped
        dropped = round(seconds * self._frame_rate) + self._broken
        return Counts(self._playback.underruns - underruns, self._overruns, dropped, self._flags - flags)

    @property
    def _lost(self) -> int:
        """Input samples that were dropped since the microphone was opened."""
        return self._capture.ring.skipped + self._capture.ring.overwritten

    @property
    def _flags(self) -> int:
        return self._capture.flags + self._playback.flags

    def step(self, settings: Settings, enrolment: Enrolment | None = None) -> bool:
        """Convert the next step if the ring holds all of it; return whether it did."""
        ring = self._capture.ring
        self._expire()
        if ring.fill < self.block:
            return False
        ring.read_into(self._input)
        more = ring.fill >= self.block
        began = time.perf_counter()
        self._apply(settings, enrolment)
        voice = self.chain.process(self._input)
        if not np.isfinite(voice).all():
            # Only a damaged model gives NaN, which would stay in its streaming state for ever.
            voice = np.zeros_like(voice)
            self.chain.reset()
            self._broken += len(voice) // self._hop
        drift_ppm = self.output.drift_ppm
        finished = self.voice_output.process(self.output.resample(voice))
        audio = self.soundboards[0].process(finished)
        if self.monitor is not None:
            monitored = self.monitor.resample(self._monitor_gain.process(finished))
            self.monitor.write(self.soundboards[1].process(monitored), more)
        self.output.write(audio, more)
        self.compute.append(time.perf_counter() - began)
        heard = self.chain.tap.block
        self._measure(heard, audio)
        if self.recorder is not None:
            self.recorder.write(heard, audio, (self.chain.tap.rate, self._playback.rate), drift_ppm)
        return True

    def _apply(self, settings: Settings, enrolment: Enrolment | None) -> None:
        self._fitter.ask(MapRequest.of(settings))
        transport, strength = self._fitter.transport, settings.map.strength
        silenced = transport is None and strength != 0 and not settings.bypass
        # The fitter refuses a strength out of range; the last map then stays at full strength.
        strength = strength if 0 <= strength <= 1 else 1.0
        # `Engine.snapshot` tells the user of a change of pitch that is not possible.
        possible = not settings.pitch.problem(self._pack.roles, self._pack.name)
        pitch = settings.pitch if possible else UNCHANGED_PITCH
        wanted = (self._unchanged, 0.0, pitch) if transport is None else (transport, strength, pitch)
        resumed, self.silenced = self.silenced and not silenced, silenced
        self.chain.apply(settings, audible=not silenced)
        self.voice_output.apply(settings, audible=not silenced)
        if resumed or wanted != self._map:
            # Without a fade, unconverted audio that is still in the chain is dropped.
            self.chain.set_map(*wanted, fade=not resumed)
            self._map = wanted
        self.chain.set_level(None if enrolment is None else enrolment.level_dbfs + settings.input_gain_db)
        for soundboard in self.soundboards:
            soundboard.ducking_db = settings.ducking_db
        self._monitor_gain.factor = amplitude(settings.monitor_gain_db) if settings.monitor else 0.0

    def _measure(self, heard: Block, audio: Block) -> None:
        if len(heard) == 0:
            return
        self.input_meter.add(heard)
        self.output_meter.add(audio)
        self.input_history.add(heard)
        self.output_history.add(audio)

    def _expire(self) -> None:
        """Drop input that has waited too long and reset the chain; count overruns of the ring."""
        ring = self._capture.ring
        if ring.fill > self.block + EXPIRY_SECONDS * self._capture.rate:
            ring.skip(self.block)
            self.chain.reset()
        if ring.overwritten != self._overwritten:
            self._overwritten = ring.overwritten
            self._overruns += 1
