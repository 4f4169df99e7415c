"""What conversions are measured by, on synthetic sounds and hand-made figures."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.benchmark.metrics import (
    SAMPLE_RATE,
    Recogniser,
    SpeakerEncoder,
    benchmark_module,
    bootstrap,
    bootstrap_equal_error_rate,
    centroid,
    character_error_rate,
    equal_error_rate,
    loudest_over_speech,
    normalised,
    overall_quality,
    phone_error_rate,
    pitch_correlation,
    similarity,
)
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from tests.support.vowels import HIGH, LOW, vowel


def babble() -> Block:
    """Hisses and vowels in turn, in which pocketsphinx hears words."""
    noise = np.random.default_rng(0)
    parts = []
    for seed, formants in enumerate([(650, 1080, 2650), (300, 2300, 3000), (400, 800, 2400), (550, 1800, 2600)]):
        hiss = 0.05 * np.diff(noise.standard_normal(2400), prepend=0) * np.hanning(2400)
        sung = vowel(110, formants, 0.25, seed)
        parts += [hiss, sung * np.hanning(len(sung)), np.zeros(1600)]
    return np.concatenate(parts).astype(np.float32)


def test_character_errors_are_counted_as_texts_sound() -> None:
    assert character_error_rate("It\N{RIGHT SINGLE QUOTATION MARK}s  Fine, really!", "it's fine really") == 0
    assert character_error_rate("abcd", "abxd") == 0.25
    assert character_error_rate("abcd", "") == 1
    assert character_error_rate("ab", "ab cdef") == 2.5
    assert character_error_rate("…", "words") is None
    assert normalised("naïve_\N{FULLWIDTH LATIN CAPITAL LETTER X}") == "naïve x"


def contour(length: int = 200) -> np.ndarray[Any, np.dtype[np.float64]]:
    times = np.arange(length)
    hertz = 150 * 2 ** (0.5 * np.sin(times / 11) + 0.2 * np.sin(times / 3))
    hertz[60:90] = np.nan
    return hertz


def test_pitch_correlation_ignores_height_range_and_small_delays() -> None:
    source = contour()
    assert pitch_correlation(source, 3 * source**0.7) == pytest.approx(1)
    late = np.concatenate([np.full(3, np.nan), source])[:-3]
    assert pitch_correlation(source, late) == pytest.approx(1)
    assert pitch_correlation(late, source) == pytest.approx(1)
    too_late = np.concatenate([np.full(9, np.nan), source])[:-9]
    correlation = pitch_correlation(source, too_late)
    assert correlation is not None
    assert correlation < 0.9


def test_pitch_correlation_tells_a_lost_tune() -> None:
    source = contour()
    assert pitch_correlation(source, np.full_like(source, 150.0)) is None
    assert pitch_correlation(source, 22500 / source, largest_lag=0) == pytest.approx(-1)


def test_pitch_correlation_needs_frames_voiced_in_both() -> None:
    source = contour()
    assert pitch_correlation(source, np.full_like(source, np.nan)) is None
    assert pitch_correlation(source, np.empty(0)) is None


@given(st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=30))
def test_the_interval_lies_around_the_mean_and_within_the_values(values: list[float]) -> None:
    estimate = bootstrap(values, resamples=200)
    assert estimate is not None
    assert estimate.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert min(values) - 1e-9 <= estimate.low <= estimate.high + 1e-9 <= max(values) + 2e-9
    assert estimate == bootstrap(values, resamples=200)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    drawn = np.random.default_rng(1).normal(2.0, 1.0, (200, 40))
    estimates = [bootstrap(list(values), resamples=400) for values in drawn]
    held = np.mean([estimate is not None and estimate.low <= 2.0 <= estimate.high for estimate in estimates])
    assert 0.88 <= held <= 0.99


def test_missing_values_are_left_out_of_the_mean() -> None:
    estimate = bootstrap([1.0, None, 3.0])
    assert estimate is not None
    assert (estimate.mean, estimate.count) == (2.0, 2)
    assert bootstrap([None]) is None


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(RtvcError, match=r"Resemblyzer.*`sh run\.sh benchmark` in the folder of rtvc"):
        SpeakerEncoder()
    with pytest.raises(RtvcError, match="needs the package no_such_module"):
        benchmark_module("no_such_module")


@pytest.fixture(scope="module")
def speaker_encoder() -> SpeakerEncoder:
    for module in ("torch", "webrtcvad", "librosa", "resemblyzer"):
        pytest.importorskip(module, reason=f"similarity needs {module}, of the extra `benchmark`")
    return SpeakerEncoder()


def test_the_same_voice_is_more_similar_than_another(speaker_encoder: SpeakerEncoder) -> None:
    voice = centroid(map(speaker_encoder.embed, [LOW(seed=1), LOW(seed=2)]), "low")
    assert np.linalg.norm(voice) == pytest.approx(1, abs=1e-5)
    same, other = (similarity(speaker_encoder.embed(audio), voice) for audio in (LOW(seed=3), HIGH(seed=3)))
    assert other + 0.05 < same <= 1.001


def test_there_is_no_voice_in_silence(speaker_encoder: SpeakerEncoder) -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    assert speaker_encoder.embed(silence) is None
    assert similarity(None, centroid(map(speaker_encoder.embed, [LOW(), silence]), "low")) == 0
    with pytest.raises(RtvcError, match="The recordings of nobody contain no speech"):
        centroid([speaker_encoder.embed(silence)], "nobody")


def test_noise_lowers_the_overall_quality() -> None:
    pytest.importorskip("speechmos.dnsmos", reason="DNSMOS comes with speechmos, of the extra `benchmark`")
    audio = LOW(seconds=9.5)
    noise = np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    clean, noisy = overall_quality(audio), overall_quality(audio + 0.1 * noise)
    assert 1 <= noisy < clean <= 5
    assert np.isfinite(overall_quality(4 * audio))


def test_phone_errors_are_counted_by_phone() -> None:
    assert phone_error_rate(["AH", "B", "K", "D"], ["AH", "K", "D"]) == 0.25
    assert phone_error_rate(["AH"], ["AH", "AH", "AH"]) == 2
    assert phone_error_rate([], ["AH"]) is None


def test_what_is_recognised_does_not_depend_on_the_audio_before() -> None:
    pytest.importorskip("pocketsphinx", reason="transcripts come from pocketsphinx, of the extra `benchmark`")
    words, phones = Recogniser(), Recogniser(phones=True)
    audio = babble()
    before = words.words(audio), phones.phones(audio)
    assert all(before)
    before_it = 0.05 * HIGH(seconds=0.3, seed=5)
    words.words(before_it)
    phones.phones(before_it)
    assert (words.words(audio), phones.phones(audio)) == before
    assert not {"SIL", "+NSN+"} & set(before[1])
    silence = np.zeros(SAMPLE_RATE, np.float32)
    assert (words.words(silence), phones.phones(silence)) == ("", [])


def test_a_burst_stands_out_from_the_speech() -> None:
    random = np.random.default_rng(0)
    speech = (0.05 * random.standard_normal(2 * SAMPLE_RATE)).astype(np.float32)
    burst = speech.copy()
    burst[SAMPLE_RATE : SAMPLE_RATE + 640] *= 10
    assert loudest_over_speech(speech) < 1.5
    assert loudest_over_speech(burst) == pytest.approx(20, abs=1.5)
    assert loudest_over_speech(3 * burst) == pytest.approx(loudest_over_speech(burst), abs=0.1)
    assert loudest_over_speech(np.zeros(SAMPLE_RATE, np.float32)) == 0


@pytest.mark.parametrize(
    ("genuine", "conversions", "rate"),
    [
        ([0.8, 0.9], [0.1, 0.2, 0.3], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.2, 0.4, 0.6, 0.8], [0.1, 0.3, 0.5, 0.7], 0.5),
        ([0.4, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.5], 0.25),
    ],
)
def test_the_equal_error_rate_of_hand_made_scores(
    genuine: list[float], conversions: list[float], rate: float
) -> None:
    assert equal_error_rate(genuine, conversions) == pytest.approx(rate)


def test_the_equal_error_rate_of_the_same_voice_is_a_half() -> None:
    random = np.random.default_rng(0)
    rate = bootstrap_equal_error_rate(list(random.normal(size=400)), list(random.normal(size=400)), resamples=50)
    assert rate.mean == pytest.approx(0.5, abs=0.05)
    assert rate.low < rate.mean < rate.high
    # Of normal scores 2 d apart, the rate is the normal distribution's tail beyond d.
    apart = equal_error_rate(random.normal(2, size=20_000), random.normal(0, size=20_000))
    assert apart == pytest.approx(0.1587, abs=0.01)
