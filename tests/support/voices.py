"""Voices of made-up recordings, and what a library holds."""

from pathlib import Path

import numpy as np
import soundfile

from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack
from rtvc.voices.analysis import analyse
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice
from tests.support.sounds import babble


def own(library: VoiceLibrary) -> list[str]:
    return [voice.name for voice in library.list() if voice.folder is not None]


def record(path: Path, seconds: float = 5.0, rate: int = 48_000, level: float = 1.0) -> Path:
    soundfile.write(path, babble(seconds, rate) * level, rate)
    return path


def is_nearer(sound: Block, voice: Voice, other: Voice, pack: ModelPack) -> bool:
    """Tell whether the mean of a sound's features is nearer to one voice's than to another's.

    Less than two seconds of speech, at the pack's rate, are too few to tell.
    """
    statistics = analyse(sound, pack).statistics
    if statistics.count < 2 * pack.frame_rate:
        return False
    near, far = (
        np.linalg.norm((statistics.mean - one.features(pack).statistics.mean) / pack.population.standard_deviation)
        for one in (voice, other)
    )
    return bool(near < far)
