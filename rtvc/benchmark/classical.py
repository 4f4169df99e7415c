"""The classical way to change a voice, to measure others against: WORLD's analysis and one linear map.

WORLD takes speech apart into pitch, spectral envelope and aperiodicity and puts it together again (Morise, 2016).
Offline only: it sees the whole utterance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtvc.benchmark.metrics import SAMPLE_RATE, benchmark_module
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.dsp.stage import Block
from rtvc.features import FeatureRoles, FeatureStatistics
from rtvc.transport.mkl import fit_mkl

CEPSTRUM_SIZE = 40
PERIOD_SECONDS = 0.005

_ROLES = FeatureRoles(pitch=CEPSTRUM_SIZE, voicing=CEPSTRUM_SIZE + 1)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """Speech as WORLD takes it apart, a frame every `PERIOD_SECONDS`."""

    pitch: Array
    """Hertz `[frames]`, 0 where unvoiced."""
    cepstrum: Array
    """Mel cepstrum of the envelope `[frames, CEPSTRUM_SIZE]`."""
    aperiodicity: Array
    active: npt.NDArray[np.bool_]


def take_apart(audio: Block) -> Parts:
    """Take speech `[n]` at `SAMPLE_RATE` apart."""
    pyworld = benchmark_module("pyworld")
    samples = np.asarray(audio, np.float64)
    pitch, times = pyworld.harvest(samples, SAMPLE_RATE, frame_period=1000 * PERIOD_SECONDS)
    envelope = pyworld.cheaptrick(samples, pitch, times, SAMPLE_RATE)
    hop = round(PERIOD_SECONDS * SAMPLE_RATE)
    padded = np.pad(audio, (hop // 2, hop * len(pitch)))[: hop * len(pitch)]
    return Parts(
        pitch,
        pyworld.code_spectral_envelope(envelope, SAMPLE_RATE, CEPSTRUM_SIZE),
        pyworld.d4c(samples, pitch, times, SAMPLE_RATE),
        SpeechActivity(hop, SAMPLE_RATE).process(padded),
    )


def put_together(parts: Parts, length: int) -> Block:
    """Make speech `[length]` of its parts."""
    pyworld = benchmark_module("pyworld")
    size = 2 * (parts.aperiodicity.shape[1] - 1)
    envelope = pyworld.decode_spectral_envelope(np.ascontiguousarray(parts.cepstrum), SAMPLE_RATE, size)
    audio = pyworld.synthesize(parts.pitch, envelope, parts.aperiodicity, SAMPLE_RATE, 1000 * PERIOD_SECONDS)
    return np.asarray(np.pad(audio, (0, max(0, length - len(audio))))[:length], np.float32)


def _features(parts: Parts) -> Block:
    """Return mel cepstrum, log pitch and voicing of each frame: `[frames, CEPSTRUM_SIZE + 2]`."""
    voiced = parts.pitch > 0
    logs = np.log(np.where(voiced, parts.pitch, 1.0))
    return np.column_stack([parts.cepstrum, logs, voiced]).astype(np.float32)


def world_copy(source: Block, reference: Block) -> Block:
    """Take the source apart and put it together unchanged: what the vocoder alone costs. `reference` is not heard."""
    return put_together(take_apart(source), len(source))


@dataclass(frozen=True)
class WorldMkl:
    """Maps the source's log pitch and mel cepstrum by the affine transport between active frames.

    Pitch moves by its own mean and variance, the cepstrum in blocks of `block_size`; aperiodicity stays the
    source's. The source's statistics are those of the whole source.
    """

    block_size: int = CEPSTRUM_SIZE

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the source `[n]` into the reference's voice; raises `RtvcError` where either has no speech."""
        spoken, heard = take_apart(source), take_apart(reference)
        features = _features(spoken)
        move = fit_mkl(
            FeatureStatistics.of(features, spoken.active, _ROLES),
            FeatureStatistics.of(_features(heard), heard.active, _ROLES),
            self.block_size,
        )
        moved = move(features).astype(np.float64)
        pitch = np.where(spoken.pitch > 0, np.exp(moved[:, CEPSTRUM_SIZE]), 0.0)
        return put_together(replace(spoken, pitch=pitch, cepstrum=moved[:, :CEPSTRUM_SIZE]), len(source))
