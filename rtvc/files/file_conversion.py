"""Converts a recording, file or array, in one of three modes (`rtvc.files.conversion.Mode`).

Everything runs on the calling thread. Streamed modes take constant memory; the sound of a whole file is in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtvc.audio_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS, AudioFile, audio_writer, check_destination
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Job, Mode, Outcome, Progress
from rtvc.files.enhancement import enhancement
from rtvc.files.streamed_conversion import convert_streamed
from rtvc.files.whole_file_conversion import convert_whole
from rtvc.packs.pack import ModelPack
from rtvc.voices.voice import Target

CLIPPED_PER_SECOND = 10
"""More clipped samples than this are worth a warning: a recording normalised to full scale has a few."""


def _ignore(share: float) -> None:
    """Report progress to nobody."""


def convert_file(
    source: Path,
    voice: Target,
    output: Path,
    pack: ModelPack,
    conversion: Conversion | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = _ignore,
    fitting: Progress = _ignore,
) -> Outcome:
    """Convert a recording and write the result, as long as the source and aligned with it.

    The streamed modes bring the source to the pack's level before the encoder, and give it its own level back after
    the vocoder.

    Parameters
    ----------
    source, voice, output
        What to convert, into whose voice, and the file to write; its suffix sets the format.
    pack, conversion
        The models, and how to convert; None for the defaults.
    overwrite
        Whether an existing output may be replaced.
    progress, fitting
        Told the share of the conversion and of a long fit that is done.

    Raises
    ------
    RtvcError
        If a file cannot be read, used or written, or the values of `conversion` do not go together. Nothing is left
        behind, and an existing output stays as it was.
    """
    conversion = conversion or Conversion()
    conversion.check(pack)
    check_destination(output, overwrite)
    recording = AudioFile(source)
    with audio_writer(output, conversion.output_rate(recording.rate), overwrite=overwrite) as writer:
        return _convert(Job(recording, voice, pack, conversion, writer.write, progress, fitting))


def convert_array(
    audio: npt.ArrayLike,
    rate: int,
    voice: Target,
    pack: ModelPack,
    conversion: Conversion | None = None,
    *,
    progress: Progress = _ignore,
    fitting: Progress = _ignore,
) -> tuple[Block, Outcome]:
    """Convert sound in memory.

    Parameters
    ----------
    audio, rate
        Samples, as `one_channel` takes them, and their sample rate in Hz.
    voice, pack, conversion, progress, fitting
        As for `convert_file`.

    Returns
    -------
    tuple
        The converted samples `[n]`, at the same rate unless `conversion` names another, and what the conversion was
        like.

    Raises
    ------
    RtvcError
        If the array is not sound, the voice cannot be used, or the values of `conversion` do not go together.
    """
    conversion = conversion or Conversion()
    conversion.check(pack)
    recording = _ArrayRecording(audio, rate)
    conversion = replace(conversion, sample_rate=conversion.sample_rate or rate)
    blocks: list[Block] = []
    # Blocks of the chain may be reused by their stage.
    keep: Callable[[Block], None] = lambda block: blocks.append(block.copy())  # noqa: E731
    outcome = _convert(Job(recording, voice, pack, conversion, keep, progress, fitting))
    return np.concatenate(blocks), outcome


def _convert(job: Job) -> Outcome:
    recording = job.recording
    began = time.perf_counter()
    enhanced = enhancement(job.conversion.enhancer, job.output_rate, job.write)
    convert = convert_whole if job.conversion.mode is Mode.WHOLE_FILE else convert_streamed
    latency, warnings = convert(replace(job, write=enhanced.write))
    enhanced.close()
    if job.pack.warning is not None:
        warnings.append(job.pack.warning)
    duration = recording.frames / recording.rate
    if recording.clipped > CLIPPED_PER_SECOND * duration:
        warnings.insert(0, f"{recording.name}: {recording.clipped} samples are clipped; record at a lower level.")
    return Outcome(duration, time.perf_counter() - began, latency, warnings)


def one_channel(audio: npt.ArrayLike, name: str) -> Block:
    """Return samples of any kind as one channel `[n]` of float32.

    Parameters
    ----------
    audio
        Samples `[n]`, or `[n, channels]` to be averaged: floating-point numbers in -1 to 1, or integers of 8, 16 or
        32 bits, whose full scale becomes ±1.
    name
        What to call them in a message.

    Raises
    ------
    RtvcError
        If they have another shape or type, or are not finite.
    """
    samples = np.asarray(audio)
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MOST_CHANNELS):
        raise RtvcError(
            f"{name} has the shape {samples.shape}: sound is [samples], or [samples, channels], not "
            f"[channels, samples], with up to {MOST_CHANNELS} channels."
        )
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind != "f" and not (kind in "iu" and bits <= 32):
        raise RtvcError(
            f"{name} is of the type {samples.dtype}: sound is floating-point numbers in -1 to 1, or integers of 8, "
            "16 or 32 bits."
        )
    if kind != "f":
        full_scale = np.float32(2 ** (bits - 1))
        samples = samples / full_scale - np.float32(kind == "u")
    samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise RtvcError(f"{name} contains NaN or infinite samples.")
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


class _ArrayRecording:
    """An array as a `Recording`."""

    name = "The array"

    def __init__(self, audio: npt.ArrayLike, rate: int) -> None:
        samples = one_channel(audio, self.name)
        if len(samples) == 0:
            raise RtvcError("The array contains no samples.")
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise RtvcError(f"The sample rate must be from {LOWEST_RATE} to {HIGHEST_RATE} Hz, not {rate}.")
        self._samples = samples
        self.rate = rate
        self.frames = len(samples)
        # Full scale of 16 bits is a little less than 1.
        self.clipped = int(np.count_nonzero(np.abs(samples) >= 1 - 2**-15))

    def blocks(self, frames: int) -> Iterator[Block]:
        for start in range(0, self.frames, frames):
            yield self._samples[start : start + frames]

    def read(self, rate: int) -> Block:
        return resample(self._samples, self.rate, rate)
