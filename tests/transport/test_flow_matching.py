from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.transport.flow_matching import FlowTransport, fit_flow

ROLES = FeatureRoles(pitch=4, voicing=5)


def mixture(count: int, centres: list[list[float]], seed: int = 0) -> FeatureSet:
    random = np.random.default_rng(seed)
    chosen = np.array(centres)[random.integers(0, len(centres), count)]
    return FeatureSet.of((chosen + 0.3 * random.normal(size=chosen.shape)).astype(np.float32))


def voice(seed: int, count: int = 60) -> FeatureSet:
    random = np.random.default_rng(seed)
    frames = random.normal(size=(count, 6)) @ random.normal(size=(6, 6)) + random.normal(size=6)
    frames[:, 5] = random.random(count) > 0.3
    return FeatureSet.of(frames.astype(np.float32), roles=ROLES)


def quick(source: FeatureSet, target: FeatureSet, **options: Any) -> FlowTransport:  # noqa: ANN401  # noqa: ANN401
    return fit_flow(source, target, **{"iterations": 20, "batch": 32, "hidden": 8, **options})


def wasserstein2_squared(one: Block, other: Block) -> float:
    import ot  # takes 2 s, which only the process that runs these tests shall spend

    return float(ot.emd2([], [], ot.dist(one.astype(np.float64), other.astype(np.float64))))


def test_unseen_frames_arrive_at_the_targets_mixture() -> None:
    here, there = [[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]], [[4.0, 1.0, -1.0], [1.0, 3.0, 2.0], [0.0, 1.0, 3.0]]
    source, target = mixture(1500, here, 1), mixture(1500, there, 2)
    unseen, wanted = mixture(1500, here, 3).frames, mixture(1500, there, 4).frames
    mapped = fit_flow(source, target, iterations=1000, batch=256, hidden=64, learning_rate=3e-3)(unseen)
    before, after = wasserstein2_squared(unseen, wanted), wasserstein2_squared(mapped, wanted)
    assert after < 0.05 * before


def test_a_voice_mapped_to_itself_stays_near() -> None:
    frames = mixture(200, [[2.0, 0.0], [0.0, 2.0]], 1)
    mapped = fit_flow(frames, frames, regularisation=0.01, iterations=300, batch=128, hidden=64)(frames.frames)
    error = np.mean((mapped - frames.frames) ** 2) / frames.frames.var(axis=0).mean()
    assert error < 0.1


def test_more_training_comes_closer() -> None:
    source, target = mixture(100, [[2.0, 0.0]], 1), mixture(100, [[0.0, 3.0], [-3.0, 1.0]], 2)
    distances = [
        wasserstein2_squared(quick(source, target, iterations=count)(source.frames), target.frames)
        for count in (1, 50, 400)
    ]
    assert distances == sorted(distances, reverse=True)


def test_the_same_seed_gives_the_same_map_and_progress_is_told() -> None:
    told: list[float] = []
    one = quick(voice(1), voice(2), progress=told.append)
    other, different = quick(voice(1), voice(2)), quick(voice(1), voice(2), seed=1)
    frames = voice(1).frames
    np.testing.assert_array_equal(one(frames), other(frames))
    assert np.abs(one(frames) - different(frames)).max() > 1e-3
    assert told == pytest.approx(np.arange(1, 21) / 20)


def test_more_steps_come_closer_to_the_continuous_flow() -> None:
    source, target = voice(1), voice(2)
    fits = {steps: quick(source, target, steps=steps, iterations=200) for steps in (1, 4, 64)}
    mapped = {steps: transport(source.frames) for steps, transport in fits.items()}
    assert np.abs(mapped[4] - mapped[64]).mean() < 0.5 * np.abs(mapped[1] - mapped[64]).mean()


def test_arrays_restore_the_map() -> None:
    transport = quick(voice(1), voice(2))
    restored = FlowTransport.from_arrays(transport.to_arrays())
    np.testing.assert_array_equal(restored(voice(1).frames), transport(voice(1).frames))
    assert restored.roles == ROLES


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("version", None, "version"),
        ("version", np.array(9), "version"),
        ("version", np.array([1, 1]), "version"),
        ("weight1", None, "damaged"),
        ("weight1", np.zeros((8, 9), np.float32), "damaged"),
        ("bias2", np.full(4, np.nan, np.float32), "damaged"),
        ("scale", np.zeros(4, np.float32), "damaged"),
        ("centre", np.array(["a"] * 4), "damaged"),
        ("centre", np.array(1.0), "damaged"),
        ("steps", np.array(0), "damaged"),
        ("steps", np.array([1, 2]), "damaged"),
        ("pitch", np.array([1.0, np.inf]), "damaged"),
        ("roles", np.array([1]), "damaged"),
        ("roles", np.array([1, 1]), "roles"),
    ],
)
def test_damaged_arrays_are_refused(name: str, value: npt.NDArray[np.generic] | None, reason: str) -> None:
    arrays = quick(voice(1), voice(2)).to_arrays()
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    with pytest.raises(RtvcError, match=reason):
        FlowTransport.from_arrays(arrays)


@pytest.mark.parametrize("option", ["iterations", "batch", "hidden", "steps"])
def test_options_below_one_are_refused(option: str) -> None:
    with pytest.raises(RtvcError, match="at least 1"):
        quick(voice(1), voice(2), **{option: 0})
