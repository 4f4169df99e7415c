"""Quality measures: speaker similarity, naturalness, words and pitch.

All take mono float32 audio at `SAMPLE_RATE` in -1…1, and results do not depend on what was measured before. The
models come with the packages of the extra `benchmark` and load at first use; nothing is downloaded. Each object
belongs to one thread at a time.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from rtvc.dsp.speech_activity import SpeechActivity, frame_levels
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

SAMPLE_RATE = 16000
"""In hertz; the rate that Resemblyzer, DNSMOS and pocketsphinx were trained at."""

MIN_VOICED_FRAMES = 20

PHONE_MODEL = "en-us/en-us-phone.lm.bin"
NOT_PHONES = ("SIL", "+NSN+", "+SPN+")

Embedding = npt.NDArray[np.float32]
"""Speaker embedding of unit length, `[256]` for Resemblyzer."""


def benchmark_module(name: str, package: str | None = None) -> ModuleType:
    """Import a module of the extra `benchmark`.

    Raises
    ------
    RtvcError
        If the module or one of its dependencies is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        raise RtvcError(
            f"This benchmark needs the package {package or name} ({error}): "
            "run `sh run.sh benchmark` in the folder of rtvc."
        ) from error


def _sixteen_bit(audio: Block) -> npt.NDArray[np.int16]:
    return np.round(np.clip(audio, -1, 1) * 32767).astype(np.int16)


class SpeakerEncoder:
    """Resemblyzer's speaker encoder, trained with the generalised end-to-end loss (Wan et al., 2018)."""

    def __init__(self) -> None:
        self._resemblyzer = benchmark_module("resemblyzer", "Resemblyzer")
        self._encoder: Any = self._resemblyzer.VoiceEncoder("cpu", verbose=False)

    def embed(self, audio: Block) -> Embedding | None:
        """Return the embedding of one utterance; None if it holds no speech."""
        if not np.any(audio):
            return None
        speech = self._resemblyzer.preprocess_wav(np.clip(audio, -1, 1))
        if len(speech) == 0:
            return None
        embedding: Embedding = self._encoder.embed_utterance(speech)
        return embedding


