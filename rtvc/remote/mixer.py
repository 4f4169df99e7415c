"""What the worker of a remote engine does with blocks between the devices and the network. Belongs to that worker."""

from __future__ import annotations

import numpy as np

from rtvc.devices.port import AudioPort
from rtvc.devices.ring import Ring
from rtvc.devices.sides import FADE_SECONDS
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import Gain
from rtvc.dsp.resample import Resampler
from rtvc.dsp.soundboard import Soundboard
from rtvc.dsp.stage import Block
from rtvc.live.output_queue import OutputQueue
from rtvc.remote.peer import BLOCK, RATE
from rtvc.settings import Settings

EXPIRY_SECONDS = 0.25
"""Input that has waited longer than this is dropped, not sent."""


class Mixer:
    """The worker's sound: the microphone at 48 kHz, and what the output plays, from the server or the microphone.

    One lasts as long as the devices are open.

    Attributes
    ----------
    output, monitor
        The queues before the devices.
    soundboards
        Those of the output and of the monitor.
    """

    def __init__(self, port: AudioPort) -> None:
        self._port = port
        self._capture = port.capture
        self._block = np.zeros(port.capture.rate * BLOCK // RATE, np.float32)
        self._resampler = Resampler(port.capture.rate, RATE)
        self._talking, self._audible = Gain(RATE, 0.0), Gain(RATE, 0.0)
        self._monitor_gain = Gain(RATE, 0.0)
        self.output = OutputQueue(RATE, port.playback, follow_jitter=True)
        self.monitor = None if port.monitor is None else OutputQueue(RATE, port.monitor)
        self.soundboards = [Soundboard(RATE), *([] if self.monitor is None else [Soundboard(RATE)])]
        self._recorded = Ring(RATE)
        self._own, self._last = False, 0.0
        self._fade = np.linspace(0, 1, round(FADE_SECONDS * RATE), dtype=np.float32)

    def microphone(self, settings: Settings) -> tuple[Block, Block] | None:
        """Return the next block of the microphone `[BLOCK]`, or None if it is not there yet.

        First as it was heard, then as it is sent: silent while muted, and between presses of push-to-talk.
        """
        ring = self._capture.ring
        if ring.fill > EXPIRY_SECONDS * self._capture.rate:
            ring.skip(len(self._block))
        if ring.fill < len(self._block):
            return None
        ring.read_into(self._block)
        self._talking.factor = float(not settings.mute and (settings.talking or not settings.push_to_talk))
        heard = self._resampler.process(self._block).copy()
        return heard, self._talking.process(heard)

    def play(self, block: Block, settings: Settings, own: bool, more: bool) -> Block:
        """Play a block of the speaker's own voice or of the server's, and return it as it is heard."""
        self._audible.factor = 0.0 if settings.mute else 1.0
        for board in self.soundboards:
            board.ducking_db = settings.ducking_db
        block = self._audible.process(block)
        if own != self._own:
            fade = len(self._fade)
            block[:fade] = self._fade * block[:fade] + (1 - self._fade) * self._last
        self._own, self._last = own, float(block[-1])
        if self.monitor is not None:
            self._monitor_gain.factor = amplitude(settings.monitor_gain_db) if settings.monitor else 0.0
            monitored = self.soundboards[1].process(self._monitor_gain.process(block))
            self.monitor.write(self.monitor.resample(monitored), more)
        block = self.soundboards[0].process(block)
        self._recorded.write(block)
        self.output.write(self.output.resample(block), more)
        return block

    def played(self) -> Block:
        """Return as much of what was played as a block holds, padded with silence."""
        block = np.zeros(BLOCK, np.float32)
        self._recorded.read_into(block)
        return block
