"""A port for engines that fails when told to."""

from collections.abc import Callable

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.engine import Engine
from tests.support.simulation import SimulatedPort
from tests.support.waiting import until


class FragilePort(SimulatedPort):
    """A port that fails when told to, and that may refuse to open again for a while."""

    def __init__(self, refusals: int = 0) -> None:
        super().__init__()
        self.refusals = refusals
        self.trouble: str | None = None
        self.opened = self.closed = 0

    def open(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise RtvcError("The microphone is not there")
        # A device that comes back is another object.
        fresh = SimulatedPort()
        self.capture, self.playback = fresh.capture, fresh.playback
        self.trouble = None
        self.opened += 1

    def close(self) -> None:
        self.trouble = None
        self.closed += 1

    def failure(self) -> str | None:
        return self.trouble

    def speak(self, sound: Block) -> Block:
        """Push sound, let the worker do its part, and return what is then played."""
        size = self.capture.block
        heard = []
        for start in range(0, len(sound), 2 * size):
            for half in (start, start + size):
                self.capture.push(sound[half : half + size])
            until(lambda: self.capture.ring.position == self.capture.ring.written)
            until(lambda: self.playback.ring.fill >= 2 * size)
            for _ in range(2):
                out = np.zeros(size, np.float32)
                self.playback.pull(out)
                heard.append(out)
        return np.concatenate(heard)


Start = Callable[..., tuple[Engine, FragilePort]]
