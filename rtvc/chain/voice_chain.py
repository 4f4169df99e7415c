"""The path of a voice at a pack's rate, the same for a file and for a microphone.

A `VoiceChain` belongs to the thread that processes blocks: the worker, or the command line.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, lcm

import numpy as np

from rtvc.chain.level_normaliser import LevelNormaliser
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.gate import Gate
from rtvc.dsp.level import Gain, Limiter, Ramp
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import Transport, lookahead_frames
from rtvc.transport.pitch import PitchControl

GATE_CHUNKS = 4
"""Levels that the gate takes per feature frame, where the frame divides evenly."""


class Bypass(Stage):
    """Wraps a stage: its output, or its input equally late. Set `active` between blocks to crossfade."""

    def __init__(self, inner: Stage) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.active = False
        self._share = Ramp(inner.rate, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forget the audio and end any fade."""
        self.inner.reset()
        self.latency = self.inner.latency
        self._late = Delay(self.latency, 0.0)
        self._share.reset()

    def _process(self, block: Block) -> Block:
        original, changed = self._late(block), self.inner.process(block)
        self._share.target = float(self.active)
        result: Block = changed + self._share.next(len(block)) * (original - changed)
        return result


class PushToTalk(Stage):
    """Wraps a stage: passes what was said while `talking`, to its end, and nothing that was said before.

    The switch acts on the output as late as the audio itself is. Set `talking` between blocks.
    """

    def __init__(self, inner: Stage) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.talking = True
        self._ramp = Ramp(inner.rate, 1.0)
        self.reset()

    def reset(self) -> None:
        """Forget the audio and what was said."""
        self.inner.reset()
        self.latency = self.inner.latency
        self._ramp.target = float(self.talking)
        self._ramp.reset()
        self._gains = Delay(self.latency, self._ramp.target)

    def _process(self, block: Block) -> Block:
        self._ramp.target = float(self.talking)
        gains = self._gains(np.broadcast_to(self._ramp.next(len(block)), block.shape))
        return self.inner.process(block) * gains


class Tap(Stage):
    """Passes blocks on and keeps the latest in `block` for meters and recordings."""

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
    """Audio at any rate to converted audio at the pack's rate: resampler, gains, gate, converter, limiter.

    Without `apply` it does only what a file needs.

    Parameters
    ----------
    input_rate
        Input samples per second.
    converter
        Encoder, transport and vocoder.
    level_dbfs
        The speaker's level, or None to learn it.
    silent
        Whether the output starts muted, until `apply` makes it audible.

    Attributes
    ----------
    resampler, input_gain, tap, gate, push_to_talk, output_gain, limiter
        The stages, in this order. `tap.block` is the latest block of the microphone at the pack's rate.
    bypass, normaliser, converter
        Inside `push_to_talk`, each wrapping the next.
    """

    def __init__(
        self, input_rate: int, converter: VoiceConverter, level_dbfs: float | None = None, silent: bool = False
    ) -> None:
        pack = converter.pack
        rate = pack.sample_rate
        self.converter = converter
        self.resampler = Resampler(input_rate, rate)
        self.input_gain = Gain(rate)
        self.tap = Tap(rate)
        self.gate = Gate(rate, pack.hop if pack.hop % GATE_CHUNKS else pack.hop // GATE_CHUNKS)
        self.normaliser = LevelNormaliser(converter, pack.hop, pack.level_dbfs, level_dbfs)
        self.bypass = Bypass(self.normaliser)
        self.push_to_talk = PushToTalk(self.bypass)
        self.output_gain = Gain(rate, 0.0 if silent else 1.0)
        self.limiter = Limiter(rate)
        super().__init__(
            [
                self.resampler,
                self.input_gain,
                self.tap,
                self.gate,
                self.push_to_talk,
                self.output_gain,
                self.limiter,
            ]
        )

    def set_map(self, transport: Transport, strength: float, pitch: PitchControl, *, fade: bool = True) -> None:
        """Use another map, strength or change of pitch from the next block on.

        The map fades in over a few feature frames. Without `fade`, or where the map looks further ahead than the
        present latency allows, the chain is reset and starts with silence.
        """
        if fade and lookahead_frames(transport) <= self.converter.transport.latency:
            self.converter.transport.set(transport, strength, pitch)
        else:
            self.converter.begin(transport, strength, pitch)
            self.reset()

    def set_level(self, level_dbfs: float | None) -> None:
        """Set the speaker's level from the next block on; None to learn it."""
        self.normaliser.level_dbfs = level_dbfs

    def apply(self, settings: Settings, audible: bool = True) -> None:
        """Glide to the settings from the next block on, except for voice, map and pitch.

        Mute, and `audible` false, act on the output at once; push-to-talk acts on what was said.
        """
        self.input_gain.factor = amplitude(settings.input_gain_db)
        self.gate.threshold_dbfs = settings.gate_threshold_dbfs
        self.bypass.active = settings.bypass
        self.push_to_talk.talking = settings.talking or not settings.push_to_talk
        self.output_gain.factor = amplitude(settings.output_gain_db) if audible and not settings.mute else 0.0


class FileChain(Chain):
    """A `VoiceChain` and the resampler to the output's rate: the whole path of a file.

    Parameters are those of `VoiceChain`, and the output's samples per second.

    Attributes
    ----------
    voice, resampler
        The two stages.
    """

    def __init__(
        self, input_rate: int, converter: VoiceConverter, output_rate: int, level_dbfs: float | None = None
    ) -> None:
        self.voice = VoiceChain(input_rate, converter, level_dbfs)
        self.resampler = Resampler(converter.rate, output_rate)
        super().__init__([self.voice, self.resampler])


def block_length(input_rate: int, output_rate: int, pack: ModelPack, frames: int) -> int:
    """Return the input samples that make at least `frames` feature frames and whole samples at every rate.

    At common rates that is exactly `frames`; at odd ones, such as 11,025 Hz, one frame more.
    """
    per_frame = [Fraction(rate * pack.hop, pack.sample_rate) for rate in (input_rate, output_rate)]
    unit = lcm(*(length.denominator for length in per_frame))
    return int(per_frame[0] * unit * ceil(frames / unit))
