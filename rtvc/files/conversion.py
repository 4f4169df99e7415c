"""Files converted by the chain that runs live, from a fresh state, over bigger steps, in constant memory.

Everything runs on the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, lcm
from pathlib import Path

import numpy as np

from rtvc.chain.voice_chain import VoiceChain
from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.resample import Resampler
from rtvc.dsp.stage import Block, Chain
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer, check_destination
from rtvc.live.map_fitter import Speaker
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITTED_ON_FRAMES, Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.voices.analysis import ANALYSIS_FRAMES, Analyser
from rtvc.voices.statistics import FeatureSet, FeatureStatistics, Mask
from rtvc.voices.voice import Target

MOST_SOURCE_SECONDS = 60
"""Of the source, at most this much is kept frame by frame, for the transports that need the frames themselves."""

CLIPPED_PER_SECOND = 10


@dataclass(frozen=True)
class Conversion:
    """How to convert.

    Attributes
    ----------
    map
        Transport, block size and strength of the map towards the voice.
    online
        Learn level and statistics as the sound goes by, from the population's on, as live; not from the whole file.
    step
        Frames a step; None for the size that suits files, or with `online` for the pack's live one.
    sample_rate
        Of the output; None for the source's.
    """

    map: MapChoice = field(default_factory=MapChoice)
    online: bool = False
    step: int | None = None
    sample_rate: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a conversion was like: durations in seconds, and what the user should know."""

    duration: float
    elapsed: float
    latency: Fraction
    warnings: list[str]

    @property
    def real_time_factor(self) -> float:
        """Time taken a second of audio."""
        return self.elapsed / self.duration


class SourceStatistics:
    """Learns the speaker's features from the steps it is shown; an `Observer`."""

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
        """Return everything counted, with the first minute of frames."""
        return FeatureSet(np.concatenate(self._frames), self._statistics)


class LiveMap:
    """Refits the map about once a second of sound, as the live engine does; an `Observer` on its converter."""

    def __init__(
        self, converter: VoiceConverter, pack: ModelPack, target: FeatureSet, conversion: Conversion
    ) -> None:
        self._converter = converter
        self._speaker = Speaker(pack)
        self._target = target
        self._conversion = conversion
        self._pack = pack
        converter.begin(self._fit(), conversion.map.strength)

    def __call__(self, features: Block, active: Mask) -> None:
        """Count in the active rows; refit when it is time."""
        version = self._speaker.version
        self._speaker(features, active)
        if self._speaker.version != version:
            self._converter.transport.set(self._fit(), self._conversion.map.strength)

    def _fit(self) -> Transport:
        return fit_map(self._pack, self._speaker.features(), self._target, self._conversion.map)


