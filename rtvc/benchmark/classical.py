"""Classical baseline: the WORLD vocoder (Morise et al., 2016) and one affine map.

WORLD analyses speech into pitch, spectral envelope and aperiodicity, and synthesises speech from them.
Offline only: it needs the whole utterance.
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
class WorldParameters:
    """WORLD parameters of an utterance, one frame every `PERIOD_SECONDS`."""

    pitch: Array
    """Hertz `[frames]`, 0 where unvoiced."""
    cepstrum: Array
    """Mel cepstrum of the envelope `[frames, CEPSTRUM_SIZE]`."""
    aperiodicity: Array
    """Share of noise per frequency bin, 0 … 1: `[frames, bins]`."""
    active: npt.NDArray[np.bool_]
    """Frames that hold speech `[frames]`."""


def analyse(audio: Block) -> WorldParameters:
    """Return the WORLD parameters of audio `[n]` at `SAMPLE_RATE`."""
    pyworld = benchmark_module("pyworld")
    samples = np.asarray(audio, np.float64)
    pitch, times = pyworld.harvest(samples, SAMPLE_RATE, frame_period=1000 * PERIOD_SECONDS)
    envelope = pyworld.cheaptrick(samples, pitch, times, SAMPLE_RATE)
    hop = round(PERIOD_SECONDS * SAMPLE_RATE)
    padded = np.pad(audio, (hop // 2, hop * len(pitch)))[: hop * len(pitch)]
    return WorldParameters(
        pitch,
        pyworld.code_spectral_envelope(envelope, SAMPLE_RATE, CEPSTRUM_SIZE),
        pyworld.d4c(samples, pitch, times, SAMPLE_RATE),
        SpeechActivity(hop, SAMPLE_RATE).process(padded),
    )


def synthesise(parameters: WorldParameters, length: int) -> Block:
    """Return audio `[length]` at `SAMPLE_RATE` for WORLD parameters."""
    pyworld = benchmark_module("pyworld")
    size = 2 * (parameters.aperiodicity.shape[1] - 1)
    envelope = pyworld.decode_spectral_envelope(np.ascontiguousarray(parameters.cepstrum), SAMPLE_RATE, size)
    audio = pyworld.synthesize(
        parameters.pitch, envelope, parameters.aperiodicity, SAMPLE_RATE, 1000 * PERIOD_SECONDS
    )
    return np.asarray(np.pad(audio, (0, max(0, length - len(audio))))[:length], np.float32)


def _features(parameters: WorldParameters) -> Block:
    """Return mel cepstrum, log pitch and voicing per frame: `[frames, CEPSTRUM_SIZE + 2]`."""
    voiced = parameters.pitch > 0
    logs = np.log(np.where(voiced, parameters.pitch, 1.0))
    return np.column_stack([parameters.cepstrum, logs, voiced]).astype(np.float32)


def world_copy(source: Block, reference: Block) -> Block:
    """Resynthesise the source without a map, to show what the vocoder alone costs; `reference` is unused."""
    return synthesise(analyse(source), len(source))


@dataclass(frozen=True)
class WorldMkl:
    """WORLD with an MKL map of log pitch and mel cepstrum, fitted on the speech frames of source and reference.

    Pitch is mapped by mean and variance, the cepstrum in blocks of `block_size`; aperiodicity is unchanged.
    """

    block_size: int = CEPSTRUM_SIZE

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the source `[n]` into the voice of the reference; raises `RtvcError` if either has no speech."""
        parameters, target = analyse(source), analyse(reference)
        features = _features(parameters)
        transport = fit_mkl(
            FeatureStatistics.of(features, parameters.active, _ROLES),
            FeatureStatistics.of(_features(target), target.active, _ROLES),
            self.block_size,
        )
        mapped = transport(features).astype(np.float64)
        pitch = np.where(parameters.pitch > 0, np.exp(mapped[:, CEPSTRUM_SIZE]), 0.0)
        return synthesise(replace(parameters, pitch=pitch, cepstrum=mapped[:, :CEPSTRUM_SIZE]), len(source))
