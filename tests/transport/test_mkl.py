from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureStatistics
from rtvc.transport.mkl import fit_mkl
from tests.support.gaussians import ROLES, gaussian, samples, seeds, sqrtm, wasserstein2_squared


@settings(max_examples=25)
@given(dim=st.integers(2, 12), seed=seeds)
def test_one_block_is_the_closed_form_of_scipy(dim: int, seed: int) -> None:
    source, target = gaussian(dim, seed), gaussian(dim, seed + 1)
    transport = fit_mkl(source, target, dim, shrinkage=0)
    root = sqrtm(source.covariance)
    inverse = np.linalg.inv(root)
    expected = inverse @ sqrtm(root @ target.covariance @ root) @ inverse
    np.testing.assert_allclose(transport.matrix, expected, atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(source.mean @ transport.matrix + transport.offset, target.mean, atol=1e-4)
    moved = transport.matrix.T.astype(np.float64) @ source.covariance @ transport.matrix
    np.testing.assert_allclose(moved, target.covariance, atol=1e-3)


@settings(max_examples=25)
@given(dim=st.integers(1, 10), seed=seeds)
def test_the_transport_cost_is_the_wasserstein_distance(dim: int, seed: int) -> None:
    source, target = gaussian(dim, seed), gaussian(dim, seed + 1)
    matrix = fit_mkl(source, target, dim, shrinkage=0).matrix.astype(np.float64)
    moved = np.eye(dim) - matrix
    cost = np.sum((source.mean - target.mean) ** 2) + np.trace(moved.T @ source.covariance @ moved)
    assert cost == pytest.approx(wasserstein2_squared(source, target), rel=1e-3, abs=1e-3)


def test_the_map_moves_samples_to_mean_and_covariance_of_the_target() -> None:
    source = FeatureStatistics.of(samples(gaussian(8, 1, roles=ROLES), 3000), roles=ROLES)
    target = FeatureStatistics.of(samples(gaussian(8, 2, roles=ROLES), 3000), roles=ROLES)
    frames = samples(gaussian(8, 1, roles=ROLES), 3000)
    moved = FeatureStatistics.of(fit_mkl(source, target, 6, shrinkage=0)(frames), roles=ROLES)
    compared = np.ix_(range(7), range(7))
    np.testing.assert_allclose(moved.mean[:7], target.mean[:7], atol=1e-4)
    np.testing.assert_allclose(moved.covariance[compared], target.covariance[compared], atol=1e-3)


@settings(max_examples=40)
@given(block_size=st.integers(1, 20), seed=seeds, count=st.floats(2, 5000))
def test_equal_statistics_give_the_identity(block_size: int, seed: int, count: float) -> None:
    statistics = gaussian(8, seed, count, ROLES)
    transport = fit_mkl(statistics, statistics, block_size)
    np.testing.assert_allclose(transport.matrix, np.eye(8), atol=1e-6)
    np.testing.assert_allclose(transport.offset, 0, atol=1e-6)


@settings(max_examples=40)
@given(block_size=st.sampled_from([1, 6]), seed=seeds, counts=st.tuples(st.floats(12, 1e4), st.floats(12, 1e4)))
def test_there_and_back_is_the_identity(block_size: int, seed: int, counts: tuple[float, float]) -> None:
    a, b = gaussian(8, seed, counts[0], ROLES), gaussian(8, seed + 1, counts[1], ROLES)
    frames = samples(a, 50)
    back = fit_mkl(b, a, block_size)(fit_mkl(a, b, block_size)(frames))
    np.testing.assert_allclose(back, frames, atol=1e-4)


@pytest.mark.parametrize(("block_size", "count"), [(1, 5000), (2, 5000), (3, 5000), (2, 8), (1, 6)])
def test_cepstra_are_one_block_beside_the_others(block_size: int, count: float) -> None:
    learned, cepstra = [0, 1, 2], [3, 4, 5, 6]
    roles = FeatureRoles(7, 8, (3, 7))
    source, target = gaussian(9, 1, count, roles), gaussian(9, 2, count, roles)
    matrix = fit_mkl(source, target, block_size, shrinkage=0.1).matrix

    def alone(group: list[int], size: int) -> Block:
        here, there = (
            FeatureStatistics(FeatureRoles(), count, count, side.mean[group], side.covariance[np.ix_(group, group)])
            for side in (source, target)
        )
        return fit_mkl(here, there, size, shrinkage=0.1).matrix

    np.testing.assert_array_equal(matrix[np.ix_(learned, learned)], alone(learned, block_size))
    np.testing.assert_array_equal(matrix[np.ix_(cepstra, cepstra)], alone(cepstra, len(cepstra)))
    assert not matrix[np.ix_(learned, cepstra)].any()
    assert not matrix[np.ix_(cepstra, learned)].any()


@pytest.mark.parametrize("block_size", range(1, 7))
def test_there_and_back_is_the_identity_for_voices_that_order_their_dimensions_alike(block_size: int) -> None:
    scale = np.diag(np.array([6, 5, 4, 3, 2, 1]) ** 0.5)
    voices = []
    for seed in (1, 2):
        drawn = gaussian(6, seed)
        deviation = np.diag(1 / drawn.standard_deviation) @ scale
        voices.append(FeatureStatistics(drawn.roles, 900, 900, drawn.mean, deviation @ drawn.covariance @ deviation))
    a, b = voices
    frames = samples(a, 50)
    np.testing.assert_allclose(fit_mkl(b, a, block_size)(fit_mkl(a, b, block_size)(frames)), frames, atol=1e-4)


def test_blocks_follow_the_order_of_the_sources_deviation() -> None:
    """With two blocks of two, only dimensions of neighbouring rank may mix."""
    source, target = gaussian(4, 5), gaussian(4, 6)
    scale = np.diag([1.0, 8.0, 2.0, 4.0]) / source.standard_deviation
    source = FeatureStatistics(source.roles, 500, 500, source.mean, scale @ source.covariance @ scale)
    mixes = np.abs(fit_mkl(source, target, 2).matrix) > 1e-6
    expected = np.eye(4, dtype=bool)
    expected[1, 3] = expected[3, 1] = expected[2, 0] = expected[0, 2] = True
    np.testing.assert_array_equal(mixes, expected)
    in_threes = np.abs(fit_mkl(source, target, 3).matrix) > 1e-6
    np.testing.assert_array_equal(in_threes[0], [True, False, False, False])


@settings(max_examples=30)
@given(seed=seeds, scale=st.floats(0.1, 10), block_size=st.integers(1, 6))
def test_shifting_and_scaling_the_space_shifts_and_scales_the_map(seed: int, scale: float, block_size: int) -> None:
    a, b = gaussian(6, seed), gaussian(6, seed + 1)
    shift = np.arange(6.0)

    def seen(voice: FeatureStatistics) -> FeatureStatistics:
        return FeatureStatistics(
            voice.roles, voice.count, voice.voiced_count, scale * voice.mean + shift, scale**2 * voice.covariance
        )

    plain, other = fit_mkl(a, b, block_size), fit_mkl(seen(a), seen(b), block_size)
    np.testing.assert_allclose(other.matrix, plain.matrix, atol=1e-4)
    frames = samples(a, 20)
    np.testing.assert_allclose(
        other((scale * frames + shift).astype(np.float32)), scale * plain(frames) + shift, atol=1e-3 * (1 + scale)
    )


@settings(max_examples=30)
@given(seed=seeds)
def test_rotating_the_space_rotates_the_map_of_one_block(seed: int) -> None:
    a, b = gaussian(6, seed), gaussian(6, seed + 1)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]

    def seen(voice: FeatureStatistics) -> FeatureStatistics:
        return FeatureStatistics(
            voice.roles, voice.count, voice.voiced_count, voice.mean @ turn, turn.T @ voice.covariance @ turn
        )

    plain, other = fit_mkl(a, b, 6, shrinkage=0), fit_mkl(seen(a), seen(b), 6, shrinkage=0)
    np.testing.assert_allclose(other.matrix, turn.T @ plain.matrix @ turn, atol=2e-3)


