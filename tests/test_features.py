from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import (
    FeatureRoles,
    FeatureSet,
    FeatureStatistics,
    RunningStatistics,
    merge_all,
)

ROLES = FeatureRoles(pitch=2, voicing=4)
DIM = 5


def frames_of(count: int, seed: int = 0, shift: float = 0.0) -> Block:
    random = np.random.default_rng(seed)
    frames = random.normal(size=(count, DIM)) @ random.normal(size=(DIM, DIM)) + shift
    frames[:, ROLES.voicing] = random.random(count)
    return frames.astype(np.float32)


def assert_same(one: FeatureStatistics, other: FeatureStatistics, tolerance: float = 1e-10) -> None:
    assert one.roles == other.roles
    assert (one.count, one.voiced_count) == pytest.approx((other.count, other.voiced_count))
    np.testing.assert_allclose(one.mean, other.mean, atol=tolerance)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=tolerance)


def test_statistics_are_those_of_numpy_over_the_active_frames() -> None:
    frames = frames_of(60)
    active = np.arange(60) % 3 > 0
    statistics = FeatureStatistics.of(frames, active)
    rows = frames[active].astype(np.float64)
    assert statistics.count == statistics.voiced_count == 40
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0))
    np.testing.assert_allclose(statistics.covariance, np.cov(rows.T, bias=True))
    np.testing.assert_allclose(statistics.standard_deviation, rows.std(axis=0))


def test_pitch_is_measured_over_voiced_frames_and_apart_from_the_rest() -> None:
    frames = frames_of(60)
    statistics = FeatureStatistics.of(frames, roles=ROLES)
    voiced = frames[frames[:, 4] > 0.5, 2].astype(np.float64)
    assert 0 < statistics.voiced_count == len(voiced) < 60
    assert statistics.mean[2] == pytest.approx(voiced.mean())
    np.testing.assert_allclose(statistics.covariance[2], [0, 0, voiced.var(), 0, 0])
    np.testing.assert_allclose(statistics.covariance[:, 2], statistics.covariance[2])
    assert statistics.covariance[0, 1] != 0


def test_pitch_without_a_voicing_dimension_takes_all_frames() -> None:
    frames = frames_of(30)
    statistics = FeatureStatistics.of(frames, roles=FeatureRoles(pitch=2))
    assert statistics.voiced_count == 30
    assert statistics.mean[2] == pytest.approx(frames[:, 2].mean(dtype=np.float64))


@pytest.mark.parametrize("roles", [FeatureRoles(), ROLES])
@given(cuts=st.lists(st.integers(0, 80), max_size=8))
def test_any_chunking_gives_the_statistics_of_the_whole(roles: FeatureRoles, cuts: list[int]) -> None:
    frames = frames_of(80, shift=5)
    active = np.random.default_rng(1).random(80) > 0.3
    edges = [0, *sorted(cuts), 80]
    whole = FeatureStatistics.of(frames, active, roles)
    running = FeatureStatistics.of(frames[:0], active[:0], roles)
    for start, end in pairwise(edges):
        running = running.update(frames[start:end], active[start:end])
    assert_same(running, whole)
    parts = [FeatureStatistics.of(frames[start:end], active[start:end], roles) for start, end in pairwise(edges)]
    assert_same(merge_all(parts), whole)
    assert_same(merge_all(parts[::-1]), whole)


def test_a_large_offset_costs_no_precision() -> None:
    frames = np.random.default_rng(0).integers(-9, 9, (400, DIM)).astype(np.float32)
    near = FeatureStatistics.of(frames)
    far = FeatureStatistics.of(frames[:200] + 1_000_000).merge(FeatureStatistics.of(frames[200:] + 1_000_000))
    np.testing.assert_allclose(far.covariance, near.covariance, rtol=1e-9)


def test_a_feature_set_keeps_the_active_frames() -> None:
    frames = frames_of(20)
    active = np.arange(20) < 7
    kept = FeatureSet.of(frames, active, ROLES)
    np.testing.assert_array_equal(kept.frames, frames[:7])
    assert kept.frames.dtype == np.float32
    assert_same(kept.statistics, FeatureStatistics.of(frames[:7], roles=ROLES))


@pytest.mark.parametrize(
    "roles",
    [
        FeatureRoles(pitch=5),
        FeatureRoles(voicing=-1),
        FeatureRoles(1, 1),
        FeatureRoles(2, 4, (1, 3)),
        FeatureRoles(cepstra=(3, 6)),
        FeatureRoles(cepstra=(-1, 2)),
        FeatureRoles(cepstra=(2, 2)),
    ],
)
def test_roles_that_do_not_fit_are_refused(roles: FeatureRoles) -> None:
    with pytest.raises(RtvcError, match="roles"):
        FeatureStatistics.of(frames_of(9), roles=roles)


