"""How far two sets of feature frames lie apart, as distributions. Runs on the calling thread.

SciPy is imported where it is used: every `rtvc` command imports this module and would pay its memory and time.
"""

from __future__ import annotations

import numpy as np

from rtvc.dsp.stage import Block

MOST_FRAMES = 2000
"""Frames of each side that enter the energy distance, at equal distances: its time grows with their square."""


def energy_distance(left: Block, right: Block) -> float:
    """Return `2 E|x − y| − E|x − x'| − E|y − y'|` (Székely & Rizzo 2013) of frames `[n, dim]` and `[m, dim]`.

    0 for equal distributions, in units of the dimensions. The means within a side leave out the zero distances of
    frames to themselves, so two samples of one distribution have the expectation 0.
    """
    from scipy.spatial.distance import cdist

    x, y = (side[:: max(1, len(side) // MOST_FRAMES)][:MOST_FRAMES].astype(np.float64) for side in (left, right))
    within = sum(cdist(side, side).sum() / (len(side) * (len(side) - 1)) for side in (x, y))
    return float(2 * cdist(x, y).mean() - within)


def frechet_distance(left: Block, right: Block) -> float:
    """Return the Fréchet distance `|µ₁ − µ₂|² + tr(A + B − 2 (AB)^½)` of the Gaussians of frames `[n, dim]`."""
    from scipy import linalg

    means = [side.mean(axis=0, dtype=np.float64) for side in (left, right)]
    first, second = (np.cov(side, rowvar=False, dtype=np.float64) for side in (left, right))
    root = linalg.sqrtm(first @ second)
    apart = np.square(means[0] - means[1]).sum()
    return float(apart + np.trace(first + second - 2 * np.real(root)))
