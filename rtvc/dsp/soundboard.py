"""Clips mixed into the voice that goes out: laughter, a jingle, music.

`play` and `stop` may be called from any thread; `process` belongs to the thread that processes blocks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import Limiter, Ramp
from rtvc.dsp.stage import Block

VOICE_DBFS = -45.0
"""Above this level of a block the voice speaks, and clips are ducked."""

HOLD_SECONDS = 0.5
DUCK_SECONDS = 0.05
FADE_SECONDS = 0.02

MOST_CLIPS = 8
"""So many play at a time; another one ends the oldest."""


@dataclass
class _Playing:
    audio: Block
    gain: float
    at: int = 0


class Soundboard:
    """Adds clips to audio `[n]` at one rate, and limits the sum; without clips, audio passes unchanged.

    Parameters
    ----------
    rate
        Sample rate in Hz.

    Attributes
    ----------
    ducking_db
        By how much clips are quieter while the voice speaks; set it between blocks.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.ducking_db = 0.0
        self._asked: deque[tuple[Block, float] | None] = deque()
        self._playing: list[_Playing] = []
        self._limiter = Limiter(rate)
        self._duck = Ramp(rate, 1.0, DUCK_SECONDS)
        self._quiet = 0
        self._ending: Ramp | None = None

    def play(self, audio: Block, gain_db: float = 0.0) -> None:
        """Start a clip `[n]` at this rate with the next block."""
        self._asked.append((audio, amplitude(gain_db)))

    def stop(self) -> None:
        """Fade all clips out."""
        self._asked.append(None)

    def process(self, block: Block) -> Block:
        """Return the block with the clips that play."""
        self._start()
        if not self._playing:
            return block
        clips = np.zeros(len(block), np.float32)
        for clip in self._playing:
            part = clip.audio[clip.at : clip.at + len(block)]
            clips[: len(part)] += part * np.float32(clip.gain)
            clip.at += len(part)
        clips *= self._ducked(block)
        if self._ending is not None:
            fade = self._ending.next(len(block))
            clips *= fade
            if np.ndim(fade) == 0:
                self._playing, self._ending = [], None
        self._playing = [clip for clip in self._playing if clip.at < len(clip.audio)]
        return self._limiter.process(block + clips)

    def _start(self) -> None:
        while self._asked:
            asked = self._asked.popleft()
            if asked is None:
                if self._playing and self._ending is None:
                    self._ending = Ramp(self.rate, 1.0, FADE_SECONDS)
                    self._ending.target = 0.0
                continue
            if self._ending is not None:
                self._playing, self._ending = [], None
            if not self._playing:
                self._quiet = round(HOLD_SECONDS * self.rate)
                self._duck.target = 1.0
                self._duck.reset()
            self._playing = [*self._playing[1 - MOST_CLIPS :], _Playing(*asked)]

    def _ducked(self, block: Block) -> Block | np.float32:
        speaks = float(np.mean(np.square(block))) > amplitude(VOICE_DBFS) ** 2
        self._quiet = 0 if speaks else self._quiet + len(block)
        ducks = self.ducking_db > 0 and self._quiet < HOLD_SECONDS * self.rate
        self._duck.target = amplitude(-self.ducking_db) if ducks else 1.0
        return self._duck.next(len(block))