@pytest.mark.parametrize(("frames", "used"), [(1, 1), (5, 1), (6, 2), (8, 4), (10, 6), (5000, 6)])
@pytest.mark.parametrize("short", ["source", "target"])
def test_the_block_size_is_lowered_to_what_the_frames_bear(frames: int, used: int, short: str) -> None:
    long_voice, short_voice = gaussian(6, 1), gaussian(6, 2, frames)
    pair = (short_voice, long_voice) if short == "source" else (long_voice, short_voice)
    matrix = fit_mkl(*pair, block_size=100).matrix
    assert np.count_nonzero(matrix, axis=0).max() == used


def test_voicing_passes_and_pitch_moves_by_itself() -> None:
    source, target = gaussian(8, 1, roles=ROLES), gaussian(8, 2, roles=ROLES)
    frames = samples(source, 100)
    moved = fit_mkl(source, target, 8)(frames)
    np.testing.assert_array_equal(moved[:, 7], frames[:, 7])
    gain = target.standard_deviation[6] / source.standard_deviation[6]
    np.testing.assert_allclose(moved[:, 6], (frames[:, 6] - source.mean[6]) * gain + target.mean[6], atol=1e-5)


@pytest.mark.parametrize(("voiced", "gain", "moves"), [(0, 1, False), (3, 1, True), (100, 2, True)])
def test_pitch_with_few_voiced_frames_keeps_its_range(voiced: float, gain: float, moves: bool) -> None:
    source = FeatureStatistics(FeatureRoles(1), 300, 300, np.array([0.0, 5.0]), np.diag([1.0, 1.0]))
    target = FeatureStatistics(FeatureRoles(1), 300, voiced, np.array([0.0, 6.0]), np.diag([1.0, 4.0]))
    moved = fit_mkl(source, target, 1)(np.array([[0, 5], [0, 7]], np.float32))
    expected = 5 + moves
    np.testing.assert_allclose(moved[:, 1], [expected, expected + 2 * gain], atol=1e-5)


