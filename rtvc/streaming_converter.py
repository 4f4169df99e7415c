"""A converter for scripts: blocks of any length at any rate in, blocks of the same length out.

A `StreamingConverter` computes on the thread that calls it and belongs to one thread at a time. It must not be
called from an audio callback: the live engine (`rtvc.open_live`) is for that.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtvc.audio_file import HIGHEST_RATE, LOWEST_RATE
from rtvc.chain.voice_chain import FileChain, block_length
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.effects import NO_EFFECTS, Rack
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Mode
from rtvc.files.streamed_conversion import LiveMap
from rtvc.interface import AnyPath, as_pack, as_voice
from rtvc.packs.pack import ModelPack
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.pitch import PitchControl
from rtvc.voices.enrolment import enrol_files
from rtvc.voices.voice import Target


class StreamingConverter:
    """Converts a stream into a voice, as the live engine does.

    Call it with one block after the other. The result does not depend on how the stream is cut into blocks.

    Parameters
    ----------
    voice
        A voice, its name, the path of a recording, or a blend such as `Willow:0.7,Alder:0.3`.
    rate
        Sample rate of input and output in Hz, 8,000 to 192,000.
    pack
        A model pack, its name or its folder.
    map
        Transport, block size and strength; None for MKL with the pack's block size at full strength.
    speaker
        Recordings of the speaker at this microphone, at least 3 s of speech in all; with them the first word is
        converted right. None learns the speaker from the stream, and refits the map less and less often.
    step
        Frames of 20 ms computed at once; None for the pack's default.
    pitch_semitones, intonation
        Offset of the converted pitch (-24 … 24), and the factor on the distance of log pitch from its mean (0 … 3);
        for packs with a pitch dimension.
    formants
        Factor on the frequencies of the formants, 0.85 … 1.15.
    effects
        Effects on the converted voice, see `rtvc.find_effects`.
    noise_suppression
        How much noise to remove before the conversion, and from the recordings of `speaker`. It adds
        20 ms to the latency.

    Raises
    ------
    RtvcError
        If pack, voice or recordings cannot be used, the map needs `speaker`, or the pack has no pitch dimension.
    """

    def __init__(
        self,
        voice: str | Target = "Willow",
        rate: int = 48_000,
        *,
        pack: str | ModelPack = "mini",
        map: MapChoice | None = None,
        speaker: AnyPath | list[AnyPath] | None = None,
        step: int | None = None,
        pitch_semitones: float = 0.0,
        intonation: float = 1.0,
        formants: float = 1.0,
        effects: Rack = NO_EFFECTS,
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    ) -> None:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise RtvcError(f"The sample rate must be from {LOWEST_RATE} to {HIGHEST_RATE} Hz, not {rate}.")
        if step is not None and step < 1:
            raise RtvcError(f"A step has at least 1 frame, not {step}.")
        self.rate = rate
        self.pack = as_pack(pack)
        choice, target, level = map or MapChoice(), as_voice(voice), None
        pitch = PitchControl(pitch_semitones, intonation, formants)
        pitch.check(self.pack.roles, self.pack.name)
        converter = VoiceConverter(self.pack)
        if speaker is None:
            Conversion(choice, mode=Mode.LIVE).check()
            features = target.features(self.pack)
            converter.observe = LiveMap(converter, self.pack, features, choice, pitch, target.name)
        else:
            paths = speaker if isinstance(speaker, list) else [speaker]
            enrolment = enrol_files([Path(path) for path in paths], self.pack, "", noise_suppression)
            level = enrolment.level_dbfs
            transport = fit_map(
                self.pack, enrolment.features, target.features(self.pack), choice, target.maps, voice=target.name
            )
            converter.begin(transport, choice.strength, pitch)
        self._chain = FileChain(rate, converter, rate, level, effects, noise_suppression)
        self._block = block_length(rate, rate, self.pack, step or self.pack.defaults.step)
        self._waiting: Block
        self._ready: Block
        self.reset()

    @property
    def latency_samples(self) -> int:
        """By how many samples the output lies behind the input: the chain's algorithmic latency and one step."""
        return round(self._latency * self.rate)

    @property
    def latency(self) -> float:
        """By how many seconds the output lies behind the input; the time that the computer takes comes on top."""
        return float(self._latency)

    @property
    def _latency(self) -> Fraction:
        return self._chain.latency_seconds + Fraction(self._block - 1, self.rate)

    def __call__(self, block: npt.ArrayLike) -> Block:
        """Return as many converted samples `[n]` as come in, `[n]` or `[n, channels]` in -1 to 1.

        Raises `RtvcError` if the samples are not finite, or of another shape.
        """
        samples = np.asarray(block, np.float32)
        if samples.ndim == 2:
            samples = samples.mean(axis=1, dtype=np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise RtvcError("A block must contain finite samples [n] or [n, channels].")
        self._waiting = np.concatenate((self._waiting, samples))
        ready = [self._ready]
        while len(self._waiting) >= self._block:
            ready.append(self._chain.process(self._waiting[: self._block]).copy())
            self._waiting = self._waiting[self._block :]
        joined = np.concatenate(ready)
        self._ready = joined[len(samples) :]
        return joined[: len(samples)]

    def flush(self) -> Block:
        """Return the rest of the stream, `latency_samples` long, and begin anew."""
        rest = self(np.zeros(self.latency_samples, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the sound; what was learnt of the speaker stays."""
        self._chain.reset()
        self._waiting = np.zeros(0, np.float32)
        # One sample less than a block may wait for the rest of the block.
        self._ready = np.zeros(self._block - 1, np.float32)
