"""The tracker of pitch, on tones whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.benchmark.pitch import track_pitch
from tests.support.vowels import harmonics

RATE = 16000


@settings(max_examples=25)
@given(st.floats(75, 400), st.sampled_from([8000, 16000, 24000, 48000]))
def test_a_steady_tone_has_its_pitch_at_every_rate(hertz: float, rate: int) -> None:
    tracked = track_pitch(harmonics(np.full(rate // 2, hertz), rate), rate)
    assert tracked.shape == (50,)
    inner = tracked[5:-5]
    assert np.isfinite(inner).all()
    assert np.abs(np.log2(inner / hertz)).max() < 0.02


def test_a_glide_is_followed_in_time() -> None:
    hertz = np.geomspace(100, 300, 2 * RATE)
    tracked = track_pitch(harmonics(hertz, RATE), RATE)
    expected = hertz[(np.arange(len(tracked)) * 160) + 80]
    assert np.nanmax(np.abs(np.log2(tracked / expected))[5:-5]) < 0.03


def test_low_pitch_is_heard_through_its_harmonics_above_hum() -> None:
    speech = harmonics(np.full(RATE, 130.0), RATE)
    hum = 0.05 * np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE).astype(np.float32)
    assert np.nanmedian(track_pitch(speech + hum, RATE)) == pytest.approx(130, rel=0.01)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    assert np.isfinite(track_pitch(noise, RATE)).mean() < 0.1
    assert np.isnan(track_pitch(np.zeros(RATE, np.float32), RATE)).all()
    speech = np.concatenate([harmonics(np.full(RATE, 200.0), RATE), 1e-4 * noise])
    assert np.isnan(track_pitch(speech, RATE)[110:]).all()


@given(st.integers(0, 700))
@settings(max_examples=20)
def test_sounds_of_any_length_have_a_value_every_ten_milliseconds(length: int) -> None:
    assert track_pitch(np.ones(length, np.float32), RATE).shape == (length // 160,)
