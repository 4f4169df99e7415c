"""Features of running speech for the training of transports: computed once for a pack, and kept.

A net with memory is trained on stretches of running speech, so frames stay in order. Pauses are cut to
`LONGEST_PAUSE_FRAMES`, as in the papers, and the recordings of a speaker are joined.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.training.prepare import AUDIO_SUFFIXES, save_array
from rtvc.audio_file import AudioFile
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import Mask
from rtvc.packs.pack import ModelPack
from rtvc.voices.analysis import ANALYSIS_FRAMES, Analyser

LONGEST_PAUSE_FRAMES = 5
"""100 ms at 50 frames per second."""

HELD_OUT = 10
"""Every tenth recording of the target and every tenth source speaker measure the map and train nothing."""


@dataclass(frozen=True)
class Speech:
    """Running speech of several speakers, as feature frames `[n, dim]` each, for training and for measuring."""

    training: list[Block]
    held_out: list[Block]

    def frames(self) -> int:
        """Return the number of training frames."""
        return sum(map(len, self.training))

    def digest(self) -> str:
        """Return the SHA-256 digest of all frames."""
        digest = hashlib.sha256()
        for side in (self.training, self.held_out):
            for part in side:
                digest.update(f"{part.shape}".encode() + part.tobytes())
            digest.update(b"held out")
        return digest.hexdigest()


def target_speech(folder: Path, pack: ModelPack, cache: Path, most_seconds: float | None = None) -> Speech:
    """Return the speech of one speaker; every tenth recording is held out.

    `most_seconds` limits what is trained on, to whole recordings. Raises `RtvcError` if the folder holds too little.
    """
    paths = recordings(folder)
    held_out = paths[::HELD_OUT] if len(paths) >= HELD_OUT else paths[:1]
    training = [path for path in paths if path not in held_out] or held_out
    parts = [(path, _cached([path], pack, cache)) for path in paths]
    kept, room = [], float("inf") if most_seconds is None else most_seconds * pack.frame_rate
    for path, frames in parts:
        if path in training and room > 0:
            kept.append(frames)
            room -= len(frames)
    return Speech([np.concatenate(kept)], [np.concatenate([frames for path, frames in parts if path in held_out])])


def source_speech(folder: Path, pack: ModelPack, cache: Path, seconds: float) -> Speech:
    """Return up to `seconds` of each speaker below a folder; every tenth speaker is held out."""
    speakers: dict[Path, list[Path]] = defaultdict(list)
    for path in recordings(folder):
        speakers[path.parent].append(path)
    speech = [_cached(paths, pack, cache, seconds) for _, paths in sorted(speakers.items())]
    held_out = speech[::HELD_OUT]
    return Speech([part for index, part in enumerate(speech) if index % HELD_OUT] or held_out, held_out)


def recordings(folder: Path) -> list[Path]:
    """Return all recordings below a folder; raise `RtvcError` if there are none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise RtvcError(f"{folder} holds no recordings ({', '.join(sorted(AUDIO_SUFFIXES))}): name another folder.")
    return paths


def running_speech(audio: Block, rate: int, pack: ModelPack) -> Block:
    """Return the features `[n, dim]` of a recording at the pack's level, with long pauses cut."""
    level = speech_level((audio[start : start + rate] for start in range(0, len(audio), rate)), rate)
    gain = 1.0 if level is None else amplitude(pack.level_dbfs - level)
    sound = resample(audio, rate, pack.sample_rate) * np.float32(gain)
    analyser = Analyser(pack)
    length = (-(-len(sound) // pack.hop) + pack.lookahead_frames) * pack.hop
    padded = np.pad(sound, (0, length - len(sound))).astype(np.float32)
    step = ANALYSIS_FRAMES * pack.hop
    parts = [analyser.process(padded[start : start + step]) for start in range(0, length, step)]
    features, active = (np.concatenate(side) for side in zip(*parts, strict=True))
    kept: Block = features[without_long_pauses(active)]
    return kept


def without_long_pauses(active: Mask) -> Mask:
    """Return the mask `[n]` of the frames to keep: speech, and the start of each pause between two words."""
    kept = active.copy()
    since = LONGEST_PAUSE_FRAMES  # Silence before the first word is no pause.
    for index, speaking in enumerate(active):
        since = 0 if speaking else since + 1
        kept[index] = since <= LONGEST_PAUSE_FRAMES
    speech = np.flatnonzero(active)
    kept[speech[-1] + 1 if len(speech) else 0 :] = False
    return kept


class Crops:
    """Draws stretches of running speech: a speaker at random, then a place at random."""

    def __init__(self, speech: Sequence[Block], frames: int) -> None:
        self._speech = [part for part in speech if len(part) >= frames]
        self._frames = frames
        if not self._speech:
            raise RtvcError(f"No speaker has {frames} frames of speech: add recordings.")

    def draw(self, batch: int, random: np.random.Generator) -> Block:
        """Return stretches `[batch, frames, dim]`."""
        rows = []
        for _ in range(batch):
            part = self._speech[int(random.integers(len(self._speech)))]
            start = int(random.integers(len(part) - self._frames + 1))
            rows.append(part[start : start + self._frames])
        return np.stack(rows)


def _cached(paths: Sequence[Path], pack: ModelPack, cache: Path, seconds: float = float("inf")) -> Block:
    """Return the running speech of recordings one after the other, from the cache if it holds it."""
    key = hashlib.sha256(pack.digest.encode())
    for path in paths:
        key.update(f"\0{path.resolve()}\0{path.stat().st_size}".encode())
    key.update(f"\0{seconds}".encode())
    place = cache / pack.digest[:16] / f"{key.hexdigest()[:32]}.npy"
    if place.exists():
        cached: Block = np.load(place, allow_pickle=False)
        return cached
    parts, room = [np.zeros((0, pack.feature_dim), np.float32)], seconds * pack.frame_rate
    for path in paths:
        if room <= 0:
            break
        file = AudioFile(path)
        parts.append(running_speech(file.read(), file.rate, pack))
        room -= len(parts[-1])
    frames: Block = np.concatenate(parts)
    save_array(place, frames)
    return frames
