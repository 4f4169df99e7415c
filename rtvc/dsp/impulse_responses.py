"""Impulse responses for the convolution: synthetic rooms, and recordings in a folder of the user's.

A rack names them and never holds a path, so that a rack from somebody else opens no other file. `impulse_response`
takes up to a second; call it on a thread that does not process blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from platformdirs import user_data_path

from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

ROOMS: Mapping[str, float] = {"Room": 0.4, "Church": 2.5}
"""The synthetic rooms, and their reverberation times in seconds (a decay by 60 dB)."""

SUFFIXES = (".wav", ".flac", ".ogg")
LONGEST_SECONDS = 10.0

_RATE = 48_000
_BANDS = ((0.0, 500.0, 1.1), (500.0, 4_000.0, 1.0), (4_000.0, 24_000.0, 0.4))
"""From and to a frequency in Hz, and the share of the reverberation time: air and walls absorb high frequencies."""


def impulse_folder() -> Path:
    """Return the folder of the user's recordings."""
    return user_data_path("rtvc", appauthor=False) / "impulses"


def impulse_names() -> list[str]:
    """Return the synthetic rooms, then the file names of the user's recordings."""
    return [*ROOMS, *sorted(_recordings())]


def find_impulse(name: str) -> Path | None:
    """Return the user's recording of this name, None for a synthetic room; raise `RtvcError` if there is neither."""
    if name in ROOMS:
        return None
    recordings = _recordings()
    if name not in recordings:
        known = ", ".join((*ROOMS, *sorted(recordings)))
        raise RtvcError(
            f"There is no impulse response {name[:80]!r}: choose one of {known}, or add a recording with "
            "`rtvc effects impulses FILE`."
        )
    return recordings[name]


def impulse_response(name: str, rate: int) -> Block:
    """Return an impulse response at `rate` Hz: `[samples]`, with an energy of 1.

    Raises `RtvcError` if there is none of this name, or the recording is silent, damaged or longer than 10 s.
    """
    path = find_impulse(name)
    response = resample(_room(ROOMS[name]), _RATE, rate) if path is None else _read(path, rate)
    return np.asarray(response / np.linalg.norm(response), np.float32)


def _recordings() -> dict[str, Path]:
    """Return the user's recordings by file name. No path is made from a name, whatever a rack holds."""
    try:
        return {path.name: path for path in impulse_folder().iterdir() if path.suffix.lower() in SUFFIXES}
    except OSError:
        return {}


def _read(path: Path, rate: int) -> Block:
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > LONGEST_SECONDS * file.samplerate:
                raise RtvcError(f"{path} lasts longer than {LONGEST_SECONDS:.0f} s: shorten the impulse response.")
            sound = file.read(dtype="float32", always_2d=True).mean(axis=1, dtype=np.float32)
            source_rate = file.samplerate
    except (soundfile.LibsndfileError, OSError):
        raise RtvcError(f"{path} cannot be read: replace the impulse response.") from None
    if not np.isfinite(sound).all() or not sound.any():
        raise RtvcError(f"{path} contains no impulse response: it is silent or damaged.")
    return resample(sound, source_rate, rate)


def _room(seconds: float) -> Block:
    """Return decaying noise, the same every time."""
    samples = round(seconds * _RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / _RATE)
    decay = np.log(1e-3) * np.arange(samples) / samples
    bands = (
        np.fft.irfft(np.where((low <= frequencies) & (frequencies < high), spectrum, 0), samples)
        * np.exp(decay / share)
        for low, high, share in _BANDS
    )
    return np.asarray(sum(bands), np.float32)
