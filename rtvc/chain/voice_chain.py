"""The whole way of the voice at a pack's rate, the same for a file and for a microphone.

A `VoiceChain` belongs to the thread that processes blocks: the worker, or the command line.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from math import ceil, lcm

import numpy as np

from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.gate import Gate
from rtvc.dsp.level import Gain, Limiter, Ramp
from rtvc.dsp.resample import Resampler
from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings

LEVEL_SECONDS = 30.0
"""Over how much speech the speaker's level is averaged while it is learnt."""

LEAST_LEVEL_SECONDS = 0.3
"""Speech that must have been heard before the level counts as known."""

LARGEST_LEVEL_GAIN_DB = 24.0
LEVEL_DB_PER_SECOND = 12.0

GATE_CHUNKS = 4
"""Levels that the gate takes in a frame, where the frame can be cut so."""


class Levelled(Stage):
    """A stage that hears speech at the level it was made for; its answer is given back the level that the sound had.

    The level is given, or learnt as the mean over the last 30 s of speech, and then approached by 12 dB a second.

    Parameters
    ----------
    inner
        The stage.
    hop
        Samples a frame.
    wanted_dbfs
        The level of speech for which `inner` was made.
    level_dbfs
        The speaker's level, in dBFS (root mean square of speech); None to learn it. May be set between blocks.
    """

    def __init__(self, inner: Stage, hop: int, wanted_dbfs: float, level_dbfs: float | None = None) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.level_dbfs = level_dbfs
        self._hop = hop
        self._wanted_dbfs = wanted_dbfs
        self._activity = SpeechActivity(hop, inner.rate)
        self._power = 0.0
        self._heard = 0
        self._gain_db = 0.0
        self._ramp = Ramp(inner.rate, 1.0)
        if level_dbfs is not None:
            self._gain_db = wanted_dbfs - level_dbfs
            self._ramp.target = amplitude(self._gain_db)
        self.reset()

    def reset(self) -> None:
        """Forget the sound; the speaker's level stays known."""
        self.inner.reset()
        self.latency = self.inner.latency
        self._activity.reset()
        self._ramp.reset()
        self._given = Delay(self.latency, self._ramp.target)

    def _process(self, block: Block) -> Block:
        if self.level_dbfs is None:
            self._listen(block)
            wanted = self._learnt_gain_db()
        else:
            wanted = self._wanted_dbfs - self.level_dbfs
        if wanted != self._gain_db:
            most = LEVEL_DB_PER_SECOND * len(block) / self.rate
            self._gain_db += min(max(wanted - self._gain_db, -most), most)
            self._ramp.target = amplitude(self._gain_db)
        gain = np.broadcast_to(self._ramp.next(len(block)), block.shape)
        result: Block = self.inner.process(block * gain) / self._given(gain)
        return result

    def _listen(self, block: Block) -> None:
        active = self._activity.process(block)
        for level in frame_levels(block, self._hop)[active]:
            self._heard += 1
            weight = 1 / min(self._heard, LEVEL_SECONDS * self.rate / self._hop)
            self._power += (10 ** (level / 10) - self._power) * weight

    def _learnt_gain_db(self) -> float:
        if self._heard * self._hop < LEAST_LEVEL_SECONDS * self.rate:
            return 0.0
        gain = self._wanted_dbfs - 10 * float(np.log10(self._power))
        return min(max(gain, -LARGEST_LEVEL_GAIN_DB), LARGEST_LEVEL_GAIN_DB)


class Bypass(Stage):
    """A stage, or the sound as it was, equally late; set `active` between blocks to fade from one to the other."""

    def __init__(self, inner: Stage) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.active = False
        self._share = Ramp(inner.rate, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forget the sound and end any fade."""
        self.inner.reset()
        self.latency = self.inner.latency
        self._late = Delay(self.latency, 0.0)
        self._share.reset()

    def _process(self, block: Block) -> Block:
        original, changed = self._late(block), self.inner.process(block)
        self._share.target = float(self.active)
        result: Block = changed + self._share.next(len(block)) * (original - changed)
        return result


class Tap(Stage):
    """Keeps the latest block in `block`, for whoever wants to look at it, and passes it on."""

    def __init__(self, rate: int) -> None:
        super().__init__(rate)
        self.reset()

    def reset(self) -> None:
        """Forget the block."""
        self.block = np.zeros(0, np.float32)

    def _process(self, block: Block) -> Block:
        self.block = block
        return block


class VoiceChain(Chain):
    """From sound at any rate to converted sound at the pack's rate: resampling, gains, gate, converter, limiter.

    Without settings applied it does no more than a file needs.

    Parameters
    ----------
    input_rate
        Samples a second of what comes in.
    converter
        The heart of it.
    level_dbfs
        The speaker's level, or None to learn it.

    Attributes
    ----------
    heard
        The latest block of the microphone at the pack's rate, after the input gain and before the gate.
    voice
        The converter with the levels around it.
    """

    def __init__(self, input_rate: int, converter: VoiceConverter, level_dbfs: float | None = None) -> None:
        pack = converter.pack
        rate = pack.sample_rate
        self.converter = converter
        self.heard = Tap(rate)
        self.voice = Levelled(converter, pack.hop, pack.level_dbfs, level_dbfs)
        self._input_gain = Gain(rate)
        self._gate = Gate(rate, pack.hop if pack.hop % GATE_CHUNKS else pack.hop // GATE_CHUNKS)
        self._bypass = Bypass(self.voice)
        self._output_gain = Gain(rate)
        super().__init__(
            [
                Resampler(input_rate, rate),
                self._input_gain,
                self.heard,
                self._gate,
                self._bypass,
                self._output_gain,
                Limiter(rate),
            ]
        )
        self._talking: deque[bool] = deque()

    @property
    def gate_is_open(self) -> bool:
        """Whether the gate passes the microphone's sound."""
        return self._gate.is_open

    def apply(self, settings: Settings, block_seconds: float) -> None:
        """Glide to what the settings ask for from the next block of `block_seconds` on; voice and map excepted.

        Push-to-talk acts on what comes out as late as the sound does: what was said while talking is heard to its
        end, and nothing that was said before. Mute acts at once.
        """
        self._input_gain.factor = amplitude(settings.input_gain_db)
        self._gate.threshold_dbfs = settings.gate_threshold_dbfs
        self._gate.release = settings.gate_release
        self._bypass.active = settings.bypass
        self._talking.append(settings.talking or not settings.push_to_talk)
        while len(self._talking) > 1 + ceil(self.latency_seconds / block_seconds):
            self._talking.popleft()
        audible = self._talking[0] and not settings.mute
        self._output_gain.factor = amplitude(settings.output_gain_db) if audible else 0.0


def file_chain(
    input_rate: int, converter: VoiceConverter, output_rate: int, level_dbfs: float | None = None
) -> Chain:
    """Return the chain from audio at one rate to converted audio at another, without a device.

    `level_dbfs` is the speaker's level; None to learn it as the sound goes by.
    """
    return Chain([VoiceChain(input_rate, converter, level_dbfs), Resampler(converter.rate, output_rate)])


def block_length(input_rate: int, output_rate: int, pack: ModelPack, frames: int) -> int:
    """Return the samples of input that make at least `frames` frames and whole samples at every rate of the chain.

    At the usual rates that is exactly `frames` frames; at odd ones, such as 11,025 Hz, it may be more.
    """
    per_frame = [Fraction(rate * pack.hop, pack.sample_rate) for rate in (input_rate, output_rate)]
    unit = lcm(*(length.denominator for length in per_frame))
    return int(per_frame[0] * unit * ceil(frames / unit))
