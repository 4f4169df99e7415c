"""What the benchmarks of speed are run on: a shipped voice that speaks without end, on its way to another one."""

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
"""Samples a second at both ends of the chain, as sound cards have it."""


def speaker() -> Voice:
    """Return the shipped voice that speaks."""
    return shipped_voices()[0]


def target() -> Voice:
    """Return the shipped voice to convert into."""
    return shipped_voices()[-1]


class Speech:
    """The shipped voice's recording at a rate, over and over.

    Attributes
    ----------
    sound
        The recording once: `[samples]`.
    level_dbfs
        Its level.
    """

    def __init__(self, rate: int = DEVICE_RATE) -> None:
        recording = speaker().recording
        self.sound = resample(recording.read(), recording.rate, rate)
        level = speech_level([self.sound], rate)
        if level is None:
            raise RtvcError(f"{recording.path}: holds no speech; install rtvc again.")
        self.level_dbfs = level

    def blocks(self, size: int, count: int | None = None) -> Iterator[Block]:
        """Return `count` blocks `[size]` one after the other, without end if that is None."""
        position, done = 0, 0
        while count is None or done < count:
            places = np.arange(position, position + size) % len(self.sound)
            yield self.sound[places]
            position, done = position + size, done + 1


def converter(pack: ModelPack) -> VoiceConverter:
    """Return a converter of an average speaker, whom nobody has heard yet, into `target`."""
    nobody = FeatureSet(np.zeros((0, pack.feature_dim), np.float32), pack.population)
    return VoiceConverter(pack, fit_map(pack, nobody, target().features(pack), MapChoice()))
