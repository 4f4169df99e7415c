from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.dsp.resample import DriftResampler, Quality, Resampler, resample
from rtvc.dsp.stage import Block

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
PAIRS = [(rate, 16_000) for rate in RATES] + [(16_000, rate) for rate in RATES] + [(44_100, 48_000)]


def tone(frequency: float, rate: int, seconds: float) -> Block:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(("input_rate", "output_rate"), PAIRS)
def test_declared_latency_is_the_delay_of_an_impulse_and_lengths_are_exact(input_rate: int, output_rate: int) -> None:
    resampler = Resampler(input_rate, output_rate)
    step = resampler.granularity * max(1, input_rate // 50 // resampler.granularity)
    impulse = np.zeros(20 * step, np.float32)
    impulse[5 * step] = 1
    blocks = [resampler.process(block) for block in impulse.reshape(-1, step)]
    assert {len(block) for block in blocks} == {step * output_rate // input_rate}
    output = np.concatenate(blocks)
    centre = np.sum(output * np.arange(len(output))) / np.sum(output)
    assert abs(centre - 5 * step * output_rate / input_rate - resampler.latency) < 0.01
    assert resampler.latency_seconds == Fraction(resampler.latency, output_rate)
    assert abs(np.sum(output) * input_rate / output_rate - 1) < 1e-3


def test_live_delay_is_small() -> None:
    there, back = Resampler(48_000, 16_000), Resampler(16_000, 48_000)
    assert there.granularity == 3
    assert back.granularity == 1
    assert Resampler(44_100, 16_000).granularity == 441
    assert there.latency_seconds + back.latency_seconds < Fraction(3, 1000)


@given(
    pair=st.sampled_from([(48_000, 16_000), (16_000, 48_000), (44_100, 16_000), (16_000, 22_050)]),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
@settings(max_examples=40)
def test_same_samples_whatever_the_blocks_and_after_a_reset(pair: tuple[int, int], sizes: list[int]) -> None:
    resampler = Resampler(*pair)
    grain = resampler.granularity
    audio = np.random.default_rng(0).standard_normal(sum(sizes) * grain).astype(np.float32)
    whole = resampler.process(audio)
    resampler.reset()
    blocks = np.split(audio, np.cumsum(sizes)[:-1] * grain)
    np.testing.assert_array_equal(np.concatenate([resampler.process(block) for block in blocks]), whole)


def test_lengths_stay_exact_for_minutes() -> None:
    resampler = Resampler(16_000, 44_100)
    block = np.zeros(16_000 * 60, np.float32)
    for _ in range(10):
        assert len(resampler.process(block)) == 44_100 * 60


def test_equal_rates_are_the_identity() -> None:
    resampler = Resampler(48_000, 48_000)
    audio = tone(440, 48_000, 0.02)
    assert resampler.latency == 0
    np.testing.assert_array_equal(resampler.process(audio), audio)


def test_lengths_that_are_not_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 441"):
        Resampler(44_100, 16_000).process(np.zeros(440, np.float32))


@pytest.mark.parametrize("quality", ["sinc_fastest", "sinc_medium", "sinc_best"])
def test_speech_band_passes_and_what_would_alias_does_not(quality: Quality) -> None:
    for frequency, low, high in [(200, -0.1, 0.1), (5000, -0.6, 0.1), (9500, -200, -50), (15_000, -200, -80)]:
        output = resample(tone(frequency, 48_000, 0.5), 48_000, 16_000, quality)[1000:-1000]
        level = 20 * np.log10(np.sqrt(np.mean(output**2)) / (0.5 / np.sqrt(2)) + 1e-12)
        assert low < level < high, (frequency, level)


@given(st.integers(0, 3000), st.sampled_from([(44_100, 16_000), (16_000, 48_000), (8_000, 16_000), (15_999, 16_000)]))
@settings(max_examples=20)
def test_a_whole_recording_stays_aligned(frames: int, pair: tuple[int, int]) -> None:
    input_rate, output_rate = pair
    times = np.arange(frames) / input_rate
    output = resample(np.sin(2 * np.pi * 300 * times).astype(np.float32), input_rate, output_rate)
    assert len(output) == -(-frames * output_rate // input_rate)
    interior = slice(output_rate // 80, max(output_rate // 80, len(output) - output_rate // 80))
    expected = np.sin(2 * np.pi * 300 * np.arange(len(output)) / output_rate)
    np.testing.assert_allclose(output[interior], expected[interior], atol=2e-3)


def test_drift_changes_the_number_of_samples_by_parts_per_million() -> None:
    block = np.zeros(320, np.float32)
    for ppm in (-500, 0, 300):
        resampler = DriftResampler(16_000, 48_000)
        resampler.drift_ppm = ppm
        made = sum(len(resampler.process(block)) for _ in range(1000))
        assert abs(made - 960_000 * (1 + ppm * 1e-6)) <= 2


def test_without_drift_both_resamplers_agree() -> None:
    audio = tone(440, 16_000, 0.4)
    drifting, plain = DriftResampler(16_000, 48_000), Resampler(16_000, 48_000)
    assert drifting.latency == plain.latency
    output = np.concatenate([drifting.process(block) for block in audio.reshape(-1, 320)])
    common = min(len(output), 3 * len(audio))
    assert common >= 3 * len(audio) - 1
    np.testing.assert_allclose(output[:common], plain.process(audio)[:common], atol=1e-6)


@pytest.mark.parametrize("output_rate", [16_000, 48_000])
def test_nudging_makes_no_click(output_rate: int) -> None:
    resampler = DriftResampler(16_000, output_rate)
    ramp = np.random.default_rng(0).uniform(-500, 500, 100)
    output = []
    for block, ppm in zip(tone(1000, 16_000, 2).reshape(-1, 320), ramp, strict=True):
        resampler.drift_ppm = ppm
        output.append(resampler.process(block))
    curvature = np.diff(np.concatenate(output)[500:], 2)
    assert np.max(np.abs(curvature)) < 0.5 * (2 * np.pi * 1000 / output_rate) ** 2 * 1.02


def test_drift_is_clamped() -> None:
    resampler = DriftResampler(16_000, 48_000)
    resampler.drift_ppm = 1e6
    assert resampler.drift_ppm == 1000
