"""`rtvc bench bandwidth`: how close effects bring speech of 16 kHz to the 48 kHz that it was recorded at.

Everything runs on the calling thread.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtvc.audio_file import AudioFile
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.speakers import RECORDINGS
from rtvc.dsp.effects import Rack
from rtvc.dsp.effects_stage import Effects
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

RATE = 48_000
LOW_RATE = 16_000
BANDS = ((0, 7_000), (8_000, 12_000), (8_000, 16_000))
"""In Hz. Up to 7 kHz the voice should stay as it is."""

MOST_RECORDINGS = 25
SECONDS = 20.0
WINDOW, HOP = 1_536, 480
ACTIVE_DB = -45.0
"""Windows quieter than this, relative to the loudest of the recording, do not count."""

FLOOR = 1e-5
"""Magnitude below which spectra are not told apart: -100 dB of a full-scale sine."""


def bandwidth_report(folder: Path, rack: Rack) -> Report:
    """Cut recordings to 16 kHz, bring them back to 48 kHz through effects, and compare both with the originals.

    The log-spectral distance is the root mean square over a band of the difference of the spectra in dB, as a mean
    over the windows of 32 ms. Raises `RtvcError` if the folder holds no recording of 44.1 kHz or more.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in RECORDINGS)
    files = [file for file in map(AudioFile, paths) if file.rate >= 44_100]
    if not files:
        raise RtvcError(f"{folder}: contains no recordings at 44.1 kHz or more, to compare with.")
    chosen = files[:: -(-len(files) // MOST_RECORDINGS)]
    stage = Effects(RATE, rack)
    distances: list[tuple[list[float], list[float]]] = []
    costs: list[float] = []
    for file in chosen:
        original = file.read(RATE, SECONDS)
        cut = resample(resample(original, RATE, LOW_RATE), LOW_RATE, RATE, "sinc_fastest")[: len(original)]
        stage.reset()
        extended = []
        for start in range(0, len(cut), RATE // 50):
            began = time.perf_counter()
            extended.append(stage.process(cut[start : start + RATE // 50]))
            costs.append(time.perf_counter() - began)
        distances.append((_distances(original, cut), _distances(original, np.concatenate(extended))))
    plain, changed = np.mean(distances, axis=0)
    names = [f"{low / 1000:g} to {high / 1000:g} kHz" for low, high in BANDS]
    results = {
        "recordings": len(chosen),
        "lsd_db": {name: {"without": a, "with": b} for name, a, b in zip(names, plain, changed, strict=True)},
        "frame_milliseconds": float(1000 * np.median(costs)),
        "latency_milliseconds": float(1000 * stage.latency_seconds),
    }
    rows = [[name, f"{a:.1f}", f"{b:.1f}"] for name, a, b in zip(names, plain, changed, strict=True)]
    title = (
        f"Log-spectral distance to {len(chosen)} originals, dB; {results['frame_milliseconds']:.2f} ms per frame, "
        f"{results['latency_milliseconds']:.0f} ms of delay"
    )
    tables = [Table(title, ("", "16 kHz", f"with {rack.name or 'effects'}"), rows)]
    return Report("bandwidth", results, {"folder": str(folder), "effects": rack.to_json()}, {}, tables)


def _distances(original: Block, other: Block) -> list[float]:
    first, second = _spectra(original), _spectra(other)
    levels = np.sqrt(np.sum(np.square(first), axis=1))
    active = levels > levels.max() * 10 ** (ACTIVE_DB / 20)
    difference = 20 * np.log10(np.maximum(first, FLOOR) / np.maximum(second, FLOOR))[active]
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    inside = ((low <= frequencies) & (frequencies < high) for low, high in BANDS)
    return [float(np.sqrt(np.mean(np.square(difference[:, band]), axis=1)).mean()) for band in inside]


def _spectra(sound: Block) -> npt.NDArray[np.float64]:
    padded = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.asarray(np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1)) * (4 / WINDOW))
