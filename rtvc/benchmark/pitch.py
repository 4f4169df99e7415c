"""Pitch tracker of the benchmarks and pictures; needs only the runtime's packages."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtvc.dsp.decibels import amplitude
from rtvc.dsp.stage import Block

PERIOD_SECONDS = 0.01
PITCH_RANGE = (65.0, 450.0)
"""Lowest and highest pitch in hertz that is searched for."""

_WINDOW_SECONDS = 0.04
_SILENT_BELOW_PEAK_DB = 32.0
_CANDIDATES = 6
_VOICED_ABOVE = 0.65
_VOICING_COST = 0.25
_OCTAVE_COST = 1.0
_HIGHER_BONUS = 0.015
"""Per octave, so that of two equal peaks the higher pitch wins: a periodic sound also repeats after two periods."""

Array = npt.NDArray[np.float64]


def track_pitch(audio: Block, sample_rate: int) -> Array:
    """Return the pitch in hertz every 10 ms, NaN where unvoiced.

    The candidates are peaks of the normalised cross-correlation (Talkin, 1995) between 65 and 450 Hz. A Viterbi
    search over candidates and the unvoiced state prevents octave jumps of single frames.

    Parameters
    ----------
    audio
        Mono `[samples]`.
    sample_rate
        In hertz.

    Returns
    -------
    ndarray
        `[samples // hop]` with a hop of 10 ms; each value belongs to the middle of its hop.
    """
    # Imported here because it would dominate the start-up time of the command line.
    from scipy import signal

    hop = round(PERIOD_SECONDS * sample_rate)
    window = round(_WINDOW_SECONDS * sample_rate)
    longest = int(sample_rate / PITCH_RANGE[0]) + 2
    shortest = int(sample_rate / PITCH_RANGE[1])
    count = len(audio) // hop
    if count == 0:
        return np.empty(0)
    # Below 80 Hz there is more hum than speech. Lower voices are tracked by their harmonics.
    band = signal.butter(2, (80.0, min(1000.0, 0.4 * sample_rate)), "bandpass", fs=sample_rate, output="sos")
    filtered = signal.sosfiltfilt(band, _at_least(audio, 64))
    reach = window + longest
    padded = np.pad(filtered, (reach // 2, reach + hop))
    starts = hop // 2 + hop * np.arange(count)
    scores = np.empty((count, longest + 1))
    for first in range(0, count, 256):
        frames = np.lib.stride_tricks.sliding_window_view(padded, reach)[starts[first : first + 256]]
        scores[first : first + 256] = _correlations(frames, window, longest)
    loud = np.lib.stride_tricks.sliding_window_view(padded, reach)[starts].std(axis=1)
    scores[loud < amplitude(-_SILENT_BELOW_PEAK_DB) * loud.max(initial=1e-9)] = 0.0
    inner = scores[:, shortest : longest + 1]
    peaks = np.zeros_like(inner)
    rising = (inner[:, 1:-1] > inner[:, :-2]) & (inner[:, 1:-1] >= inner[:, 2:])
    peaks[:, 1:-1] = np.where(rising, inner[:, 1:-1], 0.0)
    chosen = np.argsort(-peaks, axis=1, kind="stable")[:, :_CANDIDATES]
    heights = np.take_along_axis(peaks, chosen, axis=1)
    lags = _refined(scores, chosen + shortest)
    return _best_path(sample_rate / lags, heights)


def _at_least(audio: Block, length: int) -> Array:
    return np.pad(np.asarray(audio, np.float64), (0, max(0, length - len(audio))))


def _correlations(frames: Array, window: int, longest: int) -> Array:
    """Return the normalised correlation of each frame's first `window` samples at lags 0 … longest."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    size = 1 << (frames.shape[1] + window - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(frames, size) * np.fft.rfft(frames[:, :window], size).conj(), size)
    sums = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energies = (sums[:, window:] - sums[:, :-window])[:, : longest + 1]
    scale: Array = np.sqrt(np.maximum(energies[:, :1] * energies, 1e-12))
    normalised: Array = products[:, : longest + 1] / scale
    return normalised


def _refined(scores: Array, lags: npt.NDArray[np.intp]) -> Array:
    """Return the vertex of the parabola through each peak and its neighbours."""
    lags = np.clip(lags, 1, scores.shape[1] - 2)
    left, middle, right = (np.take_along_axis(scores, lags + step, axis=1) for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0.0)
    refined: Array = lags + np.clip(shift, -0.5, 0.5)
    return refined


def _best_path(hertz: Array, heights: Array) -> Array:
    """Choose one candidate or none per frame by Viterbi search: periodicity gains, pitch jumps cost."""
    octaves = np.log2(hertz)
    gains = np.where(heights > 0, heights - _VOICED_ABOVE + _HIGHER_BONUS * (octaves - octaves.min()), -np.inf)
    gains = np.column_stack([gains, np.zeros(len(gains))])
    unvoiced = hertz.shape[1]
    score, back = gains[0], np.zeros(gains.shape, np.intp)
    for index in range(1, len(gains)):
        change = np.full((unvoiced + 1, unvoiced + 1), _VOICING_COST)
        change[:unvoiced, :unvoiced] = _OCTAVE_COST * np.abs(octaves[index - 1][:, None] - octaves[index][None, :])
        change[unvoiced, unvoiced] = 0.0
        total = score[:, None] - change
        back[index] = total.argmax(axis=0)
        score = total.max(axis=0) + gains[index]
    pitch = np.full(len(hertz), np.nan)
    state = int(score.argmax())
    for index in range(len(hertz) - 1, -1, -1):
        if state < unvoiced:
            pitch[index] = hertz[index, state]
        state = int(back[index, state])
    return pitch
