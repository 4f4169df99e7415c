"""Picture of a conversion: waveform, spectrogram and pitch of source, reference and result.

Needs matplotlib. Runs on the calling thread and changes no global state.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtvc.benchmark.pitch import PERIOD_SECONDS, PITCH_RANGE, track_pitch
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.storage import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SECONDS = 12.0
RANGE_DB = 75.0
MAX_HERTZ = 8000.0

Array = npt.NDArray[np.float64]


def _spectrogram(audio: Block, sample_rate: int) -> Array:
    """Return the spectrogram in dB below its maximum, `[bins, frames]`: 32 ms windows every 5 ms."""
    window = round(0.032 * sample_rate)
    hop = round(0.005 * sample_rate)
    padded = np.pad(np.asarray(audio, np.float64), (window // 2, window // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    spectrum = np.abs(np.fft.rfft(frames, 2 * window)).T
    decibels: Array = 20 * np.log10(np.maximum(spectrum, 1e-9))
    visible: Array = decibels[: round(len(decibels) * min(1.0, MAX_HERTZ / (sample_rate / 2)))]
    relative: Array = visible - visible.max()
    return relative


def conversion_picture(path: Path, source: Block, reference: Block, result: Block, sample_rate: int) -> None:
    """Draw a conversion as a PNG.

    All three sounds share the scales of time, frequency and amplitude. Each spectrogram covers 75 dB below its own
    maximum. The pitch panel of the result also shows the source's pitch and the reference's median pitch.

    Parameters
    ----------
    path
        The PNG to write; an existing file is replaced.
    source, reference, result
        Mono float32 audio `[samples]`; the first 12 s of each are drawn.
    sample_rate
        Sample rate in hertz of all three.

    Raises
    ------
    RtvcError
        If matplotlib is not installed, a sound is empty, or the picture cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from PIL import Image  # comes with matplotlib
    except ImportError as error:
        raise RtvcError("Drawing a picture needs matplotlib: install it with `pip install matplotlib`.") from error
    sounds = {"source": source, "reference": reference, "result": result}
    for name, audio in sounds.items():
        if len(audio) == 0:
            raise RtvcError(f"The {name} is empty: there is nothing to draw.")
    shown = {name: np.asarray(audio[: round(MAX_SECONDS * sample_rate)]) for name, audio in sounds.items()}
    pitches = {name: track_pitch(audio, sample_rate) for name, audio in shown.items()}
    seconds = max(len(audio) for audio in shown.values()) / sample_rate
    peak = max(float(np.abs(audio).max()) for audio in shown.values()) or 1.0

    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 11.5), layout="constrained", facecolor="white")
        axes = figure.subplots(9, 1, sharex=True, height_ratios=[1, 2.6, 1.3] * 3)
        for index, (name, audio) in enumerate(shown.items()):
            colour = _COLOURS[name]
            waveform, spectrogram, pitch = axes[3 * index : 3 * index + 3]
            _draw_waveform(waveform, audio, sample_rate, peak, colour)
            waveform.set_title(_TITLES[name], loc="left", color=colour, fontweight="bold", fontsize=11, pad=12)
            _draw_spectrogram(spectrogram, audio, sample_rate)
            _draw_pitch(pitch, pitches, name)
        axes[0].set_xlim(0, seconds)
        for inner in axes[:-1]:
            inner.tick_params(bottom=False)
        axes[-1].set_xlabel("seconds")
        drawn, compressed = io.BytesIO(), io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100)
    with Image.open(drawn) as image:  # 256 colours look the same at a third of the size.
        image.convert("RGB").quantize(dither=Image.Dither.NONE).save(compressed, "PNG", optimize=True)
    with atomic_write(path) as file:
        file.write(compressed.getvalue())


_COLOURS = {"source": "#2c6fbb", "reference": "#c0571b", "result": "#2e8b57"}
_TITLES = {
    "source": "Source: the words",
    "reference": "Reference: the target voice",
    "result": "Result: the words of the source in the target voice",
}


def _draw_waveform(axes: Axes, audio: Block, sample_rate: int, peak: float, colour: str) -> None:
    step = max(1, round(sample_rate * 0.004))
    columns = np.pad(audio, (0, -len(audio) % step)).reshape(-1, step)
    times = (np.arange(len(columns)) + 0.5) * step / sample_rate
    axes.fill_between(times, columns.min(axis=1), columns.max(axis=1), color=colour, linewidth=0.3)
    axes.set_ylim(-peak, peak)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False)


def _draw_spectrogram(axes: Axes, audio: Block, sample_rate: int) -> None:
    highest = min(MAX_HERTZ, sample_rate / 2) / 1000
    axes.imshow(
        _spectrogram(audio, sample_rate),
        origin="lower",
        aspect="auto",
        extent=(0, len(audio) / sample_rate, 0, highest),
        cmap="magma",
        vmin=-RANGE_DB,
        vmax=0,
        interpolation="bilinear",
    )
    axes.set_ylabel("kHz")


def _draw_pitch(axes: Axes, pitches: dict[str, Array], name: str) -> None:
    def draw(which: str, width: float, opacity: float) -> None:
        times = (np.arange(len(pitches[which])) + 0.5) * PERIOD_SECONDS
        axes.plot(times, pitches[which], color=_COLOURS[which], linewidth=width, alpha=opacity, label=which)

    if name == "result":
        draw("source", 1.2, 0.45)
    draw(name, 2.0, 1.0)
    reference = pitches["reference"]
    if name != "source" and np.isfinite(reference).any():
        median = float(np.nanmedian(reference))
        label = f"reference's median, {median:.0f} Hz"
        axes.axhline(median, color=_COLOURS["reference"], linestyle="--", linewidth=1, label=label)
    if name == "result":
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8, borderaxespad=0)
    axes.set_yscale("log")
    axes.set_ylim(*PITCH_RANGE)
    axes.set_yticks([75, 150, 300], ["75", "150", "300"])
    axes.minorticks_off()
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_ylabel("pitch, Hz")
