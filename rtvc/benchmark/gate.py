"""`rtvc bench gate`: how long noise keeps the gate open, and how much speech it cuts, by level and by speech.

Everything runs on the calling thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.speakers import RECORDINGS, load
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.gate import Gate
from rtvc.dsp.noise_suppression import RATE as DETECTOR_RATE
from rtvc.dsp.noise_suppression import NoiseSuppression, NoiseSuppressor
from rtvc.dsp.resample import resample
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.settings import Settings

RATE = 16_000
CHUNK = 80
SECONDS = 20
NOISE_DBFS = -40.0
QUIETER_DB = (0, 15, 30)
RECORDINGS_OF_A_KIND = 4
SPEAKERS = 8
SPEECH_SECONDS = 5


def gate_report(speech: Path, noise: Path | None) -> Report:
    """Pass noise and speech through the gate in both ways.

    Parameters
    ----------
    speech
        A folder of recordings: 5 s of each of eight, evenly chosen.
    noise
        A folder with a folder of recordings for each kind of noise, brought to -40 dBFS; None for what is made here:
        keyboard, breathing and white noise.
    """
    sounds = {"keyboard (made)": keyboard(), "breathing (made)": breathing(), "white noise": white_noise()}
    if noise is not None:
        sounds |= _kinds(noise)
    opened = {name: _shares(sound, np.ones(len(sound) // CHUNK, bool)) for name, sound in sounds.items()}
    voices = _voices(speech)
    active = np.repeat(SpeechActivity(320, RATE).process(voices), 320 // CHUNK)
    missed = {}
    for quieter in QUIETER_DB:
        by_level, by_speech = _shares(voices * np.float32(amplitude(-quieter)), active)
        missed[f"{quieter} dB quieter"] = (1 - by_level, 1 - by_speech)
    results = {
        name: {key: {"level": pair[0], "speech": pair[1]} for key, pair in part.items()}
        for name, part in {"open": opened, "missed": missed}.items()
    }
    threshold = Settings().gate_threshold_dbfs
    columns = ("", f"for level, {threshold:g} dBFS", "for speech")
    tables = [
        Table("Noise: share of the time that the gate is open, %", columns, _rows(opened)),
        Table("Speech: share of it that the gate cuts, %", columns, _rows(missed)),
    ]
    return Report("gate", results, {"speech": str(speech), "noise": str(noise)}, {}, tables)


def _rows(pairs: dict[str, tuple[float, float]]) -> list[list[str]]:
    return [[name, *(f"{100 * share:.1f}" for share in pair)] for name, pair in pairs.items()]


def _shares(sound: Block, counted: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of the counted chunks in which the gate is open: for level and for speech."""
    sound = sound[: len(sound) // 160 * 160]
    detector = NoiseSuppressor(NoiseSuppression.OFF)
    detector.process(resample(sound, RATE, DETECTOR_RATE))
    shares = []
    for speech in (None, detector.speech):
        gate = Gate(RATE, CHUNK, Settings().gate_threshold_dbfs)
        open_ = np.zeros(len(sound) // CHUNK, bool)
        for index in range(len(open_)):
            if speech is not None:
                probability = speech[index // 2 : index // 2 + 1]
                gate.speech = lambda probability=probability: probability
            gate.process(sound[index * CHUNK : (index + 1) * CHUNK])
            open_[index] = gate.is_open
        shares.append(float(open_[counted[: len(open_)]].mean()))
    return shares[0], shares[1]


def keyboard() -> Block:
    """Return typing: pairs of clicks, 3 to 12 a second, with a peak of -16 dBFS: `[SECONDS * RATE]`."""
    random = np.random.default_rng(0)
    sound = np.zeros(SECONDS * RATE)
    for press in np.cumsum(random.uniform(0.08, 0.35, 12 * SECONDS)):
        for start, level in ((press, 1.0), (press + random.uniform(0.05, 0.09), 0.4)):
            at = round(start * RATE)
            decay = np.exp(-np.arange(480) / (RATE * random.uniform(0.002, 0.006)))
            click = level * random.uniform(0.5, 1) * random.standard_normal(480) * decay
            sound[at : at + 480] += click[: max(0, len(sound) - at)]
    return _band(sound, 600, 6_500, peak=0.15)


def breathing() -> Block:
    """Return breaths in and out, 19 a minute, with a peak of -26 dBFS: `[SECONDS * RATE]`."""
    phase = 2 * np.pi * np.arange(SECONDS * RATE) / RATE / 3.2
    swell = np.maximum(0, np.sin(phase)) ** 2 + 0.7 * np.maximum(0, np.sin(phase + 2.6)) ** 2
    return _band(swell * np.random.default_rng(0).standard_normal(len(swell)), 300, 4_000, peak=0.05)


def white_noise() -> Block:
    """Return white noise: `[SECONDS * RATE]`."""
    sound = np.random.default_rng(0).standard_normal(SECONDS * RATE) * amplitude(NOISE_DBFS)
    return np.asarray(sound, np.float32)


def _band(sound: npt.NDArray[np.float64], low: float, high: float, peak: float) -> Block:
    # Imported here because every `rtvc` command imports this module and would pay its memory and time.
    from scipy import signal

    passed = signal.sosfilt(signal.butter(2, (low, high), "band", fs=RATE, output="sos"), sound)
    return np.asarray(passed * peak / np.abs(passed).max(), np.float32)


def _kinds(folder: Path) -> dict[str, Block]:
    sounds = {}
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = sorted(path for path in kind.rglob("*") if path.suffix.lower() in RECORDINGS)
        if paths:
            sound = np.concatenate([load(path) for path in paths[:RECORDINGS_OF_A_KIND]])
            level = amplitude(NOISE_DBFS) / (np.sqrt(np.mean(sound**2)) + 1e-9)
            sounds[kind.name.replace("_", " ")] = np.asarray(sound * level, np.float32)
    if not sounds:
        raise RtvcError(f"{folder} contains no folders of recorded noise.")
    return sounds


def _voices(folder: Path) -> Block:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in RECORDINGS)
    if not paths:
        raise RtvcError(f"{folder} contains no recordings ({', '.join(RECORDINGS)}): name a folder of recordings.")
    chosen = paths[:: max(1, len(paths) // SPEAKERS)][:SPEAKERS]
    pause = np.zeros(RATE, np.float32)
    parts = [part for path in chosen for part in (load(path)[: SPEECH_SECONDS * RATE], pause)]
    sound = np.concatenate(parts)
    return np.asarray(sound[: len(sound) // 320 * 320], np.float32)
