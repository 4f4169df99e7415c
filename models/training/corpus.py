"""Random stretches of prepared speech: what a training step is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor

from models.training.prepare import HOP, SAMPLE_RATE, Corpus

VARIANT_SHARE = 0.7
MOST_SECONDS_COUNTED = 60.0


@dataclass(frozen=True)
class Batch:
    """Stretches of one speaker a row.

    `target` `[batch, samples]` is what is to come out, `source` the same stretch of the original or a variant,
    `reference` another stretch of the speaker, `noise` something to mix in. Pitches are the logarithm of Hz,
    `[batch, frames]`, interpolated where unvoiced; voicing is 0 or 1.
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
    """Draws batches from speakers who have enough speech for a stretch and a reference."""

    def __init__(
        self, corpus: Corpus, speakers: list[str], noise: npt.NDArray[np.float32], frames: int, reference: int
    ) -> None:
        self.corpus = corpus
        self.noise = noise
        self.frames = frames
        self.reference = reference
        least = (frames + reference) * HOP
        self.spans = [corpus.speakers[name] for name in speakers if corpus.speakers[name][1] >= least]
        if not self.spans:
            raise SystemExit(f"No speaker has {least / SAMPLE_RATE:.0f} s of speech or more.")
        # Everyone counts by what they said, up to a minute: one reader of an hour is still one voice.
        weight = np.array([min(length / SAMPLE_RATE, MOST_SECONDS_COUNTED) for _, length in self.spans])
        self.weight = weight / weight.sum()

    def draw(self, batch: int, random: np.random.Generator) -> Batch:
        """Draw a batch of `batch` rows."""
        return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*self._rows(batch, random), strict=True)))

    def _rows(self, batch: int, random: np.random.Generator) -> list[tuple[npt.NDArray[np.float32], ...]]:
        rows: list[tuple[npt.NDArray[np.float32], ...]] = []
        for index in random.choice(len(self.spans), batch, p=self.weight):
            start, length = self.spans[index]
            first, frames = start // HOP, length // HOP
            # Stretch and reference lie apart: either may come first.
            spare = frames - self.frames - self.reference
            before = int(random.integers(spare + 1))
            if random.random() < 0.5:
                at, reference = (
                    first + before,
                    first + before + self.frames + int(random.integers(spare - before + 1)),
                )
            else:
                reference, at = (
                    first + before,
                    first + before + self.reference + int(random.integers(spare - before + 1)),
                )
            target = self._audio(self.corpus.audio, at, self.frames)
            source, hertz = self.corpus.audio, self.corpus.pitch
            if random.random() < VARIANT_SHARE:
                number = int(random.integers(len(self.corpus.variants)))
                source, hertz = self.corpus.variants[number], self.corpus.variant_pitch[number]
            target_pitch, voicing = self._pitch(self.corpus.pitch, at)
            rows.append(
                (
                    target,
                    self._audio(source, at, self.frames),
                    self._audio(self.corpus.audio, reference, self.reference),
                    self._noise(random),
                    target_pitch,
                    self._pitch(hertz, at)[0],
                    voicing,
                )
            )
        return rows

    def _audio(self, audio: npt.NDArray[np.int16], frame: int, frames: int) -> npt.NDArray[np.float32]:
        return audio[frame * HOP : (frame + frames) * HOP].astype(np.float32) / np.float32(32768)

    def _pitch(
        self, hertz: npt.NDArray[np.float32], frame: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        stretch = hertz[frame : frame + self.frames]
        voiced = np.flatnonzero(stretch > 0)
        if len(voiced) == 0:
            return np.full(self.frames, np.log(150), np.float32), np.zeros(self.frames, np.float32)
        pitch = np.interp(np.arange(self.frames), voiced, np.log(stretch[voiced])).astype(np.float32)
        return pitch, (stretch > 0).astype(np.float32)

    def _noise(self, random: np.random.Generator) -> npt.NDArray[np.float32]:
        """A stretch of recorded noise, of white noise, or of other people talking."""
        samples = self.frames * HOP
        kind = random.random()
        if kind < 0.5 and len(self.noise) > samples:
            start = int(random.integers(len(self.noise) - samples))
            return self.noise[start : start + samples]
        if kind < 0.75:
            return random.standard_normal(samples).astype(np.float32)
        babble = np.zeros(samples, np.float32)
        for _ in range(int(random.integers(1, 5))):
            frame = int(random.integers(len(self.corpus.audio) // HOP - self.frames))
            babble += self._audio(self.corpus.audio, frame, self.frames)
        return babble


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
