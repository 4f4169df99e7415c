"""Voices as Gaussians, for tests of transports."""

import numpy as np
import scipy.linalg
from hypothesis import strategies as st

from rtvc.dsp.stage import Block
from rtvc.features import Array, FeatureRoles, FeatureStatistics

ROLES = FeatureRoles(pitch=6, voicing=7)
seeds = st.integers(0, 10_000)


def gaussian(dim: int, seed: int, count: float = 5000, roles: FeatureRoles | None = None) -> FeatureStatistics:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(dim, dim)) + 0.5 * np.eye(dim)
    covariance = factor @ factor.T / dim + 0.05 * np.eye(dim)
    roles = roles or FeatureRoles()
    if roles.pitch is not None:
        variance = covariance[roles.pitch, roles.pitch]
        covariance[roles.pitch, :] = covariance[:, roles.pitch] = 0
        covariance[roles.pitch, roles.pitch] = variance
    return FeatureStatistics(roles, count, count / 2, random.normal(size=dim) * 2, covariance)


def samples(statistics: FeatureStatistics, count: int, seed: int = 0) -> Block:
    random = np.random.default_rng(seed)
    drawn = random.multivariate_normal(statistics.mean, statistics.covariance, count, method="cholesky")
    if statistics.roles.voicing is not None:
        drawn[:, statistics.roles.voicing] = random.random(count) > 0.4
    return drawn.astype(np.float32)


def sqrtm(matrix: Array) -> Array:
    return np.asarray(np.real(scipy.linalg.sqrtm(matrix)))


def wasserstein2_squared(one: FeatureStatistics, other: FeatureStatistics) -> float:
    root = sqrtm(one.covariance)
    cross = sqrtm(root @ other.covariance @ root)
    return float(
        np.sum((one.mean - other.mean) ** 2)
        + np.trace(one.covariance)
        + np.trace(other.covariance)
        - 2 * np.trace(cross)
    )