def test_frames_that_are_not_finite_are_refused() -> None:
    frames = frames_of(9)
    frames[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        FeatureStatistics.of(frames)


def test_statistics_of_different_spaces_do_not_mix() -> None:
    one, other = FeatureStatistics.of(frames_of(9)), FeatureStatistics.of(frames_of(9), roles=ROLES)
    with pytest.raises(ValueError, match="merged"):
        one.merge(other)


def test_arrays_restore_the_statistics() -> None:
    for roles in (FeatureRoles(), ROLES, FeatureRoles(2, 4, (0, 2))):
        statistics = FeatureStatistics.of(frames_of(30), roles=roles)
        assert_same(FeatureStatistics.from_arrays(statistics.to_arrays()), statistics, tolerance=0)


Arrays = dict[str, npt.NDArray[np.generic]]


def damaged(name: str, value: npt.NDArray[np.generic] | None) -> Arrays:
    arrays = FeatureStatistics.of(frames_of(30), roles=ROLES).to_arrays()
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        (damaged("mean", None), "lack mean"),
        (damaged("version", np.array(99)), "version 99"),
        (damaged("version", np.array([1, 1])), "version"),
        (damaged("mean", np.zeros(4)), "damaged"),
        (damaged("mean", np.zeros(DIM, np.int64)), "damaged"),
        (damaged("mean", np.full(DIM, np.inf)), "damaged"),
        (damaged("mean", np.array(["a"] * DIM)), "damaged"),
        (damaged("covariance", np.full((DIM, DIM), np.nan)), "damaged"),
        (damaged("covariance", -np.eye(DIM)), "damaged"),
        (damaged("counts", np.array([-1.0, 0.0])), "damaged"),
        (damaged("counts", np.array([1.0])), "damaged"),
        (damaged("roles", np.array([0.5, 1.5])), "damaged"),
        (damaged("roles", np.array([2, 4, 0])), "damaged"),
        (damaged("roles", np.array([2, 77])), "roles"),
        (damaged("roles", np.array([2, 4, 1, 9])), "roles"),
    ],
)
def test_damaged_arrays_are_refused(arrays: Arrays, reason: str) -> None:
    with pytest.raises(RtvcError, match=reason):
        FeatureStatistics.from_arrays(arrays)


def prior() -> FeatureStatistics:
    return FeatureStatistics.of(frames_of(5000, seed=3), roles=ROLES)


def test_a_weighted_prior_counts_as_its_frames() -> None:
    speaker = FeatureStatistics.of(frames_of(300, seed=4, shift=3), roles=ROLES)
    merged = prior().weighted(100, 10).merge(speaker)
    np.testing.assert_allclose(merged.mean[:2], (0.25 * prior().mean + 0.75 * speaker.mean)[:2])
    share = 10 / (10 + speaker.voiced_count)
    assert merged.mean[2] == pytest.approx(share * prior().mean[2] + (1 - share) * speaker.mean[2])
    assert merged.count == 400


def test_a_prior_that_never_heard_a_voice_says_nothing_of_pitch() -> None:
    frames = frames_of(100, seed=4)
    frames[:, ROLES.voicing] = 0
    unvoiced, speaker = FeatureStatistics.of(frames, roles=ROLES), FeatureStatistics.of(frames_of(50), roles=ROLES)
    merged = unvoiced.weighted().merge(speaker)
    assert merged.mean[2] == speaker.mean[2]
    assert merged.covariance[2, 2] == speaker.covariance[2, 2]


def test_running_statistics_start_at_the_prior_and_end_at_the_speaker() -> None:
    running = RunningStatistics(prior())
    assert_same(running.statistics(), prior().weighted(), tolerance=0)
    spoken = frames_of(4000, seed=4, shift=3)
    speaker = FeatureStatistics.of(spoken, roles=ROLES)

    def distance() -> float:
        return float(np.abs(running.statistics().mean - speaker.mean)[:4].max())

    distances = [distance()]
    for block in np.split(spoken, [50, 500]):
        running.add(block, np.ones(len(block), bool))
        distances.append(distance())
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.05 * distances[0]


def feed(running: RunningStatistics, frames: Block, steps: Sequence[int]) -> None:
    start = 0
    for step in steps:
        rows = frames[start : start + step]
        running.add(rows, rows[:, 0] > -1)
        start += step


@given(steps=st.lists(st.integers(1, 20), max_size=10), asked=st.integers(0, 5))
def test_running_statistics_do_not_depend_on_the_blocks(steps: list[int], asked: int) -> None:
    frames = frames_of(sum(steps), seed=5)
    running = RunningStatistics(prior())
    feed(running, frames, steps[:asked])
    running.statistics()
    feed(running, frames[sum(steps[:asked]) :], steps[asked:])
    whole = FeatureStatistics.of(frames, frames[:, 0] > -1, ROLES)
    assert_same(running.statistics(), prior().weighted().merge(whole))


def test_a_broken_frame_does_not_poison_the_running_statistics() -> None:
    running = RunningStatistics(prior())
    frames = frames_of(50)
    broken = frames.copy()
    broken[7, 3] = np.inf
    running.add(broken, np.ones(50, bool))
    assert_same(running.statistics(), prior().weighted().update(np.delete(frames, 7, axis=0)))


def test_added_frames_may_be_overwritten_afterwards() -> None:
    running = RunningStatistics(prior())
    frames = frames_of(10)
    running.add(frames, np.ones(10, bool))
    frames[:] = 0
    assert_same(running.statistics(), prior().weighted().update(frames_of(10)))
