"""The spectrogram's image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtvc.dsp.stage import Block

_WINDOW_SECONDS = 0.032
_ROWS = 256
"""Of 31.25 Hz each: the picture reaches up to 8 kHz, where voices end, whatever the sample rate."""


def spectrogram(audio: Block, columns: int, seconds: float) -> npt.NDArray[np.uint8]:
    """Return an image of a sound `[samples]` that lasts `seconds`: `[rows, columns]`, the lowest frequency last.

    A column is the magnitude of a Fourier transform over 32 ms with a Hann window; 0 is -90 dB of a full-scale sine
    and below, 255 is -10 dB and above.
    """
    window = round(_WINDOW_SECONDS * len(audio) / seconds)
    hann = np.hanning(window).astype(np.float32)
    padded = np.concatenate([np.zeros(window - 1, np.float32), audio])
    ends = np.linspace(min(window, len(audio)) - 1, len(audio) - 1, columns).astype(np.intp)
    parts = np.lib.stride_tricks.sliding_window_view(padded, window)[ends]
    magnitude = np.abs(np.fft.rfft(parts * hann, axis=1))[:, :_ROWS]
    decibels = 20 * np.log10(magnitude * (2 / hann.sum()) + 1e-6)
    shades: npt.NDArray[np.uint8] = np.clip((decibels + 90) * (255 / 80), 0, 255).astype(np.uint8)
    return shades.T[::-1]