def centroid(embeddings: Iterable[Embedding | None], speaker: str) -> Embedding:
    """Return the mean of the embeddings of `speaker`, scaled to unit length. Utterances without speech are skipped.

    Raises
    ------
    RtvcError
        If no utterance holds speech.
    """
    spoken = [embedding for embedding in embeddings if embedding is not None]
    if not spoken:
        raise RtvcError(f"The recordings of {speaker} contain no speech: replace them.")
    mean = np.mean(spoken, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def similarity(embedding: Embedding | None, other: Embedding) -> float:
    """Return the cosine similarity of two embeddings; 0 if there was no speech to embed."""
    return 0.0 if embedding is None else float(embedding @ other)


def overall_quality(audio: Block) -> float:
    """Return the overall score of DNSMOS P.835, from about 1 (bad) to 5 (Reddy et al., 2022)."""
    dnsmos = benchmark_module("speechmos.dnsmos", "speechmos")
    return float(dnsmos.run(np.clip(audio, -1, 1).astype(np.float32), SAMPLE_RATE)["ovrl_mos"])


def loudest_and_speech(audio: Block) -> tuple[float, float]:
    """Return the level of the loudest 20 ms of `audio` `[n]` and the mean level of its speech, in dBFS.

    Without speech, both are the loudest.
    """
    hop = SAMPLE_RATE // 50
    whole = audio[: len(audio) // hop * hop]
    levels, active = frame_levels(whole, hop), SpeechActivity(hop, SAMPLE_RATE).process(whole)
    loudest = float(levels.max())
    return loudest, float(levels[active].mean()) if active.any() else loudest


def loudest_over_speech(audio: Block) -> float:
    """Return by how many dB the loudest 20 ms of `audio` `[n]` exceed its speech level; 0 without speech."""
    loudest, speech = loudest_and_speech(audio)
    return loudest - speech


class Recogniser:
    """pocketsphinx for US English: words with its language model, or phones with its phone model.

    It is a weak recogniser, so error rates only compare systems. Use one object per thread.
    """

    def __init__(self, phones: bool = False) -> None:
        pocketsphinx = benchmark_module("pocketsphinx")
        options = {"lm": None} if phones else {}
        self._decoder: Any = pocketsphinx.Decoder(
            samprate=float(SAMPLE_RATE), cmn="batch", loglevel="FATAL", **options
        )
        if phones:
            self._decoder.add_allphone_file("phones", pocketsphinx.get_model_path(PHONE_MODEL))
            self._decoder.activate_search("phones")

    def _decode(self, audio: Block) -> None:
        # The front end keeps state between utterances: without this, results depend on their order.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(_sixteen_bit(audio).tobytes(), full_utt=True)
        self._decoder.end_utt()

    def words(self, audio: Block) -> str:
        """Return the words recognised, in lower case; none in digital silence."""
        if not np.any(audio):
            return ""
        self._decode(audio)
        hypothesis = self._decoder.hyp()
        return str(hypothesis.hypstr) if hypothesis else ""

    def phones(self, audio: Block) -> list[str]:
        """Return the phones recognised, in ARPAbet, without silence and noises."""
        if not np.any(audio):
            return []
        self._decode(audio)
        return [segment.word for segment in self._decoder.seg() or () if segment.word not in NOT_PHONES]


def normalised(text: str) -> str:
    """Return the text normalised for comparison: lower case, letters, digits and apostrophes, single spaces."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(re.sub(r"[^\w']|_", " ", text).split())


def character_error_rate(reference: str, transcript: str) -> float | None:
    """Return the edit distance over the reference's length: 0 is perfect, above 1 is possible.

    None if the reference holds no words. Both texts are normalised first.
    """
    levenshtein = benchmark_module("rapidfuzz.distance.Levenshtein", "rapidfuzz")
    reference = normalised(reference)
    return int(levenshtein.distance(reference, normalised(transcript))) / len(reference) if reference else None


def phone_error_rate(reference: Sequence[str], phones: Sequence[str]) -> float | None:
    """Return the edit distance of two phone sequences over the reference's length; None for an empty reference."""
    levenshtein = benchmark_module("rapidfuzz.distance.Levenshtein", "rapidfuzz")
    return int(levenshtein.distance(reference, phones)) / len(reference) if reference else None


def pitch_correlation(
    source: npt.NDArray[np.float64], result: npt.NDArray[np.float64], largest_lag: int = 4
) -> float | None:
    """Return Pearson's correlation of log pitch over the frames that are voiced in both.

    Parameters
    ----------
    source, result
        Pitch in hertz per frame, NaN where unvoiced, from `track_pitch`.
    largest_lag
        Largest shift in frames. The best correlation over all shifts counts, since trackers and converters may be a
        little late.

    Returns
    -------
    float or None
        None if no shift has 20 frames voiced in both, or the pitch is constant.
    """
    correlations = []
    for lag in range(-largest_lag, largest_lag + 1):
        first, second = source[max(0, -lag) :], result[max(0, lag) :]
        length = min(len(first), len(second))
        both = np.isfinite(first[:length]) & np.isfinite(second[:length])
        if both.sum() < MIN_VOICED_FRAMES:
            continue
        logs = np.log(np.stack([first[:length][both], second[:length][both]]))
        if (logs.std(axis=1) > 1e-6).all():
            correlations.append(float(np.corrcoef(logs)[0, 1]))
    return max(correlations, default=None)


@dataclass(frozen=True)
class Estimate:
    """A mean over pairs, its bootstrap interval, and the number of pairs."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap(
    values: Sequence[float | None], confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Estimate | None:
    """Return the mean of the values that are not None, with its percentile bootstrap interval; None without any.

    Values are resampled with replacement, one value per pair (Efron, 1979). The seed makes the interval repeatable.
    """
    known = np.array([value for value in values if value is not None], np.float64)
    if len(known) == 0:
        return None
    mean = float(known.mean())
    if len(known) == 1:
        return Estimate(mean, mean, mean, 1)
    # Imported here because it would dominate the start-up time of the command line.
    from scipy import stats

    interval = stats.bootstrap(
        (known,),
        np.mean,
        confidence_level=confidence,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), len(known))


def equal_error_rate(genuine: npt.ArrayLike, conversions: npt.ArrayLike) -> float:
    """Return the rate at which a speaker verifier rejects the target as often as it accepts a conversion.

    Parameters
    ----------
    genuine, conversions
        Similarities to the target, of the target's own recordings and of conversions, of any shapes.

    Returns
    -------
    float
        Of all thresholds, the mean of both rates where they are closest. 0 if every conversion is told from the
        target; 0.5 if none is, as kNN-VC counts it (arXiv 2305.18975); above, if conversions are closer.
    """
    own, others = np.sort(np.ravel(genuine)), np.sort(np.ravel(conversions))
    thresholds = np.append(np.concatenate([own, others]), np.inf)
    rejected = np.searchsorted(own, thresholds) / len(own)
    accepted = 1 - np.searchsorted(others, thresholds) / len(others)
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float(rejected[best] + accepted[best]) / 2


def bootstrap_equal_error_rate(
    genuine: npt.ArrayLike, conversions: npt.ArrayLike, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Return the equal error rate over trials `[n]` and `[n]` or `[n, m]`, with its 95 % interval as `bootstrap`.

    Whole recordings are drawn, with all their trials.
    """
    own, others = np.array(genuine), np.array(conversions)
    draws = np.random.default_rng(seed).integers(len(own), size=(resamples, len(own)))
    rates = [equal_error_rate(own[draw], others[draw]) for draw in draws]
    low, high = np.percentile(rates, (2.5, 97.5))
    return Estimate(equal_error_rate(own, others), float(low), float(high), len(own))
