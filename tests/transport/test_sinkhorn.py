import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import Array, FeatureSet
from rtvc.transport.knn import fit_knn
from rtvc.transport.sinkhorn import SOURCE_FRAMES, ProjectionTransport, fit_sinkhorn, solve


def frames_of(count: int, dim: int = 5, seed: int = 0) -> Block:
    return (np.random.default_rng(seed).normal(size=(count, dim)) + 0.3).astype(np.float32)


def cosine_cost(frames: Block, reference: Block) -> Array:
    lengths = np.outer(np.linalg.norm(frames, axis=1), np.linalg.norm(reference, axis=1))
    return np.asarray(1 - frames.astype(np.float64) @ reference.T.astype(np.float64) / lengths)


@settings(max_examples=25)
@given(
    rows=st.integers(1, 40), columns=st.integers(1, 40), regularisation=st.floats(0.1, 2), seed=st.integers(0, 999)
)
def test_the_plan_has_uniform_marginals(rows: int, columns: int, regularisation: float, seed: int) -> None:
    cost = np.random.default_rng(seed).uniform(0, 2, (rows, columns))
    plan, _ = solve(cost, regularisation, iterations=20_000)
    assert (plan >= 0).all()
    np.testing.assert_allclose(plan.sum(axis=1), 1 / rows)
    np.testing.assert_allclose(plan.sum(axis=0), 1 / columns, atol=2e-6)


@pytest.mark.parametrize("regularisation", [0.02, 0.1, 1])
def test_the_plan_is_that_of_pot_in_the_log_domain(regularisation: float) -> None:
    import ot  # takes 2 s, which only the process that runs this test shall spend

    cost = cosine_cost(frames_of(60), frames_of(40, seed=1))
    plan, _ = solve(cost, regularisation, iterations=20_000, tolerance=1e-11)
    expected = ot.sinkhorn(
        np.full(60, 1 / 60),
        np.full(40, 1 / 40),
        cost,
        regularisation,
        "sinkhorn_log",
        numItermax=20_000,
        stopThr=1e-12,
    )
    np.testing.assert_allclose(plan, expected, atol=1e-8)


def test_on_the_frames_of_the_fit_the_papers_rule_follows_the_plan() -> None:
    frames, reference = frames_of(80), frames_of(50, seed=1)
    plan, _ = solve(cosine_cost(frames, reference), 0.1)
    expected = reference[np.argsort(plan, axis=1)[:, -4:]].mean(axis=1)
    mapped = fit_sinkhorn(FeatureSet.of(frames), FeatureSet.of(reference))(frames)
    np.testing.assert_allclose(mapped, expected, atol=1e-5)


def test_on_the_frames_of_the_fit_the_projection_is_the_plans_own() -> None:
    frames, reference = frames_of(80), frames_of(50, seed=1)
    plan, _ = solve(cosine_cost(frames, reference), 0.1)
    transport = fit_sinkhorn(FeatureSet.of(frames), FeatureSet.of(reference), neighbours=None)
    assert isinstance(transport, ProjectionTransport)
    np.testing.assert_allclose(transport.weights(frames), plan * 80, atol=1e-5)
    np.testing.assert_allclose(transport(frames), plan * 80 @ reference, atol=1e-5)


def arc(angles: Array) -> Block:
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_the_projection_converges_to_the_optimal_map() -> None:
    """On an arc shorter than a quarter turn the cosine cost is convex, so the optimal map keeps the order."""
    random = np.random.default_rng(3)
    start, end = np.sort(random.uniform(0, 0.8, 100)), np.sort(random.uniform(0.5, 1.4, 100))
    frames, reference = arc(start), arc(end)
    _, assigned = linear_sum_assignment(cosine_cost(frames, reference))
    np.testing.assert_array_equal(assigned, np.arange(100))
    errors = []
    for regularisation in (0.3, 0.1, 0.03, 0.01):
        mapped = fit_sinkhorn(FeatureSet.of(frames), FeatureSet.of(reference), regularisation, None)(frames)
        errors.append(np.abs(np.arctan2(mapped[:, 1], mapped[:, 0]) - end).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.25 * errors[0]
    assert errors[-1] < 0.05


def test_popular_frames_are_shared_out_where_knn_repeats_them() -> None:
    """Every source frame likes one end of the reference best; the plan must use all of it."""
    frames, reference = arc(np.linspace(0, 0.2, 60)), arc(np.linspace(0.4, 1.2, 60))
    source, target = FeatureSet.of(frames), FeatureSet.of(reference)
    nearest = fit_knn(source, target)(frames)
    shared = fit_sinkhorn(source, target, 0.01)(frames)
    assert np.ptp(nearest[:, 1]) < 1e-6
    assert np.ptp(shared[:, 1]) > 0.8 * np.ptp(reference[:, 1])


def test_great_regularisation_forgets_the_frame() -> None:
    frames, reference = frames_of(30), frames_of(40, seed=1)
    mapped = fit_sinkhorn(FeatureSet.of(frames), FeatureSet.of(reference), 1e4, None)(frames)
    np.testing.assert_allclose(mapped, np.tile(reference.mean(axis=0), (30, 1)), atol=1e-3)


def test_a_voice_mapped_to_itself_stays() -> None:
    frames = frames_of(60, dim=8)
    voice = FeatureSet.of(frames)
    np.testing.assert_allclose(fit_sinkhorn(voice, voice, 0.01, neighbours=1)(frames), frames, atol=1e-6)


def test_a_long_source_is_thinned_evenly() -> None:
    frames, target = frames_of(2 * SOURCE_FRAMES - 1), FeatureSet.of(frames_of(20, seed=1))
    thinned, second = (fit_sinkhorn(FeatureSet.of(rows), target, neighbours=None) for rows in (frames, frames[::2]))
    np.testing.assert_allclose(thinned(frames[:9]), second(frames[:9]), atol=1e-6)


@pytest.mark.parametrize("regularisation", [0.0, -1.0, 0.001, float("nan")])
def test_a_regularisation_out_of_range_is_refused(regularisation: float) -> None:
    with pytest.raises(RtvcError, match="regularisation"):
        fit_sinkhorn(FeatureSet.of(frames_of(5)), FeatureSet.of(frames_of(5)), regularisation)
