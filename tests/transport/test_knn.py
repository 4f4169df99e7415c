import numpy as np
import pytest

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.transport.knn import fit_knn


def frames_of(count: int, dim: int = 6, seed: int = 0) -> Block:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def brute_force(frame: Block, reference: Block, neighbours: int) -> Block:
    similarity = [row @ frame / np.linalg.norm(row) / np.linalg.norm(frame) for row in reference]
    return np.asarray(reference[np.argsort(similarity)[-neighbours:]].mean(axis=0))


@pytest.mark.parametrize("neighbours", [1, 4, 7])
@pytest.mark.parametrize("count", [7, 30, 500])
def test_it_is_what_brute_force_finds(count: int, neighbours: int) -> None:
    reference, frames = frames_of(count, seed=1), frames_of(20)
    mapped = fit_knn(FeatureSet.of(frames), FeatureSet.of(reference), neighbours)(frames)
    expected = [brute_force(frame, reference, neighbours) for frame in frames]
    np.testing.assert_allclose(mapped, expected, atol=1e-5)


def test_pitch_and_voicing_take_no_part_in_the_search() -> None:
    reference, frames = frames_of(50, seed=1), frames_of(20)
    roles = FeatureRoles(pitch=0, voicing=3)
    mapped = fit_knn(FeatureSet.of(frames, roles=roles), FeatureSet.of(reference, roles=roles))(frames)
    others = [1, 2, 4, 5]
    expected = [brute_force(frame, reference[:, others], 4) for frame in frames[:, others]]
    np.testing.assert_allclose(mapped[:, others], expected, atol=1e-5)


def test_loudness_of_the_frame_does_not_matter() -> None:
    reference, frames = frames_of(50, seed=1), frames_of(20)
    transport = fit_knn(FeatureSet.of(frames), FeatureSet.of(reference))
    np.testing.assert_allclose(transport(frames * 1000), transport(frames), atol=1e-6)


def test_a_known_cluster_is_recovered() -> None:
    """Each source cluster points its own way, and so does its counterpart in the target, longer and noisier."""
    random = np.random.default_rng(2)
    ways = np.eye(6)
    labels = random.integers(0, 6, 300)
    source = (ways[labels] + random.normal(0, 0.05, (300, 6))).astype(np.float32)
    target = (3 * ways[labels[::-1]] + random.normal(0, 0.15, (300, 6))).astype(np.float32)
    mapped = fit_knn(FeatureSet.of(source), FeatureSet.of(target))(source)
    np.testing.assert_allclose(mapped, 3 * ways[labels], atol=0.6)


def test_a_voice_mapped_to_itself_stays() -> None:
    frames = frames_of(60)
    voice = FeatureSet.of(frames)
    np.testing.assert_allclose(fit_knn(voice, voice, neighbours=1)(frames), frames, atol=1e-6)
    # Four neighbours, of which the frame itself is one, must do better than any other voice.
    own = np.linalg.norm(fit_knn(voice, voice)(frames) - frames)
    assert own < np.linalg.norm(fit_knn(voice, FeatureSet.of(frames_of(60, seed=9)))(frames) - frames)


def test_a_reference_smaller_than_the_neighbours_is_averaged() -> None:
    reference, frames = frames_of(3, seed=1), frames_of(5)
    mapped = fit_knn(FeatureSet.of(frames), FeatureSet.of(reference))(frames)
    np.testing.assert_allclose(mapped, np.tile(reference.mean(axis=0), (5, 1)), atol=1e-6)


def test_no_neighbours_are_refused() -> None:
    with pytest.raises(RtvcError, match="At least one neighbour"):
        fit_knn(FeatureSet.of(frames_of(5)), FeatureSet.of(frames_of(5)), neighbours=0)
