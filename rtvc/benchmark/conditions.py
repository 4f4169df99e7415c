"""What a microphone may hear instead of clear reading: noise, babble, other levels, whispering, a voice an octave up.

Each condition changes a source before it is converted; the conversion is then measured against the clear source, by
the protocol of `rtvc.benchmark.quality`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.benchmark.classical import put_together, take_apart
from rtvc.benchmark.metrics import SAMPLE_RATE, loudest_and_speech
from rtvc.benchmark.speakers import RECORDINGS, load
from rtvc.benchmark.systems import Converter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

Change = Callable[[Block], Block]
"""A source `[n]` at `SAMPLE_RATE` to what is heard instead `[n]`."""

RATIOS_DB = (20, 10, 0)
LEVELS_DB = (15, -15)
VOICES_OF_BABBLE = 4


@dataclass(frozen=True)
class Changed:
    """A converter whose source is changed first."""

    change: Change
    converter: Converter

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the changed source `[n]` into the reference's voice."""
        return self.converter(self.change(source), reference)


@dataclass(frozen=True)
class Mixed:
    """Adds a stretch of `sound` `[samples]`, so many decibels below the speech of the source.

    Where the stretch begins depends on the source alone, so that every system hears the same.
    """

    sound: Block
    ratio_db: float

    def __call__(self, source: Block) -> Block:
        """Return the mixture `[n]`."""
        random = np.random.default_rng(np.abs(source[:SAMPLE_RATE] * 32768).astype(np.uint32))
        begin = int(random.integers(len(self.sound)))
        stretch = np.resize(np.roll(self.sound, -begin), len(source))
        wanted = loudest_and_speech(source)[1] - self.ratio_db
        present = 10 * np.log10(np.mean(stretch.astype(np.float64) ** 2) + 1e-12)
        return _clipped(source + stretch * amplitude(wanted - present))


@dataclass(frozen=True)
class Louder:
    """Turns the source up (or down), and clips it as a microphone's converter does."""

    decibels: float

    def __call__(self, source: Block) -> Block:
        """Return the source `[n]` at the other level."""
        return _clipped(source * amplitude(self.decibels))


def whispered(source: Block) -> Block:
    """Return the source `[n]` with noise in the place of its voice: WORLD, with nothing voiced."""
    parts = take_apart(source)
    return put_together(replace(parts, pitch=np.zeros_like(parts.pitch)), len(source))


def octave_up(source: Block) -> Block:
    """Return the source `[n]` spoken an octave higher, as calling, singing and laughing are."""
    parts = take_apart(source)
    return put_together(replace(parts, pitch=2 * parts.pitch), len(source))


def find_conditions(speakers: Path, noise: Path | None) -> dict[str, Change]:
    """Return the conditions by name; babble is made of the recordings below `speakers`, noise is optional.

    Raises
    ------
    RtvcError
        Where a folder holds no recordings.
    """
    conditions: dict[str, Change] = {"as recorded": _unchanged}
    babble = _joined(speakers)
    shift = len(babble) // VOICES_OF_BABBLE
    voices = np.stack([np.roll(babble, shift * voice) for voice in range(VOICES_OF_BABBLE)])
    sounds = {"babble": np.asarray(voices.sum(axis=0), np.float32)}
    if noise is not None:
        sounds["noise"] = _joined(noise)
    for name, sound in sounds.items():
        conditions |= {f"{name} at {ratio} dB": Mixed(sound, ratio) for ratio in RATIOS_DB}
    conditions |= {f"level {decibels:+d} dB": Louder(decibels) for decibels in LEVELS_DB}
    return {**conditions, "whispered": whispered, "an octave up": octave_up}


def _clipped(sound: Block) -> Block:
    return np.asarray(np.clip(sound, -1, 1), np.float32)


def _unchanged(source: Block) -> Block:
    return source


def _joined(folder: Path) -> Block:
    """All recordings below a folder, each at the same level, one after the other."""
    paths: Sequence[Path] = sorted(path for path in folder.rglob("*") if path.suffix.lower() in RECORDINGS)
    if not paths:
        raise RtvcError(f"{folder} holds no recordings ({', '.join(RECORDINGS)}): name a folder of sound.")
    sounds = [load(path) for path in paths]
    return np.concatenate([sound / (np.sqrt(np.mean(sound**2)) + 1e-6) for sound in sounds]).astype(np.float32)
