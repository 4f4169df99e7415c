"""From a recording to the features of its speech: read, bring to the pack's level and rate, encode, mask.

References, enrolments and live sound go through the same encoder graph and the same speech mask, so that their
statistics can be compared. Everything here runs on the calling thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtvc.audio_file import AudioFile
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.noise_suppression import NoiseSuppression, suppress_noise
from rtvc.dsp.resample import resample
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.dsp.stage import Block
from rtvc.features import FeatureSet, Mask
from rtvc.packs.pack import ModelPack

ANALYSIS_FRAMES = 50
"""Frames per step when a whole recording is analysed: 1 s, at which the cost per call no longer shows."""

LONGEST_SECONDS = 300.0
"""How much of a reference or an enrolment is read. Statistics settle within 30 s; more only costs memory."""

HIGHEST_RATE = 48_000
"""Highest sample rate in Hz of a stored reference. Packs use less, and 192 kHz takes four times the memory."""


class Analyser:
    """The encoder with the speech mask: audio at the pack's rate to features, and which frames are speech.

    The mask is delayed by the encoder's lookahead, so that both refer to the same frames.
    """

    def __init__(self, pack: ModelPack) -> None:
        self.encoder = pack.encoder()
        self._activity = SpeechActivity(pack.hop, pack.sample_rate)
        self._lookahead = pack.lookahead_frames
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.encoder.reset()
        self._activity.reset()
        self._pending = np.zeros(self._lookahead, bool)

    def process(self, audio: Block) -> tuple[Block, Mask]:
        """Return features `[n, dim]` and the speech mask `[n]` for audio `[n * hop]`."""
        features = self.encoder.process(audio)
        mask = np.concatenate([self._pending, self._activity.process(audio)])
        self._pending = mask[len(features) :]
        return features, mask[: len(features)]


@dataclass(frozen=True)
class SpeechAnalysis:
    """The speech in a recording, under one pack.

    Attributes
    ----------
    features
        Features of the speech frames, after the gain that brings the speech to the pack's level.
    level_dbfs
        Level of the speech before that gain (root mean square); None where there is no speech.
    seconds
        Duration of the speech.
    """

    features: FeatureSet
    level_dbfs: float | None
    seconds: float


def analyse(audio: Block, pack: ModelPack) -> FeatureSet:
    """Return the features of the speech in audio `[samples]` at the pack's rate and level."""
    analyser = Analyser(pack)
    frames = -(-len(audio) // pack.hop) + pack.lookahead_frames
    padded = np.zeros(frames * pack.hop, np.float32)
    padded[: len(audio)] = audio
    kept = []
    for start in range(0, len(padded), ANALYSIS_FRAMES * pack.hop):
        features, speech = analyser.process(padded[start : start + ANALYSIS_FRAMES * pack.hop])
        kept.append(features[speech])
    return FeatureSet.of(np.concatenate(kept), roles=pack.roles)


def analyse_recording(
    audio: Block, rate: int, pack: ModelPack, suppression: NoiseSuppression = NoiseSuppression.OFF
) -> SpeechAnalysis:
    """Clean a recording `[samples]` at `rate` Hz, bring it to the pack's level and rate, and analyse its speech."""
    audio = suppress_noise(audio, rate, suppression)
    level = speech_level((audio[start : start + rate] for start in range(0, len(audio), rate)), rate)
    gain = 1.0 if level is None else amplitude(pack.level_dbfs - level)
    features = analyse(resample(audio, rate, pack.sample_rate) * np.float32(gain), pack)
    return SpeechAnalysis(features, level, features.statistics.count / pack.frame_rate)


def read_recordings(paths: Sequence[Path]) -> tuple[Block, int]:
    """Return recordings joined to one channel `[samples]`, and its rate: the highest among them, at most 48 kHz.

    Reading stops after `LONGEST_SECONDS` in all. Raises as `AudioFile` does.
    """
    sources = [AudioFile(path) for path in paths]
    rate = min(max(source.rate for source in sources), HIGHEST_RATE)
    left = round(LONGEST_SECONDS * rate)
    audio: list[Block] = []
    for source in sources:
        audio.append(source.read(rate, left / rate)[:left])
        left -= len(audio[-1])
        if left == 0:
            break
    return np.concatenate(audio), rate


def cut_warning(paths: Sequence[Path]) -> str | None:
    """Return a sentence for the user if `read_recordings` reads these recordings only in part."""
    if sum(AudioFile(path).duration for path in paths) <= LONGEST_SECONDS:
        return None
    return f"Only the first {LONGEST_SECONDS / 60:.0f} min of {', '.join(path.name for path in paths)} are used."
