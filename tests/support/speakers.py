"""Features of a made-up speaker, for tests of fits."""

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack


def frames(pack: ModelPack, seconds: float, seed: int) -> Block:
    """Features of a speaker who differs from the population in every mean and every deviation."""
    random = np.random.default_rng(seed)
    traits = np.random.default_rng(99)
    dim, count = pack.feature_dim, round(seconds * pack.frame_rate)
    centre, spread = traits.normal(0, 0.05, dim), traits.uniform(0.01, 0.2, dim)
    made = (centre + spread * random.standard_normal((count, dim))).astype(np.float32)
    assert pack.roles.pitch is not None
    assert pack.roles.voicing is not None
    made[:, pack.roles.pitch] = random.normal(4.6, 0.2, count)
    made[:, pack.roles.voicing] = random.integers(0, 2, count)
    return made


def speaker_set(pack: ModelPack, seed: int = 1) -> FeatureSet:
    return FeatureSet.of(frames(pack, 1, seed), roles=pack.roles)