def convert_file(
    source: Path,
    voice: Target,
    output: Path,
    pack: ModelPack,
    conversion: Conversion,
    *,
    overwrite: bool = False,
    progress: Callable[[float], None] = lambda share: None,
    fitting: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """Convert a recording and write the result, as long as the source and aligned with it.

    The level of the source is brought to the pack's before the encoder and given back after the vocoder.

    Parameters
    ----------
    source, voice, output
        What to convert, into whose voice, to which file; its suffix names the format.
    pack, conversion
        With which models, and how.
    overwrite
        Whether an existing output may be replaced.
    progress, fitting
        Told the share of the work done, 0 … 1; and, between the two passes, that of a fit that takes long. What they
        raise ends the conversion.

    Raises
    ------
    RtvcError
        If a file cannot be read, used or written, or the transport does not go with `online`. Nothing is left behind
        then.
    """
    check_destination(output, overwrite)
    if conversion.online and conversion.map.transport in FITTED_ON_FRAMES:
        raise RtvcError(
            f"--online learns the speaker as the sound goes by, and {conversion.map.transport} needs a recording of "
            "them beforehand: leave --online out, or choose the transport mkl or knn."
        )
    recording = AudioFile(source)
    began = time.perf_counter()
    level = speech_level(recording.blocks(), recording.rate)
    warnings = []
    if recording.clipped > CLIPPED_PER_SECOND * recording.duration:
        warnings.append(
            f"{source}: {recording.clipped} samples are clipped; record at a lower level for clean sound."
        )
    if (warning := voice.warning(pack)) is not None:
        warnings.append(warning)
    if level is None:
        level = pack.level_dbfs
        warnings.append(f"{source}: holds no speech.")
    gain = amplitude(pack.level_dbfs - level)
    rate = conversion.sample_rate or recording.rate
    converter = VoiceConverter(pack)
    usual = pack.defaults.step if conversion.online else ANALYSIS_FRAMES
    block = block_length(recording.rate, rate, pack, conversion.step or usual)

    passes = 1 if conversion.online else 2
    target = voice.features(pack)
    if conversion.online:
        converter.observe = LiveMap(converter, pack, target, conversion)
    else:
        speaker = _learn(recording, pack, gain, conversion, lambda share: progress(share / passes))
        choice = conversion.map
        if speaker.statistics.count == 0:
            speaker = FeatureSet(speaker.frames, pack.population)
            choice = MapChoice()
        transport = fit_map(pack, speaker, target, choice, voice.maps, fitting)
        converter.begin(transport, conversion.map.strength)

    chain = file_chain(recording.rate, converter, rate, None if conversion.online else level)
    expected = max(1, round(recording.frames * rate / recording.rate))
    skip = round(chain.latency_seconds * rate)
    written = 0
    with audio_writer(output, rate, overwrite=overwrite) as writer:
        for sound in _padded(recording, block, ceil(chain.latency_seconds * recording.rate)):
            result = chain.process(sound)
            dropped = min(skip, len(result))
            skip -= dropped
            result = result[dropped : dropped + expected - written]
            writer.write(result)
            written += len(result)
            progress((passes - 1 + written / expected) / passes)
    return Outcome(recording.duration, time.perf_counter() - began, chain.latency_seconds, warnings)


def file_chain(
    input_rate: int, converter: VoiceConverter, output_rate: int, level_dbfs: float | None = None
) -> Chain:
    """Return the whole chain from audio at one rate to converted audio at another.

    `level_dbfs` is the speech's level; None to learn it as the sound goes by.
    """
    return Chain([VoiceChain(input_rate, converter, level_dbfs), Resampler(converter.rate, output_rate)])


def block_length(input_rate: int, output_rate: int, pack: ModelPack, frames: int) -> int:
    """Return the samples of input that make at least `frames` frames and whole samples at every rate of the chain.

    At the usual rates it is exactly as many frames; at odd ones, such as 11,025 Hz, a frame more.
    """
    per_frame = [Fraction(rate * pack.hop, pack.sample_rate) for rate in (input_rate, output_rate)]
    unit = lcm(*(length.denominator for length in per_frame))
    return int(per_frame[0] * unit * ceil(frames / unit))


def _learn(
    recording: AudioFile, pack: ModelPack, gain: float, conversion: Conversion, progress: Callable[[float], None]
) -> FeatureSet:
    """Encode the whole recording for its statistics."""
    observer = SourceStatistics(pack)
    analyser = Analyser(pack)
    resampler = Resampler(recording.rate, pack.sample_rate)
    block = block_length(recording.rate, pack.sample_rate, pack, conversion.step or ANALYSIS_FRAMES)
    delay = ceil((resampler.latency_seconds + analyser.encoder.latency_seconds) * recording.rate)
    done = 0
    for sound in _padded(recording, block, delay):
        observer(*analyser.process(resampler.process(sound) * np.float32(gain)))
        done += len(sound)
        progress(min(1.0, done / recording.frames))
    return observer.result()


def _padded(recording: AudioFile, block: int, extra: int) -> Iterator[Block]:
    """Read in whole blocks, with at least `extra` samples of silence after the end."""
    silence = 0
    for sound in recording.blocks(block):
        silence = block - len(sound)
        yield np.pad(sound, (0, silence))
    while silence < extra:
        silence += block
        yield np.zeros(block, np.float32)
