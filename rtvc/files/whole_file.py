"""Whole utterances through a pack's offline graphs: MKL-VC and kNN-VC as published, with nothing left out.

Everything runs on the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnxruntime

from rtvc.dsp.decibels import amplitude
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer, check_destination
from rtvc.files.conversion import Conversion, Outcome
from rtvc.packs.card import OFFLINE_ENCODER, OFFLINE_VOCODER
from rtvc.packs.graph import Kind, open_session, read_graph
from rtvc.packs.pack import ModelPack
from rtvc.transport import TransportStage
from rtvc.transport.fitting import fit_map
from rtvc.voices.statistics import FeatureSet
from rtvc.voices.voice import Blend, Target

GRAPHS: dict[Kind, str] = {"encoder": OFFLINE_ENCODER, "vocoder": OFFLINE_VOCODER}
BLOCK_SIZE = 2
"""K of MKL-VC where nobody says otherwise."""

KNN_LUFS = -16.0
"""The loudness of what kNN-VC converts."""

SHORTEST_SECONDS = 0.2
LONGEST_SECONDS = 120
"""Attention over the whole utterance takes memory with the square of its length."""


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


def convert_offline(
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
    """Convert a recording whole and write the result, as long as the source; parameters as `convert_file`'s.

    As published: every frame counts, silent or not; covariances are not shrunk; and only kNN-VC gives its results a
    loudness. (It also trims the silence at the ends of its references, which is not done here.) `online` and `step`
    of the conversion mean nothing here.

    Raises
    ------
    RtvcError
        If the pack has no offline graphs, the voice is a blend, or a file cannot be read, used or written.
    """
    check_destination(output, overwrite)
    if isinstance(voice, Blend):
        raise RtvcError("Offline conversion takes one voice, not a blend: leave --offline out, or name one voice.")
    models = OfflineModels(pack)
    recording = AudioFile(source)
    began = time.perf_counter()
    speaker, target = (
        FeatureSet.of(_features(models, file, pack), roles=pack.roles) for file in (recording, voice.recording)
    )
    progress(0.5)
    choice, options = conversion.map, {}
    if choice.transport == "mkl":
        choice, options = replace(choice, block_size=choice.block_size or BLOCK_SIZE), {"shrinkage": 0.0}
    transport = fit_map(pack, speaker, target, choice, voice.maps, fitting, **options)
    stage = TransportStage(transport, choice.strength, pack.frame_rate)
    padded = np.pad(speaker.frames, ((0, stage.latency), (0, 0)), mode="edge")
    moved = stage.process(padded)[stage.latency :]
    audio = models.vocode(moved)
    if choice.transport == "knn":
        audio = _as_loud(audio, KNN_LUFS, pack.sample_rate)
    rate = conversion.sample_rate or recording.rate
    result = np.zeros(round(recording.frames * rate / recording.rate), np.float32)
    heard = resample(audio, pack.sample_rate, rate)[: len(result)]
    result[: len(heard)] = heard
    with audio_writer(output, rate, overwrite=overwrite) as writer:
        writer.write(result)
    progress(1.0)
    return Outcome(recording.duration, time.perf_counter() - began, Fraction(0), [])


def _features(models: OfflineModels, file: AudioFile, pack: ModelPack) -> Block:
    if file.duration < SHORTEST_SECONDS:
        raise RtvcError(f"{file.path}: lasts {file.duration:.2f} s, too short to be converted whole.")
    if file.duration > LONGEST_SECONDS:
        raise RtvcError(
            f"{file.path}: lasts {file.duration:.0f} s, and --offline takes no more than {LONGEST_SECONDS} s: "
            "convert it without --offline, or cut it."
        )
    return models.encode(resample(file.read(), file.rate, pack.sample_rate))


def _as_loud(audio: Block, lufs: float, rate: int) -> Block:
    """Return the audio at this loudness (ITU-R BS.1770-4), or as near to it as full scale allows.

    What is too short or too quiet to have a loudness stays as it is.
    """
    import pyloudnorm  # and with it much of SciPy, which nothing else needs

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
            f"The model pack {pack.name} has no offline graphs: convert without --offline, or build a pack that has "
            "them with `rtvc models build NAME --offline`."
        )
    content, where = pack.read(name), str(pack.folder / name)
    description, _ = read_graph(content, where, kind)
    if description.feature_dim != pack.feature_dim:
        raise RtvcError(f"{where} is not the offline {kind} of this pack: build the model pack again.")
    return open_session(content, where, replace(pack.runtime, provider="cpu"))
