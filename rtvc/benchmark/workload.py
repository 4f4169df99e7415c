"""Workload of the speed benchmarks: one shipped voice, looped, converted into another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtvc.chain.voice_converter import VoiceConverter
from rtvc.dsp.level import speech_level
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.voices.library import shipped_voices
from rtvc.voices.voice import Voice

DEVICE_RATE = 48_000
"""Sample rate in hertz at both ends of the chain, as of most sound cards."""


def speaker() -> Voice:
    """Return the shipped voice used as source."""
    return shipped_voices()[0]


def target() -> Voice:
    """Return the shipped voice used as target."""
    return shipped_voices()[-1]


class Speech:
    """The recording of the source voice at a given sample rate, looped.

    Attributes
    ----------
    sound
        The recording `[samples]`.
    level_dbfs
        Its speech level.
    """

    def __init__(self, rate: int = DEVICE_RATE) -> None:
        recording = speaker().recording
        self.sound = resample(recording.read(), recording.rate, rate)
        level = speech_level([self.sound], rate)
        if level is None:
            raise RtvcError(f"{recording.path}: contains no speech; install rtvc again.")
        self.level_dbfs = level

    def blocks(self, size: int, count: int | None = None) -> Iterator[Block]:
        """Yield `count` consecutive blocks `[size]`; endless if None."""
        position, done = 0, 0
        while count is None or done < count:
            places = np.arange(position, position + size) % len(self.sound)
            yield self.sound[places]
            position, done = position + size, done + 1


def make_converter(pack: ModelPack) -> VoiceConverter:
    """Return a converter from the pack's average speaker into `target`."""
    average = FeatureSet(np.zeros((0, pack.feature_dim), np.float32), pack.population)
    return VoiceConverter(pack, fit_map(pack, average, target().features(pack), MapChoice()))
