"""The chain of stages from input audio to the output's, the same live and for files.

The voice is converted at the pack's rate (`VoiceChain`), resampled, and finished at the output's rate
(`VoiceOutput`): at 16 kHz, effects would give nothing above 8 kHz.

A chain belongs to the thread that processes blocks: the worker when live, the calling thread for files.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, lcm

import numpy as np

from rtvc.chain.level_normaliser import LevelNormaliser
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.effects import NO_EFFECTS, Rack
from rtvc.dsp.effects_stage import Board, Boards, Effects
from rtvc.dsp.gate import Gate
from rtvc.dsp.level import Gain, Limiter, Ramp
from rtvc.dsp.noise_suppression import RATE as SUPPRESSOR_RATE
from rtvc.dsp.noise_suppression import NoiseSuppression, NoiseSuppressor
from rtvc.dsp.resample import DriftResampler, Resampler
from rtvc.dsp.stage import Block, Chain, Delay, Stage
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import Transport, lookahead_frames
from rtvc.transport.pitch import PitchControl

GATE_CHUNKS = 4
"""Level measurements of the gate per feature frame, if the hop divides evenly."""


class Bypass(Stage):
    """Wraps a stage: passes its output or, while `active`, its input with the same delay. A change crossfades."""

    def __init__(self, inner: Stage) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.active = False
        self._share = Ramp(inner.rate, 0.0)
        self.reset()

    def reset(self) -> None:
        """Reset the audio state and end any fade."""
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
    """Wraps a stage: passes exactly what was said while `talking`.

    The switch is delayed by the latency of the stage, so that it acts on the audio of its moment. Set `talking`
    between blocks.
    """

    def __init__(self, inner: Stage) -> None:
        super().__init__(inner.rate, inner.latency, inner.granularity)
        self.inner = inner
        self.talking = True
        self._ramp = Ramp(inner.rate, 1.0)
        self.reset()

    def reset(self) -> None:
        """Reset the audio state."""
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
    """Passes blocks unchanged and keeps the latest as `block`, for meters and recordings."""

    def __init__(self, rate: int) -> None:
        super().__init__(rate)
        self.reset()

    def reset(self) -> None:
        """Forget the block."""
        self.block = np.zeros(0, np.float32)

    def _process(self, block: Block) -> Block:
        self.block = block
        return block


class VoiceInput(Chain):
    """Brings audio at any rate to the pack's rate, and removes noise on the way.

    RNNoise is part of it only while noise is removed or speech is detected. `set` changes that and resets the stage:
    the latency is another then.
    """

    def __init__(self, input_rate: int, rate: int, level: NoiseSuppression = NoiseSuppression.OFF) -> None:
        self._rates = input_rate, rate
        self._level, self._detects = NoiseSuppression.OFF, False
        self._suppressor: NoiseSuppressor | None = None
        super().__init__([Resampler(input_rate, rate)])
        self.set(level, detect_speech=False)

    def speech(self) -> Block:
        """Return the probability of speech of each 10 ms of the last block; RNNoise must be part of the stage."""
        assert self._suppressor is not None
        return self._suppressor.speech

    def set(self, level: NoiseSuppression, *, detect_speech: bool) -> bool:
        """Change what RNNoise does from the next block on; return whether that has reset the stage.

        Raises `RtvcError` if RNNoise is needed and not installed.
        """
        if (level, detect_speech) == (self._level, self._detects):
            return False
        before, self._level, self._detects = self._level, level, detect_speech
        off = level is NoiseSuppression.OFF
        input_rate, rate = self._rates
        if off and not detect_speech:
            self._suppressor, self.stages = None, (Resampler(input_rate, rate),)
        elif self._suppressor is None:
            self._suppressor = NoiseSuppressor(level)
            self.stages = (
                Resampler(input_rate, SUPPRESSOR_RATE),
                self._suppressor,
                Resampler(SUPPRESSOR_RATE, rate),
            )
        else:
            self._suppressor.level = level
            if off == (before is NoiseSuppression.OFF):
                return False
        self.reset()
        return True


class VoiceChain(Chain):
    """Converts the voice at the pack's rate: resampler, gain, gate, converter.

    Until `apply` is called, gains are 1 and the gate is open, as for a file.

    Parameters
    ----------
    input_rate
        Input samples per second.
    converter
        Encoder, transport and vocoder.
    level_dbfs
        The speaker's level, or None to learn it.
    silent
        Whether silence comes out until `apply` makes the voice audible.
    noise_suppression
        How much noise to remove before the conversion.

    Attributes
    ----------
    input, input_gain, tap, gate, push_to_talk, audible
        The stages, in this order. `tap.block` is the latest block of input at the pack's rate.
    bypass, normaliser, converter
        Inside `push_to_talk`, each wrapping the next.
    """

    def __init__(
        self,
        input_rate: int,
        converter: VoiceConverter,
        level_dbfs: float | None = None,
        silent: bool = False,
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    ) -> None:
        pack = converter.pack
        rate = pack.sample_rate
        self.converter = converter
        self.input = VoiceInput(input_rate, rate, noise_suppression)
        self.input_gain = Gain(rate)
        self.tap = Tap(rate)
        self.gate = Gate(rate, pack.hop if pack.hop % GATE_CHUNKS else pack.hop // GATE_CHUNKS)
        self.normaliser = LevelNormaliser(converter, pack.hop, pack.level_dbfs, level_dbfs)
        self.bypass = Bypass(self.normaliser)
        self.push_to_talk = PushToTalk(self.bypass)
        self.audible = Gain(rate, 0.0 if silent else 1.0)
        super().__init__([self.input, self.input_gain, self.tap, self.gate, self.push_to_talk, self.audible])

    def set_map(self, transport: Transport, strength: float, pitch: PitchControl, *, fade: bool = True) -> None:
        """Use another map, strength or change of pitch from the next block on.

        The map fades in over 5 feature frames. Without `fade`, or if its lookahead exceeds the current latency, the
        chain is reset and starts with silence.
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
        """Fade to the settings, except voice, map and pitch, from the next block on.

        `audible` false keeps the voice from the effects too, whose echoes would be heard later. Push-to-talk acts on
        what was said at that moment. Noise suppression switched on or off changes the latency, so the chain starts
        anew with silence.
        """
        self.input_gain.factor = amplitude(settings.input_gain_db)
        self.gate.threshold_dbfs = settings.gate_threshold_dbfs
        self.gate.speech = self.input.speech if settings.speech_gate else None
        self.bypass.active = settings.bypass
        self.push_to_talk.talking = settings.talking or not settings.push_to_talk
        self.audible.factor = float(audible)
        if self.input.set(settings.noise_suppression, detect_speech=settings.speech_gate):
            self.reset()


