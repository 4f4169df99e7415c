"""Random stretches of prepared speech: the rows of a training step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor

from models.training.prepare import HOP, SAMPLE_RATE, VARIANTS, Corpus, stable_number
from rtvc.benchmark.speakers import read_speaker_list

VARIANT_SHARE = 0.85
"""Of the rows that start from no conversion: how many start from a variant."""
MOST_SECONDS_COUNTED = 60.0
SLOW_CORPORA = ("speechocean762/", "an4/")
SLOW_WEIGHT = 0.5
"""Beginners' read-aloud and spelled words are not what is spoken live: fluent adult speech makes 80 % of the rows."""

CHOOSING = tuple(Path(__file__).with_name(name) for name in ("choosing.txt", "choosing-across.txt"))
"""Lists of speakers held out to choose K, the overdrive and everything else by."""


@dataclass(frozen=True)
class Batch:
    """Stretches of one speaker a row.

    `target` `[batch, samples]` is the recording to be given back, `source` the same stretch as it was recorded, as a
    variant, or converted to another speaker. `reference` is another stretch of the speaker, `noise` something to mix
    in. Pitches are the logarithm of Hz, `[batch, frames]`, interpolated where unvoiced; voicing is 0 or 1.
    """

    target: Tensor
    source: Tensor
    reference: Tensor
    noise: Tensor
    target_pitch: Tensor
    source_pitch: Tensor
    voicing: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on another device."""
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


class Sampler:
    """Draws batches from speakers who have enough speech for a stretch and a reference, both in frames."""

    def __init__(
        self,
        corpus: Corpus,
        speakers: Sequence[str],
        noise: npt.NDArray[np.float32],
        frames: int,
        reference: int,
        converted: float = 0.5,
    ) -> None:
        self.converted = converted
        """Share of the rows of speakers who have conversions: how many start from one."""
        self.noise = noise
        self.frames = frames
        self.reference = reference
        names = [name for name in speakers if corpus[name].frames >= frames + reference]
        if not names:
            raise SystemExit(f"No speaker has {(frames + reference) * HOP / SAMPLE_RATE:.0f} s of speech or more.")
        self.speeches = [corpus[name] for name in names]
        # Speakers count by how much they said, up to a minute: an hour of one reader is still one voice.
        weight = np.array([min(corpus[name].seconds, MOST_SECONDS_COUNTED) for name in names])
        weight *= [SLOW_WEIGHT if name.startswith(SLOW_CORPORA) else 1.0 for name in names]
        self.weight = weight / weight.sum()

    def draw(self, batch: int, random: np.random.Generator) -> Batch:
        """Draw a batch of `batch` rows."""
        return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*self._rows(batch, random), strict=True)))

    def _rows(self, batch: int, random: np.random.Generator) -> list[tuple[npt.NDArray[np.float32], ...]]:
        rows: list[tuple[npt.NDArray[np.float32], ...]] = []
        for index in random.choice(len(self.speeches), batch, p=self.weight):
            speech = self.speeches[index]
            # Stretch and reference lie apart: either may come first.
            spare = speech.frames - self.frames - self.reference
            before = int(random.integers(spare + 1))
            between = int(random.integers(spare - before + 1))
            if random.random() < 0.5:
                at, reference = before, before + self.frames + between
            else:
                reference, at = before, before + self.reference + between
            renderings, labels = speech.audio, speech.pitch
            # Conversions may be shorter than the recording.
            conversions = [n for n in range(1 + VARIANTS, len(labels)) if len(labels[n]) >= at + self.frames]
            number = 0
            if conversions and random.random() < self.converted:
                number = int(random.choice(conversions))
            elif random.random() < VARIANT_SHARE:
                number = 1 + int(random.integers(VARIANTS))
            target_pitch, voicing = self._pitch(labels[0], at)
            rows.append(
                (
                    stretch(renderings[0], at, self.frames),
                    stretch(renderings[number], at, self.frames),
                    stretch(renderings[0], reference, self.reference),
                    self._noise(random),
                    target_pitch,
                    self._pitch(labels[number], at)[0],
                    voicing,
                )
            )
        return rows

    def _pitch(
        self, hertz: npt.NDArray[np.float32], frame: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        part = hertz[frame : frame + self.frames]
        voiced = np.flatnonzero(part > 0)
        if len(voiced) == 0:
            return np.full(self.frames, np.log(150), np.float32), np.zeros(self.frames, np.float32)
        pitch = np.interp(np.arange(self.frames), voiced, np.log(part[voiced])).astype(np.float32)
        return pitch, (part > 0).astype(np.float32)

    def _noise(self, random: np.random.Generator) -> npt.NDArray[np.float32]:
        """Return a stretch of recorded noise, of white noise, or of other people talking."""
        samples = self.frames * HOP
        kind = random.random()
        if kind < 0.5 and len(self.noise) > samples:
            start = int(random.integers(len(self.noise) - samples))
            return self.noise[start : start + samples]
        if kind < 0.75:
            return random.standard_normal(samples).astype(np.float32)
        babble = np.zeros(samples, np.float32)
        for index in random.integers(len(self.speeches), size=int(random.integers(1, 5))):
            speech = self.speeches[index]
            babble += stretch(speech.audio[0], int(random.integers(speech.frames - self.frames + 1)), self.frames)
        return babble


def stretch(audio: npt.NDArray[np.int16], frame: int, frames: int) -> npt.NDArray[np.float32]:
    """Return some frames of 16-bit samples as samples of -1 … 1."""
    return audio[frame * HOP : (frame + frames) * HOP].astype(np.float32) / np.float32(32768)


def load_noise(folder: Path | None) -> npt.NDArray[np.float32]:
    """Return all recordings below `folder` one after the other, or nothing."""
    if folder is None:
        return np.zeros(0, np.float32)
    clips = []
    for path in sorted(folder.rglob("*.ogg")) + sorted(folder.rglob("*.wav")):
        clip, rate = soundfile.read(path, dtype="float32", always_2d=True)
        if rate != SAMPLE_RATE:
            raise SystemExit(f"{path} has {rate} Hz; noise must have {SAMPLE_RATE} Hz.")
        clips.append(clip.mean(axis=1))
    if not clips:
        raise SystemExit(f"No noise (.ogg, .wav) below {folder}.")
    return np.concatenate(clips)


def split_speakers(corpus: Corpus) -> tuple[list[str], list[str]]:
    """Return the speakers to train on and those held out: the choosing sets and one in 40 of the others."""
    choosing = {name for path in CHOOSING for name in read_speaker_list(path)}
    held_out = {name for name in corpus if name in choosing or stable_number(name) % 40 == 0}
    held_out = held_out or set(sorted(corpus)[:1])
    return [name for name in corpus if name not in held_out], sorted(held_out)


def samplers(
    corpus: Corpus, noise: npt.NDArray[np.float32], sounded: int, converted: float = 0.5
) -> tuple[Sampler, Sampler]:
    """Return samplers of the training speakers and of the held-out ones; `sounded` is in frames."""
    frames, reference = sounded * 3 // 2, sounded * 2
    training, held_out = split_speakers(corpus)
    return (
        Sampler(corpus, training, noise, frames, reference, converted),
        Sampler(corpus, held_out, noise, frames, reference),
    )


def checked(sampler: Sampler, rows: int) -> list[Batch]:
    """Return the validation batches, which are always the same."""
    return [sampler.draw(rows, np.random.default_rng(number)) for number in range(4)]
