"""The mode whole-file: a pack's offline graphs over the whole utterance, as MKL-VC and kNN-VC were published.

Everything runs on the calling thread.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import onnxruntime

from rtvc.dsp.decibels import amplitude
from rtvc.dsp.effects import Rack
from rtvc.dsp.effects_stage import Effects
from rtvc.dsp.noise_suppression import NoiseSuppression, suppress_noise
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.files.conversion import Job, Recording
from rtvc.packs.card import OFFLINE_ENCODER, OFFLINE_VOCODER
from rtvc.packs.graph import Kind, open_session, read_graph
from rtvc.packs.pack import ModelPack
from rtvc.transport import TransportStage
from rtvc.transport.fitting import fit_map
from rtvc.voices.voice import Blend

GRAPHS: dict[Kind, str] = {"encoder": OFFLINE_ENCODER, "vocoder": OFFLINE_VOCODER}
BLOCK_SIZE = 2
"""The default K of MKL-VC."""

KNN_LUFS = -16.0
"""kNN-VC normalises its results to this loudness."""

SHORTEST_SECONDS = 0.2
LONGEST_SECONDS = 120
"""Attention over the whole utterance takes memory that grows with the square of its length."""


class OfflineModels:
    """The offline graphs of a pack.

    Raises
    ------
    RtvcError
        If the pack has none, or they are damaged or of another kind.
    """

    def __init__(self, pack: ModelPack) -> None:
        self._encoder = _session(pack, "encoder")
        self._vocoder = _session(pack, "vocoder")

    def encode(self, audio: Block) -> Block:
        """Return the features `[frames, dim]` of audio `[samples]` at the pack's rate."""
        features: Block = self._encoder.run(["features"], {"audio": audio[None]})[0][0]
        return features

    def vocode(self, features: Block) -> Block:
        """Return the audio `[frames · hop]` of features `[frames, dim]`."""
        audio: Block = self._vocoder.run(["audio"], {"features": features[None]})[0][0]
        return audio


def convert_whole(job: Job) -> tuple[Fraction, list[str]]:
    """Convert a recording whole; return its latency, which is 0, and what the user should know, which is nothing.

    As published: every frame counts, silent or not; covariances are not shrunk; and only the results of kNN-VC get a
    loudness. The silence at the ends of the reference is kept, which kNN-VC trims.

    Raises
    ------
    RtvcError
        If the pack has no offline graphs, the voice is a blend, or recording or voice cannot be used.
    """
    pack, choice = job.pack, job.conversion.map
    if isinstance(job.voice, Blend):
        raise RtvcError("The mode whole-file takes one voice, not a blend: name one voice, or choose another mode.")
    models = OfflineModels(pack)
    speaker, target = (
        FeatureSet.of(_features(models, recording, pack, suppression), roles=pack.roles)
        for recording, suppression in (
            (job.recording, job.conversion.noise_suppression),
            (job.voice.recording, NoiseSuppression.OFF),
        )
    )
    job.progress(0.5)
    options: dict[str, Any] = {}
    if choice.transport == "mkl":
        choice, options = replace(choice, block_size=choice.block_size or BLOCK_SIZE), {"shrinkage": 0.0}
    transport = fit_map(pack, speaker, target, choice, job.voice.maps, job.fitting, **options)
    stage = TransportStage(transport, choice.strength, pack.frame_rate, pitch=job.conversion.pitch, roles=pack.roles)
    padded = np.pad(speaker.frames, ((0, stage.latency), (0, 0)), mode="edge")
    audio = models.vocode(stage.process(padded)[stage.latency :])
    if choice.transport == "knn":
        audio = _as_loud(audio, KNN_LUFS, pack.sample_rate)
    audio = resample(audio, pack.sample_rate, job.output_rate)
    result = np.zeros(job.output_frames, np.float32)
    heard = _with_effects(audio, job.conversion.effects, job.output_rate)[: len(result)]
    result[: len(heard)] = heard
    job.write(result)
    job.progress(1.0)
    return Fraction(0), []


def _with_effects(audio: Block, rack: Rack, rate: int) -> Block:
    stage = Effects(rate, rack)
    return stage.process(np.pad(audio, (0, stage.latency)))[stage.latency :]


def _features(models: OfflineModels, recording: Recording, pack: ModelPack, suppression: NoiseSuppression) -> Block:
    seconds = recording.frames / recording.rate
    if seconds < SHORTEST_SECONDS:
        raise RtvcError(f"{recording.name}: lasts {seconds:.2f} s; the mode whole-file needs {SHORTEST_SECONDS} s.")
    if seconds > LONGEST_SECONDS:
        raise RtvcError(
            f"{recording.name}: lasts {seconds:.0f} s, and the mode whole-file takes no more than "
            f"{LONGEST_SECONDS} s: choose another mode, or cut the recording."
        )
    return models.encode(suppress_noise(recording.read(pack.sample_rate), pack.sample_rate, suppression))


def _as_loud(audio: Block, lufs: float, rate: int) -> Block:
    """Return the audio at this loudness (ITU-R BS.1770-4), or as near to it as full scale allows.

    Audio too short or too quiet to have a loudness is returned unchanged.
    """
    import pyloudnorm  # Imports much of SciPy, which nothing else here needs.

    meter = pyloudnorm.Meter(rate)
    if len(audio) < meter.block_size * rate:
        return audio
    found = meter.integrated_loudness(audio)
    if not np.isfinite(found):
        return audio
    return audio * np.float32(min(amplitude(lufs - found), 1 / np.abs(audio).max()))


def _session(pack: ModelPack, kind: Kind) -> onnxruntime.InferenceSession:
    name = GRAPHS[kind]
    if name not in pack.card.digests:
        raise RtvcError(
            f"The model pack {pack.name} has no offline graphs: choose another mode, or build a pack that has them "
            "with `rtvc models build NAME --offline`."
        )
    content, where = pack.read(name), str(pack.folder / name)
    description, _ = read_graph(content, where, kind)
    if description.feature_dim != pack.feature_dim:
        raise RtvcError(f"{where} is not the offline {kind} of this pack: build the model pack again.")
    return open_session(content, where, replace(pack.runtime, provider="cpu"))