class VoiceOutput(Chain):
    """Finishes the converted voice at the output's rate, in blocks of any length: effects, gain, limiter.

    Parameters
    ----------
    rate
        Sample rate of the output in Hz.
    effects
        Effects on the converted voice.
    silent
        Whether the output is muted until `apply` makes it audible.
    boards
        Makes the effects of a rack, as in `Effects`.

    Attributes
    ----------
    effects, gain, limiter
        The stages, in this order.
    """

    def __init__(self, rate: int, effects: Rack = NO_EFFECTS, silent: bool = False, boards: Boards = Board) -> None:
        self.effects = Effects(rate, effects, boards)
        self.gain = Gain(rate, 0.0 if silent else 1.0)
        self.limiter = Limiter(rate)
        super().__init__([self.effects, self.gain, self.limiter])

    @property
    def latency_seconds(self) -> Fraction:
        """The latency of the effects in seconds, which changes with the rack."""
        return self.effects.latency_seconds

    def apply(self, settings: Settings, audible: bool = True) -> None:
        """Fade to the settings from the next block on. Mute, and `audible` false, act on the output at once."""
        self.effects.rack = NO_EFFECTS if settings.bypass else settings.effects
        self.gain.factor = amplitude(settings.output_gain_db) if audible and not settings.mute else 0.0


class FileChain(Chain):
    """The whole chain of a file: a `VoiceChain`, the resampler to the output's rate, and a `VoiceOutput`.

    Parameters are those of `VoiceChain` and `VoiceOutput`.

    Attributes
    ----------
    voice, resampler, output
        The three stages.
    """

    def __init__(
        self,
        input_rate: int,
        converter: VoiceConverter,
        output_rate: int,
        level_dbfs: float | None = None,
        effects: Rack = NO_EFFECTS,
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    ) -> None:
        self.voice = VoiceChain(input_rate, converter, level_dbfs, noise_suppression=noise_suppression)
        self.resampler = Resampler(converter.rate, output_rate)
        self.output = VoiceOutput(output_rate, effects)
        super().__init__([self.voice, self.resampler, self.output])


def block_length(input_rate: int, output_rate: int, pack: ModelPack, frames: int) -> int:
    """Return the input samples of at least `frames` feature frames that are whole samples at every rate.

    At common rates this is exactly `frames`. At 11,025 Hz a frame has 220.5 samples, so `frames` is rounded up to an
    even number.
    """
    per_frame = [Fraction(rate * pack.hop, pack.sample_rate) for rate in (input_rate, output_rate)]
    unit = lcm(*(length.denominator for length in per_frame))
    return int(per_frame[0] * unit * ceil(frames / unit))


def algorithmic_latency(pack: ModelPack, device_rate: int = 48_000) -> Fraction:
    """Return a pack's algorithmic latency in seconds: encoder, vocoder, and the resamplers from and to the devices.

    It is what `rtvc live` shows as algorithmic, and all commands that name one. Waiting for a whole step, the
    computation, queues and devices come on top.
    """
    resamplers = Resampler(device_rate, pack.sample_rate), DriftResampler(pack.sample_rate, device_rate)
    return Fraction(pack.latency, pack.sample_rate) + sum(
        (Fraction(one.latency, one.rate) for one in resamplers), Fraction(0)
    )
