"""Turn a folder of speech into arrays for training: python -m models.training.prepare --data FOLDER.

The folder is read as `…/<speaker>/<utterance>.{flac,ogg,wav}`: the folder of a file is its speaker. Each speaker
becomes one folder of the output, with all utterances joined, each cut to whole frames and set to one speech level.
Beside the recording lie *variants* of the same length, in which WORLD (Morise et al., 2016) has moved pitch and
formants by random factors without moving anything in time: the encoder must learn to see through them.

A speaker who has been prepared once is kept, so new data costs only its own time, an interrupted preparation goes on
where it stopped, and training can start on the speakers that are ready.

Pitch labels come from `rtvc.benchmark.pitch`, one a frame, 0 where unvoiced. DIO, WORLD's own tracker, found 5 % of
the frames of some LibriSpeech speakers voiced, where half are.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
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
VARIANTS = 2
LONGEST_SPEAKER_SECONDS = 180.0
"""No speaker counts for more than a minute in training; three give variety enough."""
AUDIO_SUFFIXES = {".flac", ".ogg", ".wav"}
AUDIO, PITCH, CONVERTED = "audio.npy", "pitch.npy", "converted"

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Speech:
    """A speaker's prepared speech, in a folder, of which only what is used is read.

    `frames` is the length of each rendering. The first is the recording, followed by `VARIANTS` variants of it and by
    any conversions to other speakers that `models.training.convert` has added.
    """

    folder: Path
    frames: int

    @property
    def audio(self) -> list[npt.NDArray[np.int16]]:
        """Each rendering's samples, int16 `[frames · HOP]`, memory-mapped."""
        return [row for name in self._files(AUDIO) for row in np.load(name, "r")]

    @property
    def pitch(self) -> list[npt.NDArray[np.float32]]:
        """Each rendering's pitch in Hz, float32 `[frames]`, 0 where unvoiced."""
        return [row for name in self._files(PITCH) for row in np.load(name, "r")]

    @property
    def seconds(self) -> float:
        """Duration of each rendering."""
        return self.frames * HOP / SAMPLE_RATE

    def _files(self, name: str) -> list[Path]:
        return [self.folder / name, *sorted(self.folder.glob(f"{CONVERTED}-*-{name}"))]


Corpus = dict[str, Speech]
"""Speakers by name, such as `librispeech/103`."""


def open_corpus(folder: Path) -> Corpus:
    """Return every speaker that `prepare` has finished in `folder`."""
    return {
        str(path.parent.relative_to(folder)): Speech(path.parent, np.load(path, "r").shape[1])
        for path in sorted(folder.rglob(PITCH))
    }


def prepare(data: Path, folder: Path, last: Sequence[str] = (), processes: int = 2) -> Corpus:
    """Prepare the speakers below `data` that `folder` does not hold yet; return all that it holds then.

    The order is mixed, so that an unfinished preparation holds a bit of everything; speakers below the folders named
    in `last` come at the end.
    """
    utterances: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(data.rglob("*")):
        if path.suffix.lower() in AUDIO_SUFFIXES:
            utterances[str(path.parent.relative_to(data))].append(path)
    missing = [name for name in utterances if not (folder / name / PITCH).exists()]
    missing.sort(key=lambda name: (name.startswith(tuple(last)), stable_number(name)))
    with ProcessPoolExecutor(processes) as pool:
        finished = pool.map(
            prepare_speaker, [utterances[name] for name in missing], [folder / name for name in missing]
        )
        for number, _ in enumerate(finished, 1):
            if number % 50 == 0 or number == len(missing):
                print(f"prepared {number} of {len(missing)} speakers", flush=True)
    corpus = open_corpus(folder)
    if not corpus:
        raise SystemExit(f"No speech (.flac, .ogg, .wav) below {data}.")
    return corpus