def test_shrinkage_grows_where_speech_is_short_and_one_means_none_of_the_correlations() -> None:
    source, target = gaussian(6, 1, 100_000), gaussian(6, 2, 100_000)
    exact = fit_mkl(source, target, 6, shrinkage=0).matrix
    alone = fit_mkl(source, target, 1).matrix
    np.testing.assert_allclose(fit_mkl(source, target, 6, shrinkage=1).matrix, alone, atol=1e-4)

    def distance(count: float) -> float:
        short = FeatureStatistics(target.roles, count, count, target.mean, target.covariance)
        return float(np.abs(fit_mkl(source, short, 6).matrix - exact).max())

    assert distance(100_000) < 0.05 * distance(30)
    assert distance(300) < distance(30)


def degenerate(kind: str, count: int = 200) -> Block:
    frames = samples(gaussian(8, 3, roles=ROLES), count)
    if kind == "constant":
        frames[:, 1] = 0.25
    elif kind == "silent":
        frames[:] = 0
    elif kind == "duplicate":
        frames[:, 2] = frames[:, 3]
    elif kind == "one frame":
        frames = frames[:1]
    elif kind == "fewer frames than dimensions":
        frames = frames[:3]
    elif kind == "tiny":
        frames *= 1e-20
    return frames


KINDS = ["plain", "constant", "silent", "duplicate", "one frame", "fewer frames than dimensions", "tiny"]


@pytest.mark.parametrize("source_kind", KINDS)
@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("shrinkage", [None, 0.0])
def test_degenerate_voices_give_finite_and_bounded_maps(
    source_kind: str, target_kind: str, shrinkage: float | None
) -> None:
    source = FeatureStatistics.of(degenerate(source_kind), roles=ROLES)
    target = FeatureStatistics.of(degenerate(target_kind), roles=ROLES)
    for block_size in (1, 2, 6):
        transport = fit_mkl(source, target, block_size, shrinkage)
        assert np.isfinite(transport.matrix).all()
        assert np.isfinite(transport.offset).all()
        if shrinkage is None:
            assert np.abs(transport.matrix).max() < 60


def test_a_dimension_constant_on_both_sides_is_shifted_only() -> None:
    source = degenerate("constant")
    target = degenerate("constant") * np.float32(2)
    transport = fit_mkl(FeatureStatistics.of(source), FeatureStatistics.of(target), 8)
    moved = transport(source)
    np.testing.assert_allclose(moved[:, 1], 0.5, atol=1e-4)
    assert transport.matrix[1, 1] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("silent", ["source", "target"])
def test_a_voice_without_frames_is_refused_by_name(silent: str) -> None:
    pair: dict[str, Any] = {"source": gaussian(4, 1), "target": gaussian(4, 2)}
    pair[silent] = FeatureStatistics.of(np.empty((0, 4), np.float32))
    with pytest.raises(RtvcError, match=silent):
        fit_mkl(block_size=2, **pair)


def test_a_block_size_below_one_is_refused() -> None:
    with pytest.raises(RtvcError, match="block size"):
        fit_mkl(gaussian(4, 1), gaussian(4, 2), 0)


def test_voices_of_different_spaces_are_refused() -> None:
    with pytest.raises(ValueError, match="different"):
        fit_mkl(gaussian(4, 1), gaussian(5, 2), 1)


def test_the_map_is_single_precision_and_the_same_frame_by_frame() -> None:
    source, target = gaussian(8, 1, roles=ROLES), gaussian(8, 2, roles=ROLES)
    transport = fit_mkl(source, target, 2)
    frames = samples(source, 40)
    whole = transport(frames)
    assert whole.dtype == np.float32
    by_one = np.concatenate([transport(frames[index : index + 1]) for index in range(40)])
    np.testing.assert_allclose(by_one, whole, atol=1e-6)


def test_overdrive_moves_only_the_cepstra_beyond_the_target() -> None:
    roles = FeatureRoles(pitch=6, voicing=7, cepstra=(3, 6))
    source, target = gaussian(8, 1, roles=roles), gaussian(8, 2, roles=roles)
    frames = samples(source, 50)
    reached = fit_mkl(source, target, 3)(frames)
    beyond = fit_mkl(source, target, 3, overdrive=1.25)(frames)
    np.testing.assert_allclose(beyond[:, 3:6] - frames[:, 3:6], 1.25 * (reached - frames)[:, 3:6], atol=1e-4)
    others = [0, 1, 2, 6, 7]
    np.testing.assert_array_equal(beyond[:, others], reached[:, others])
