"""The spectrogram's image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block

_WINDOW = 512
_HANN = np.hanning(_WINDOW).astype(np.float32)


def spectrogram(audio: Block, columns: int) -> npt.NDArray[np.uint8]:
    """Return an image of a sound `[samples]`: `[rows, columns]`, the lowest frequency in the last row.

    A column is the magnitude of a Fourier transform over 512 samples with a Hann window; 0 is -90 dB of a full-scale
    sine and below, 255 is -10 dB and above. The rows reach up to half the sample rate.
    """
    padded = np.concatenate([np.zeros(_WINDOW - 1, np.float32), audio])
    ends = np.linspace(min(_WINDOW, len(audio)) - 1, len(audio) - 1, columns).astype(np.intp)
    parts = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[ends]
    magnitude = np.abs(np.fft.rfft(parts * _HANN, axis=1))[:, : _WINDOW // 2]
    decibels = 20 * np.log10(magnitude * (2 / _HANN.sum()) + 1e-6)
    shades: npt.NDArray[np.uint8] = np.clip((decibels + 90) * (255 / 80), 0, 255).astype(np.uint8)
    return shades.T[::-1]
