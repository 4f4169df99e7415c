"""Turn a folder of speech into flat arrays that training can cut at random.

The folder is read as `…/<speaker>/<utterance>.{flac,ogg,wav}`: the folder of a file is its speaker. Every
speaker becomes one stretch of 16 kHz samples, utterance after utterance, each cut to whole frames and brought
to one speech level. Beside the original lie *variants* of the same length, in which WORLD (Morise et al., 2016)
has moved pitch and formants by random factors without moving anything in time: what an encoder must learn to
see through. Pitch labels are those of `rtvc.benchmark.pitch`, one a frame, 0 where unvoiced: DIO, WORLD's own
tracker, found 5 % of the frames of some LibriSpeech speakers voiced, where half are.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from rtvc.benchmark.pitch import track_pitch

SAMPLE_RATE = 16000
HOP = 320
LEVEL_DBFS = -26.0
PITCH_PERIOD = 0.01
AUDIO_SUFFIXES = {".flac", ".ogg", ".wav"}

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Corpus:
    """The prepared data, memory-mapped.

    `audio` and each of `variants` are int16 `[samples]`, `pitch` and each of `variant_pitch` float32 in Hz
    `[samples / HOP]`; `speakers` maps a speaker to its `(first sample, number of samples)`.
    """

    audio: npt.NDArray[np.int16]
    variants: list[npt.NDArray[np.int16]]
    pitch: npt.NDArray[np.float32]
    variant_pitch: list[npt.NDArray[np.float32]]
    speakers: dict[str, tuple[int, int]]

    @staticmethod
    def open(folder: Path) -> Corpus:
        """Map what `prepare` wrote to `folder`."""
        index = json.loads((folder / "index.json").read_text())
        count = index["variants"]

        def audio(name: str) -> npt.NDArray[np.int16]:
            return np.memmap(folder / f"{name}.int16", np.int16, "r")

        def pitch(name: str) -> npt.NDArray[np.float32]:
            return np.memmap(folder / f"{name}.float32", np.float32, "r")

        return Corpus(
            audio("audio"),
            [audio(f"audio-{number}") for number in range(count)],
            pitch("pitch"),
            [pitch(f"pitch-{number}") for number in range(count)],
            {name: (start, length) for name, (start, length) in index["speakers"].items()},
        )


def prepare(data: Path, folder: Path, variants: int = 2, processes: int = 2) -> Corpus:
    """Prepare every utterance below `data` into `folder`, once: a finished preparation is only opened."""
    if not (folder / "index.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _prepare(data, folder, variants, processes)
    return Corpus.open(folder)


def _prepare(data: Path, folder: Path, variants: int, processes: int) -> None:
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not files:
        raise SystemExit(f"No speech (.flac, .ogg, .wav) below {data}.")
    names = ["audio", *(f"audio-{number}" for number in range(variants))]
    labels = ["pitch", *(f"pitch-{number}" for number in range(variants))]
    speakers: dict[str, tuple[int, int]] = {}
    position = 0
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(processes))
        audio_files = [stack.enter_context((folder / f"{name}.int16").open("wb")) for name in names]
        pitch_files = [stack.enter_context((folder / f"{name}.float32").open("wb")) for name in labels]
        prepared = pool.map(_prepare_utterance, files, [variants] * len(files), chunksize=8)
        for number, (path, renderings) in enumerate(zip(files, prepared, strict=True)):
            for target, (samples, _) in zip(audio_files, renderings, strict=True):
                target.write(samples.tobytes())
            for target, (_, pitch) in zip(pitch_files, renderings, strict=True):
                target.write(pitch.tobytes())
            speaker = str(path.parent.relative_to(data))
            start, length = speakers.get(speaker, (position, 0))
            speakers[speaker] = (start, length + len(renderings[0][0]))
            position += len(renderings[0][0])
            if number % 100 == 0:
                print(f"prepared {number} of {len(files)} utterances", flush=True)
    (folder / "index.json").write_text(json.dumps({"variants": variants, "speakers": speakers}))
    print(f"prepared {position / SAMPLE_RATE / 3600:.2f} h of {len(speakers)} speakers", flush=True)


def _prepare_utterance(path: Path, variants: int) -> list[tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]]:
    """The utterance and its variants: samples and pitch labels of each, all of one length."""
    # Only preparing needs it, and it takes a compiler to install.
    import pyworld

    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    if rate != SAMPLE_RATE:
        raise SystemExit(f"{path} has {rate} Hz; training data must have {SAMPLE_RATE} Hz.")
    frames = len(samples) // HOP
    samples = _level(samples[: frames * HOP].mean(axis=1))
    # A seed of the file's own, so that the result does not depend on the order of the files.
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "big"))
    pitch = _pitch(samples)
    times = np.arange(len(pitch)) * PITCH_PERIOD
    envelope = pyworld.cheaptrick(samples, pitch, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(samples, pitch, times, SAMPLE_RATE)
    renderings = [(_quantise(samples), _labels(pitch, frames))]
    for number in range(variants):
        # One variant goes up and one down, so that every stretch is heard from both sides.
        semitones = random.uniform(2.0, 8.0) * (1 if number % 2 == 0 else -1)
        ratio = 2 ** (semitones / 12)
        formants = 2 ** (random.uniform(0.2, 0.5) * semitones / 12)
        shifted = pyworld.synthesize(
            pitch * ratio, _warp(envelope, formants), _warp(aperiodicity, formants), SAMPLE_RATE, PITCH_PERIOD * 1000
        )
        padded = np.zeros(frames * HOP)
        padded[: min(len(shifted), len(padded))] = shifted[: len(padded)]
        renderings.append((_quantise(_level(padded)), _labels(pitch * ratio, frames)))
    return renderings


def _pitch(samples: Samples) -> Samples:
    """Return the pitch in Hz at every `PITCH_PERIOD` from 0 on, 0 where unvoiced."""
    middle = track_pitch(samples.astype(np.float32), SAMPLE_RATE)
    # The tracker speaks for the middle of each period; on its border, either neighbour may know the pitch.
    sides = np.stack([np.append(np.nan, middle), np.append(middle, np.nan)])
    known = np.isfinite(sides)
    total: Samples = np.where(known, sides, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return total


def _labels(pitch: Samples, frames: int) -> npt.NDArray[np.float32]:
    """Return the pitch at the start of each frame."""
    every = round(HOP / SAMPLE_RATE / PITCH_PERIOD)
    labels: npt.NDArray[np.float32] = pitch[::every][:frames].astype(np.float32)
    return labels


def _warp(spectrum: Samples, ratio: float) -> Samples:
    """Move a spectrum `[frames, bins]` along frequency: what was at f comes to lie at f·ratio."""
    bins = spectrum.shape[1]
    position = np.clip(np.arange(bins) / ratio, 0, bins - 1)
    below = np.minimum(position.astype(int), bins - 2)
    part = position - below
    return np.ascontiguousarray(spectrum[:, below] * (1 - part) + spectrum[:, below + 1] * part)


def _level(samples: Samples) -> Samples:
    """Bring the louder frames (within 30 dB of the loudest) to `LEVEL_DBFS` on average."""
    power = np.mean(samples.reshape(-1, HOP) ** 2, axis=1) + 1e-12
    active = power[power > power.max() * 1e-3]
    levelled: Samples = samples * 10 ** (LEVEL_DBFS / 20) / np.sqrt(active.mean())
    return levelled


def _quantise(samples: Samples) -> npt.NDArray[np.int16]:
    return np.clip(samples * 32768, -32768, 32767).astype(np.int16)
