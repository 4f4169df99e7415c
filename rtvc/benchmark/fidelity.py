"""`rtvc bench fidelity`: streaming output of a pack compared with its own models run over whole recordings.

Features and audio are time-aligned and compared on speech without a map. Runs on the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtvc.audio_file import AudioFile
from rtvc.benchmark.metrics import benchmark_module
from rtvc.benchmark.report import Report, Table
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.packs.graph import GraphStage
from rtvc.packs.pack import ModelPack
from rtvc.voices.library import AUDIO_SUFFIXES, shipped_voices

WINDOW_SECONDS = 0.032
FLOOR_DB = -60.0
"""Spectral bins are clipped at this level below the maximum, since quieter ones are inaudible."""

MEASURED_SECONDS = 4.0
SPEAKERS = ("Alder", "Hazel", "Rowan", "Willow")
"""The shipped voices that are measured, named here so that a new voice does not change the figures."""


Offline = Callable[[Block], Block]
"""A model run over a whole utterance: audio `[samples]` to features `[frames, dim]`, or features to audio."""


@dataclass(frozen=True)
class Fidelity:
    """Means over all recordings.

    Attributes
    ----------
    feature_error, feature_cosine
        Streaming against offline features: relative error (norm of the difference over the norm) and mean cosine.
    vocoder_distance
        Log-spectral distance in dB between streaming and offline vocoder, both on offline features.
    distance
        The same end to end: streaming audio of streaming features against offline audio of offline features.
    latency_ms, step_ms
        Algorithmic latency and the length of a step. Their sum is the latency without computation and devices.
    median_ms, p99_ms
        Computation time per step.
    real_time_factor
        Computation time per second of audio.
    """

    feature_error: float
    feature_cosine: float
    vocoder_distance: float
    distance: float
    latency_ms: float
    step_ms: float
    median_ms: float
    p99_ms: float
    real_time_factor: float


def read_recordings(paths: Sequence[Path], sample_rate: int, level_dbfs: float, most: int) -> list[Block]:
    """Return the first 4 s of up to `most` recordings that are long enough, at this sample rate and speech level.

    Raises `RtvcError` if none is long enough.
    """
    length = int(MEASURED_SECONDS * sample_rate)
    recordings: list[Block] = []
    for path in paths:
        file = AudioFile(path)
        audio = resample(file.read(), file.rate, sample_rate)[:length]
        level = speech_level([audio], sample_rate)
        if level is not None and len(audio) == length:
            recordings.append(audio * np.float32(amplitude(level_dbfs - level)))
        if len(recordings) == most:
            break
    if not recordings:
        raise RtvcError(
            f"None of the {len(paths)} recordings contains {MEASURED_SECONDS:g} s of speech: name a folder of "
            "speech of several speakers with --speech."
        )
    return recordings


def find_recordings(folder: Path | None) -> list[Path]:
    """Return the recordings below a folder, or the references of `SPEAKERS`; raise `RtvcError` if there are none."""
    if folder is None:
        recordings = [voice.reference for voice in shipped_voices() if voice.name in SPEAKERS]
    else:
        recordings = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not recordings:
        raise RtvcError("No recordings found: name a folder of speech of several speakers with --speech.")
    return recordings


def measure(
    pack: ModelPack,
    encode: Offline,
    vocode: Offline,
    recordings: Sequence[Block],
    step: int = 1,
) -> Fidelity:
    """Compare a streaming pack with its offline models.

    Parameters
    ----------
    pack
        The streaming models.
    encode, vocode
        The offline models.
    recordings
        Speech `[samples]` at the pack's rate and level, each longer than the pack's latency.
    step
        Feature frames per step.
    """
    encoder, vocoder = pack.encoder(), pack.vocoder()
    weights, errors, cosines, distances, vocoder_distances = [], [], [], [], []
    times: list[float] = []
    overlap = encoder.description.delay_samples
    for recording in recordings:
        frames = len(recording) // (pack.hop * step) * step
        audio = recording[: frames * pack.hop]
        # A streaming frame ends with its step; the first offline frame starts with the audio. Padding aligns them.
        expected = encode(np.concatenate([np.zeros(overlap, np.float32), audio]))
        offline = vocode(expected)
        encoder.reset()
        vocoder.reset()
        features, streamed = _stream(encoder, vocoder, audio, step, times)
        shift = pack.lookahead_frames
        error, cosine = feature_errors(features[shift:], expected[: frames - shift])
        errors.append(error)
        cosines.append(cosine)
        weights.append(frames)
        delay = shift * pack.hop + vocoder.latency
        distances.append(log_spectral_distance(streamed[delay:], offline, pack.sample_rate))
        vocoder.reset()
        vocoded = np.concatenate(
            [vocoder.process(expected[start : start + step]) for start in range(0, frames, step)]
        )
        vocoder_distances.append(log_spectral_distance(vocoded[vocoder.latency :], offline, pack.sample_rate))
    seconds = step * pack.hop / pack.sample_rate
    means = [float(np.average(values, weights=weights)) for values in (errors, cosines, vocoder_distances, distances)]
    return Fidelity(
        feature_error=means[0],
        feature_cosine=means[1],
        vocoder_distance=means[2],
        distance=means[3],
        latency_ms=1000 * (encoder.latency + vocoder.latency) / pack.sample_rate,
        step_ms=1000 * seconds,
        median_ms=1000 * float(np.median(times)),
        p99_ms=1000 * float(np.percentile(times, 99)),
        real_time_factor=float(np.mean(times)) / seconds,
    )


def feature_errors(found: Block, expected: Block) -> tuple[float, float]:
    """Return the relative error and the mean cosine similarity of features `[frames, dim]`."""
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(error), float(np.mean(np.sum(found * expected, axis=1) / np.maximum(norms, 1e-12)))


def log_spectral_distance(found: Block, expected: Block, sample_rate: int) -> float:
    """Return the log-spectral distance of audio `[samples]` in dB (Gray & Markel, 1976).

    It is the mean over frames of the root mean square difference of log spectra. The longer signal is cut.
    """
    length = min(len(found), len(expected))
    spectra = [_power(audio[:length], sample_rate) for audio in (found, expected)]
    floor = max(float(spectra[1].max()), 1e-12) * 10 ** (FLOOR_DB / 10)
    levels = [10 * np.log10(np.maximum(power, floor)) for power in spectra]
    return float(np.mean(np.sqrt(np.mean((levels[0] - levels[1]) ** 2, axis=1))))


def fidelity_report(
    rows: Mapping[str, Fidelity],
    settings: Mapping[str, Any],
    packs: Mapping[str, Any],
    title: str,
    picture: bool = False,
) -> Report:
    """Return the report with one row per pack or setting, and optionally a picture of distance against latency.

    Raises `RtvcError` if the picture is requested and matplotlib is not installed.
    """
    distances = ("feature\nerror", "cosine", "vocoder,\ndB", "end to end,\ndB")
    columns = ("", "latency,\nms", *distances, "step (p99),\nms", "RTF")
    cells = [
        (
            name,
            f"{row.latency_ms:.0f} + {row.step_ms:.0f}",
            f"{row.feature_error:.1%}",
            f"{row.feature_cosine:.4f}",
            f"{row.vocoder_distance:.1f}",
            f"{row.distance:.1f}",
            f"{row.median_ms:.1f} ({row.p99_ms:.1f})",
            f"{row.real_time_factor:.2f}",
        )
        for name, row in rows.items()
    ]
    results = {name: asdict(row) for name, row in rows.items()}
    images = {"Distance from offline audio against latency": _picture(rows)} if picture else {}
    return Report("fidelity", results, settings, packs, [Table(title, columns, cells)], images)


def _picture(rows: Mapping[str, Fidelity]) -> bytes:
    """Draw distance against latency, one point per row, as a PNG."""
    figure = benchmark_module("matplotlib.figure", "matplotlib").Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, row in rows.items():
        latency = row.latency_ms + row.step_ms
        axes.plot(latency, row.distance, "o", color="#1f5f8b")
        axes.annotate(name, (latency, row.distance), xytext=(5, 4), textcoords="offset points", fontsize=7)
    axes.set_xlabel("algorithmic latency + step, ms")
    axes.set_ylabel("log-spectral distance, dB")
    axes.set_ylim(bottom=0)
    axes.grid(color="#dddddd", linewidth=0.6)
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120)
    return image.getvalue()


def _stream(
    encoder: GraphStage, vocoder: GraphStage, audio: Block, step: int, times: list[float]
) -> tuple[Block, Block]:
    features, streamed = [], []
    size = step * encoder.description.hop
    for start in range(0, len(audio), size):
        began = time.perf_counter()
        features.append(encoder.process(audio[start : start + size]))
        streamed.append(vocoder.process(features[-1]))
        times.append(time.perf_counter() - began)
    return np.concatenate(features), np.concatenate(streamed)


def _power(audio: Block, sample_rate: int) -> npt.NDArray[np.float64]:
    size = round(WINDOW_SECONDS * sample_rate)
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2]
    power: npt.NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    return power