def stable_number(name: str) -> int:
    """Return a number that depends on nothing but the name, evenly spread over 0 … 2⁶⁴ − 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def prepare_speaker(paths: Sequence[Path], folder: Path) -> None:
    """Write the joined utterances of one speaker and their variants to `folder`."""
    renderings: list[list[tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]]] = []
    seconds = 0.0
    for path in paths:
        if seconds < LONGEST_SPEAKER_SECONDS:
            renderings.append(_prepare_utterance(path))
            seconds += len(renderings[-1][0][0]) / SAMPLE_RATE
    audio, pitch = (
        np.stack(
            [np.concatenate([utterance[number][part] for utterance in renderings]) for number in range(VARIANTS + 1)]
        )
        for part in (0, 1)
    )
    save_array(folder / AUDIO, audio)
    # Last, because a speaker with pitch labels counts as finished.
    save_array(folder / PITCH, pitch)


def save_array(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write an array under another name first, so that it is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.writing")
    with aside.open("wb") as file:
        np.save(file, array)
    aside.replace(path)


def _prepare_utterance(path: Path) -> list[tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]]:
    """Return samples and pitch labels of the utterance and of its variants, all of one length."""
    # Only preparation needs it, and installing it takes a compiler.
    import pyworld

    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    if rate != SAMPLE_RATE:
        raise SystemExit(f"{path} has {rate} Hz; training data must have {SAMPLE_RATE} Hz.")
    frames = len(samples) // HOP
    samples = level(samples[: frames * HOP].mean(axis=1))
    # Seeded by the file's name: the result does not depend on the order of the files.
    random = np.random.default_rng(stable_number(path.name))
    pitch = half_frame_pitch(samples)
    times = np.arange(len(pitch)) * PITCH_PERIOD
    envelope = pyworld.cheaptrick(samples, pitch, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(samples, pitch, times, SAMPLE_RATE)
    renderings = [(quantise(samples), frame_labels(pitch, frames))]
    for number in range(VARIANTS):
        # One variant goes up and one down, so that every stretch is heard from both sides.
        semitones = random.uniform(2.0, 8.0) * (1 if number % 2 == 0 else -1)
        ratio = 2 ** (semitones / 12)
        formants = 2 ** (random.uniform(0.2, 0.5) * semitones / 12)
        shifted = pyworld.synthesize(
            pitch * ratio, _warp(envelope, formants), _warp(aperiodicity, formants), SAMPLE_RATE, PITCH_PERIOD * 1000
        )
        padded = np.zeros(frames * HOP)
        padded[: min(len(shifted), len(padded))] = shifted[: len(padded)]
        renderings.append((quantise(level(padded)), frame_labels(pitch * ratio, frames)))
    return renderings


def half_frame_pitch(samples: Samples) -> Samples:
    """Return the pitch in Hz at every `PITCH_PERIOD` from 0 on, 0 where unvoiced."""
    middle = track_pitch(samples.astype(np.float32), SAMPLE_RATE)
    # The tracker speaks for the middle of each period; on its border, either neighbour may know the pitch.
    sides = np.stack([np.append(np.nan, middle), np.append(middle, np.nan)])
    known = np.isfinite(sides)
    total: Samples = np.where(known, sides, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return total


def frame_labels(pitch: Samples, frames: int) -> npt.NDArray[np.float32]:
    """Return the pitch at the start of each frame, of one every `PITCH_PERIOD`."""
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


def level(samples: Samples) -> Samples:
    """Bring the louder frames (within 30 dB of the loudest) to `LEVEL_DBFS` on average."""
    power = np.mean(samples.reshape(-1, HOP) ** 2, axis=1) + 1e-12
    active = power[power > power.max() * 1e-3]
    levelled: Samples = samples * 10 ** (LEVEL_DBFS / 20) / np.sqrt(active.mean())
    return levelled


def quantise(samples: Samples) -> npt.NDArray[np.int16]:
    """Return samples of -1 … 1 as 16-bit integers."""
    return np.clip(samples * 32768, -32768, 32767).astype(np.int16)


def main() -> None:
    """Read the command line and prepare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="speech, …/<speaker>/<utterance>.{flac,ogg,wav}, 16 kHz"
    )
    parser.add_argument("--output", type=Path, default=Path("training-output"), help="prepared data go to its data/")
    parser.add_argument("--last", nargs="*", default=[], help="folders of the data whose speakers are prepared last")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    corpus = prepare(arguments.data, arguments.output / "data", arguments.last, arguments.processes)
    seconds = sum(speech.seconds for speech in corpus.values())
    print(f"{seconds / 3600:.2f} h of {len(corpus)} speakers", flush=True)


if __name__ == "__main__":
    main()
