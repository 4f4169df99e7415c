"""The modes two-pass and live: the chain that runs live, from a fresh state, over bigger steps, in constant memory.

Everything runs on the calling thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import numpy as np

from rtvc.chain.voice_chain import FileChain, VoiceInput, block_length
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.features import FeatureSet, FeatureStatistics, Mask
from rtvc.files.conversion import Job, Mode, Recording
from rtvc.live.map_fitter import Speaker
from rtvc.packs.pack import ModelPack
from rtvc.transport import Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.pitch import UNCHANGED_PITCH, PitchControl
from rtvc.voices.analysis import ANALYSIS_FRAMES, Analyser

MOST_SOURCE_SECONDS = 60
"""Frames are kept of this much of the source at most, for the transports that need the frames themselves."""

READ_SAMPLES = 65_536


def convert_streamed(job: Job) -> tuple[Fraction, list[str]]:
    """Convert a recording; return the chain's algorithmic latency in seconds, and what the user should know.

    The output is shifted by the latency, so that it is aligned with the source. Raises `RtvcError` if the recording
    or the voice cannot be used.
    """
    recording, pack, conversion = job.recording, job.pack, job.conversion
    level = _speech_level(job)
    warnings = [sentence for sentence in (job.voice.warning(pack),) if sentence is not None]
    if level is None:
        level = pack.level_dbfs
        warnings.append(f"{recording.name}: contains no speech.")
    target = job.voice.features(pack)
    converter = VoiceConverter(pack)
    if conversion.mode is Mode.LIVE:
        converter.observe = LiveMap(converter, pack, target, conversion.map, conversion.pitch, job.voice.name)
        # The level is learnt too.
        level, frames, learnt = None, conversion.step or pack.defaults.step, 0.0
    else:
        frames, learnt = conversion.step or ANALYSIS_FRAMES, 0.5
        speaker = _learn(job, amplitude(pack.level_dbfs - level), frames)
        choice = conversion.map
        if speaker.statistics.count == 0:
            # Without speech there is nothing to fit a finer map on.
            speaker, choice = FeatureSet(speaker.frames, pack.population), MapChoice()
        transport = fit_map(pack, speaker, target, choice, job.voice.maps, job.fitting, voice=job.voice.name)
        converter.begin(transport, conversion.map.strength, conversion.pitch)
    chain = FileChain(
        recording.rate, converter, job.output_rate, level, conversion.effects, conversion.noise_suppression
    )
    skip, written = round(chain.latency_seconds * job.output_rate), 0
    block = block_length(recording.rate, job.output_rate, pack, frames)
    for sound in _padded(recording, block, ceil(chain.latency_seconds * recording.rate)):
        result = chain.process(sound)
        dropped = min(skip, len(result))
        skip -= dropped
        result = result[dropped : dropped + job.output_frames - written]
        job.write(result)
        written += len(result)
        job.progress(learnt + (1 - learnt) * written / job.output_frames)
    if problem := chain.output.effects.problem:
        warnings.append(problem)
    return chain.latency_seconds, warnings


class LiveMap:
    """Refits the map of its converter while it learns the speaker, as the live engine does; an `Observer`."""

    def __init__(
        self,
        converter: VoiceConverter,
        pack: ModelPack,
        target: FeatureSet,
        choice: MapChoice,
        pitch: PitchControl = UNCHANGED_PITCH,
        voice: str | None = None,
    ) -> None:
        self._converter = converter
        self._voice = voice
        self._map: Transport | None = None
        self._speaker = Speaker(pack)
        self._target = target
        self._choice = choice
        self._pitch = pitch
        self._pack = pack
        converter.begin(self._fit(), choice.strength, pitch)

    def __call__(self, features: Block, active: Mask) -> None:
        """Count in the active rows, and refit when enough of them have come."""
        version = self._speaker.version
        self._speaker(features, active)
        if self._speaker.version != version:
            self._converter.transport.set(self._fit(), self._choice.strength, self._pitch)

    def _fit(self) -> Transport:
        source = self._speaker.features()
        self._map = fit_map(self._pack, source, self._target, self._choice, voice=self._voice, former=self._map)
        return self._map


class SourceStatistics:
    """Statistics of the speaker of a recording, and the frames of its first minute of speech; an `Observer`."""

    def __init__(self, pack: ModelPack) -> None:
        self._statistics = FeatureStatistics.of(np.zeros((0, pack.feature_dim), np.float32), roles=pack.roles)
        self._frames: list[Block] = []
        self._room = MOST_SOURCE_SECONDS * pack.frame_rate

    def __call__(self, features: Block, active: Mask) -> None:
        """Count in the active rows."""
        self._statistics = self._statistics.update(features, active)
        if self._room:
            kept = features[active][: self._room].copy()
            self._room -= len(kept)
            self._frames.append(kept)

    def result(self) -> FeatureSet:
        """Return the statistics of all rows counted, with the frames kept."""
        return FeatureSet(np.concatenate(self._frames), self._statistics)


def _speech_level(job: Job) -> float | None:
    """Return the level of the speech in the recording, after any noise suppression; None without speech."""
    recording, rate = job.recording, job.pack.sample_rate
    if job.conversion.noise_suppression is NoiseSuppression.OFF:
        return speech_level(recording.blocks(READ_SAMPLES), recording.rate)
    cleaned = VoiceInput(recording.rate, rate, job.conversion.noise_suppression)
    block = block_length(recording.rate, rate, job.pack, ANALYSIS_FRAMES)
    blocks = _padded(recording, block, ceil(cleaned.latency_seconds * recording.rate))
    return speech_level(map(cleaned.process, blocks), rate)


def _learn(job: Job, gain: float, frames: int) -> FeatureSet:
    """Encode the whole recording for its statistics: the first of the two passes."""
    recording, pack = job.recording, job.pack
    statistics = SourceStatistics(pack)
    analyser = Analyser(pack)
    heard = VoiceInput(recording.rate, pack.sample_rate, job.conversion.noise_suppression)
    block = block_length(recording.rate, pack.sample_rate, pack, frames)
    delay = ceil((heard.latency_seconds + analyser.encoder.latency_seconds) * recording.rate)
    done = 0
    for sound in _padded(recording, block, delay):
        statistics(*analyser.process(heard.process(sound) * np.float32(gain)))
        done += len(sound)
        job.progress(min(0.5, done / recording.frames / 2))
    return statistics.result()


def _padded(recording: Recording, block: int, extra: int) -> Iterator[Block]:
    """Yield whole blocks `[block]`, with at least `extra` samples of silence after the end."""
    silence = 0
    for sound in recording.blocks(block):
        silence = block - len(sound)
        yield np.pad(sound, (0, silence))
    while silence < extra:
        silence += block
        yield np.zeros(block, np.float32)
