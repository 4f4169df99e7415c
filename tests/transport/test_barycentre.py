"""Blends: the Wasserstein barycentre of several voices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureStatistics
from rtvc.transport.mkl import barycentre
from tests.support.gaussians import ROLES, gaussian, samples, seeds, sqrtm, wasserstein2_squared


def test_the_barycentre_of_one_voice_is_itself() -> None:
    voice = gaussian(8, 1, roles=ROLES)
    for voices in ([(voice, 2.0)], [(voice, 1.0), (gaussian(8, 2, roles=ROLES), 0.0)], [(voice, 0.3), (voice, 0.7)]):
        blend = barycentre(voices)
        np.testing.assert_allclose(blend.mean, voice.mean)
        np.testing.assert_allclose(blend.covariance, voice.covariance, atol=1e-8)


@settings(max_examples=20)
@given(seed=seeds, weight=st.floats(0.05, 0.95))
def test_the_barycentre_of_two_lies_on_the_way_between_them(seed: int, weight: float) -> None:
    """The displacement interpolation of two Gaussians is closed: the map, followed for part of the way."""
    a, b = gaussian(6, seed), gaussian(6, seed + 1)
    blend = barycentre([(a, 1 - weight), (b, weight)])
    root = sqrtm(a.covariance)
    inverse = np.linalg.inv(root)
    way = (1 - weight) * np.eye(6) + weight * (inverse @ sqrtm(root @ b.covariance @ root) @ inverse)
    np.testing.assert_allclose(blend.covariance, way @ a.covariance @ way, atol=1e-4)
    np.testing.assert_allclose(blend.mean, (1 - weight) * a.mean + weight * b.mean)
    distance = wasserstein2_squared(a, b)
    assert wasserstein2_squared(a, blend) == pytest.approx(weight**2 * distance, abs=1e-3)
    assert wasserstein2_squared(b, blend) == pytest.approx((1 - weight) ** 2 * distance, abs=1e-3)


def test_the_barycentre_of_commuting_voices_averages_their_deviations() -> None:
    deviations = np.random.default_rng(0).uniform(0.5, 3, (3, 8))
    voices = [FeatureStatistics(ROLES, 400, 100, np.zeros(8), np.diag(row**2)) for row in deviations]
    blend = barycentre([(voice, weight) for voice, weight in zip(voices, (1, 2, 1), strict=True)])
    expected = (deviations * np.array([[0.25], [0.5], [0.25]])).sum(axis=0)
    np.testing.assert_allclose(blend.standard_deviation[:7], expected[:7], atol=1e-6)
    assert blend.count == pytest.approx(400 / (1 / 16 + 1 / 4 + 1 / 16))
    assert blend.voiced_count == pytest.approx(blend.count / 4)


def test_the_barycentre_takes_pitch_from_voices_that_have_it() -> None:
    mute = FeatureStatistics(FeatureRoles(0), 50, 0, np.zeros(2), np.diag([0.0, 1.0]))
    sung = FeatureStatistics(FeatureRoles(0), 50, 40, np.array([5.0, 1.0]), np.diag([0.04, 1.0]))
    blend = barycentre([(mute, 0.9), (sung, 0.1)])
    assert blend.mean[0] == pytest.approx(5)
    assert blend.standard_deviation[0] == pytest.approx(0.2)
    assert blend.voiced_count == pytest.approx(40)


def test_singular_voices_blend() -> None:
    one, other = (FeatureStatistics.of(samples(gaussian(8, seed), 4)) for seed in (1, 2))
    blend = barycentre([(one, 0.5), (other, 0.5)])
    assert np.isfinite(blend.covariance).all()
    assert np.linalg.eigvalsh(blend.covariance)[0] > -1e-9
    assert np.trace(blend.covariance) > 0


@pytest.mark.parametrize("weights", [(0, 0), (-1, 2), (np.nan, 1)])
def test_weights_without_meaning_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(RtvcError, match="weights"):
        barycentre([(gaussian(4, 1), weights[0]), (gaussian(4, 2), weights[1])])
