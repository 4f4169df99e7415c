"""Conditions of `rtvc bench robustness`: noise, babble, a room, other levels, whispering, and a pitch an octave up.

A condition changes the source before conversion. The result is measured against the clean source with the protocol of
`rtvc.benchmark.speakers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.benchmark.classical import analyse, synthesise
from rtvc.benchmark.metrics import SAMPLE_RATE, loudest_and_speech
from rtvc.benchmark.speakers import RECORDINGS, load
from rtvc.benchmark.systems import Converter
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

Condition = Callable[[Block], Block]
"""Maps a source `[n]` at `SAMPLE_RATE` to its changed version `[n]`."""

RATIOS_DB = (20, 10, 0)
LEVELS_DB = (15, -15)
BABBLE_VOICES = 4
MOST_SECONDS = 1800
"""Of speech for the babble, and of noise: twelve hours of speech took all of a computer's memory."""

DISTANCES = (0.3, 1.5)
"""From the microphone, in m."""

ROOM = (5.2, 4.1, 2.6)
MICROPHONE = (2.3, 1.7, 1.1)
"""Of a living room, in m; the speaker sits in the direction of `TOWARDS`."""
TOWARDS = (0.8, 0.48, 0.36)
ABSORPTION = 0.32
"""Of the energy, at each wall: in 0.4 s the echoes fall by 60 dB."""
RESPONSE_SECONDS = 0.6
SPEED_OF_SOUND = 343.0
IMAGES = 20
"""Rooms mirrored to either side, in each of the three directions."""


@dataclass(frozen=True)
class Conditioned:
    """A converter whose source is changed by a condition first."""

    condition: Condition
    converter: Converter

    def __call__(self, source: Block, reference: Block) -> Block:
        """Convert the changed source `[n]` into the voice of the reference."""
        return self.converter(self.condition(source), reference)


@dataclass(frozen=True)
class AddNoise:
    """Adds a segment of `sound` `[samples]`, `ratio_db` below the speech level of the source.

    The start of the segment depends on the source only, so every system gets the same mixture.
    """

    sound: Block
    ratio_db: float

    def __call__(self, source: Block) -> Block:
        """Return the mixture `[n]`."""
        random = np.random.default_rng(np.abs(source[:SAMPLE_RATE] * 32768).astype(np.uint32))
        start = int(random.integers(len(self.sound)))
        segment = np.resize(np.roll(self.sound, -start), len(source))
        wanted = loudest_and_speech(source)[1] - self.ratio_db
        present = 10 * np.log10(np.mean(segment.astype(np.float64) ** 2) + 1e-12)
        return _clipped(source + segment * amplitude(wanted - present))


@dataclass(frozen=True)
class ChangeLevel:
    """Changes the level of the source by `decibels` and clips at full scale, as an A/D converter does."""

    decibels: float

    def __call__(self, source: Block) -> Block:
        """Return the source `[n]` at the new level."""
        return _clipped(source * amplitude(self.decibels))


@dataclass(frozen=True)
class InRoom:
    """Places the speaker `distance` m from a microphone in a living room."""

    distance: float

    def __call__(self, source: Block) -> Block:
        """Return the source `[n]` as the microphone hears it, the direct sound where and as loud as it was."""
        response = room_response(self.distance)
        length = len(source) + len(response)
        spectrum = np.fft.rfft(source, length) * np.fft.rfft(response, length)
        return np.asarray(np.fft.irfft(spectrum, length)[: len(source)], np.float32)


def room_response(distance: float) -> Block:
    """Return the impulse response of the room from its direct sound, of amplitude 1, on.

    Image sources of a shoebox whose walls absorb alike (Allen & Berkley, 1979).
    """
    order = np.arange(-IMAGES, IMAGES + 1)
    squares, reflections = [], []
    for size, microphone, towards in zip(ROOM, MICROPHONE, TOWARDS, strict=True):
        speaker = microphone + distance * towards
        places = np.concatenate([speaker + 2 * order * size, -speaker + 2 * order * size])
        squares.append((places - microphone) ** 2)
        reflections.append(np.concatenate([np.abs(2 * order), np.abs(2 * order - 1)]))
    far = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    walls = reflections[0][:, None, None] + reflections[1][:, None] + reflections[2]
    delay = np.round((far - distance) * (SAMPLE_RATE / SPEED_OF_SOUND)).astype(np.int64)
    near = delay < RESPONSE_SECONDS * SAMPLE_RATE
    loudness = (1 - ABSORPTION) ** (walls / 2) * distance / far
    response: Block = np.bincount(delay[near], loudness[near]).astype(np.float32)
    return response


def whispered(source: Block) -> Block:
    """Return the source `[n]` whispered: resynthesised by WORLD with all frames unvoiced."""
    parameters = analyse(source)
    return synthesise(replace(parameters, pitch=np.zeros_like(parameters.pitch)), len(source))


def octave_up(source: Block) -> Block:
    """Return the source `[n]` an octave higher, in the pitch range of calling, singing and laughing."""
    parameters = analyse(source)
    return synthesise(replace(parameters, pitch=2 * parameters.pitch), len(source))


def find_conditions(speakers: Path, noise: Path | None) -> dict[str, Condition]:
    """Return the conditions by name.

    Parameters
    ----------
    speakers
        A folder of recordings to mix babble from.
    noise
        A folder of recorded noise, or None for no noise conditions.

    Raises
    ------
    RtvcError
        If a folder holds no recordings.
    """
    conditions: dict[str, Condition] = {"as recorded": _unchanged}
    speech = _concatenated(speakers)
    shift = len(speech) // BABBLE_VOICES
    voices = np.stack([np.roll(speech, shift * voice) for voice in range(BABBLE_VOICES)])
    sounds = {"babble": np.asarray(voices.sum(axis=0), np.float32)}
    if noise is not None:
        sounds["noise"] = _concatenated(noise)
    for name, sound in sounds.items():
        conditions |= {f"{name} at {ratio} dB": AddNoise(sound, ratio) for ratio in RATIOS_DB}
    conditions |= {f"level {decibels:+d} dB": ChangeLevel(decibels) for decibels in LEVELS_DB}
    conditions |= {f"in a room, {distance:g} m away": InRoom(distance) for distance in DISTANCES}
    return {**conditions, "whispered": whispered, "an octave up": octave_up}


def _clipped(sound: Block) -> Block:
    return np.asarray(np.clip(sound, -1, 1), np.float32)


def _unchanged(source: Block) -> Block:
    return source


def _concatenated(folder: Path) -> Block:
    """Return the first `MOST_SECONDS` of the recordings below a folder at the same level, one after the other."""
    paths: Sequence[Path] = sorted(path for path in folder.rglob("*") if path.suffix.lower() in RECORDINGS)
    if not paths:
        raise RtvcError(f"{folder} contains no recordings ({', '.join(RECORDINGS)}): name a folder of recordings.")
    sounds: list[Block] = []
    for path in paths:
        sound = load(path)
        sounds.append((sound / (np.sqrt(np.mean(sound**2)) + 1e-6)).astype(np.float32))
        if sum(map(len, sounds)) >= MOST_SECONDS * SAMPLE_RATE:
            break
    return np.concatenate(sounds)
