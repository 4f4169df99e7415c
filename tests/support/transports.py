"""Transports for tests: one of the kind that needs context, a fit that takes no time, and one that never ends."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.features import FeatureSet
from rtvc.transport import Transport
from rtvc.transport.flow_matching import fit_flow

QUICK: dict[str, Any] = {"iterations": 2, "batch": 8, "hidden": 4}
QUICK_FLOW = partial(fit_flow, **QUICK)

LOOKAHEAD = 2
KERNEL = np.array([0.25, 0.5, 0.25], np.float32)


class Smoother:
    """Each frame's mean with the one before and the one after, by `KERNEL`, times `gain`; two frames late."""

    lookahead_frames = LOOKAHEAD

    def __init__(self, gain: float = 1.0) -> None:
        self._gain = np.float32(gain)
        self.reset()

    def reset(self) -> None:
        self._past: Block | None = None

    def __call__(self, features: Block) -> Block:
        if self._past is None:
            self._past = np.repeat(features[:1], 3, axis=0)
        joined = np.concatenate([self._past, features])
        self._past = joined[-3:]
        smoothed: Block = self._gain * sum(
            weight * joined[at : at + len(features)] for at, weight in enumerate(KERNEL)
        )
        return smoothed


class Endless:
    """A fit that tells its progress until that ends it."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def __call__(self, *voices: FeatureSet, progress: Callable[[float], None], **options: object) -> Transport:
        while True:
            progress(0.25)
            self.begun.set()
