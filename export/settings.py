"""How a pack of published models streams, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from export.wavlm import EncoderSettings
from rtvc.errors import RtvcError

Vocoder = Literal["cached", "windowed"]
Precision = Literal["float32", "int8", "int8-blockwise"]


@dataclass(frozen=True)
class BuildSettings:
    """How a pack streams.

    Attributes
    ----------
    encoder
        The encoder's frames of future, of window and of past.
    vocoder, vocoder_frames
        The streaming form, and its delay budget (cached) or right context (windowed) in frames.
    fade
        Length in samples of the crossfade between steps of a windowed vocoder.
    precision, vocoder_precision
        Weights of large matrix products. The encoder's front end always has float32.
    offline
        Whether to add float32 graphs that take whole utterances.
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    vocoder: Vocoder = "cached"
    vocoder_frames: int = 2
    fade: int = 80
    precision: Precision = "int8-blockwise"
    vocoder_precision: Precision = "int8"
    offline: bool = False


CPU = BuildSettings()
GPU = BuildSettings(
    EncoderSettings(lookahead=2, window=75, past=0), "windowed", 2, precision="float32", vocoder_precision="float32"
)
PRESETS = {"cpu": CPU, "gpu": GPU}


def with_lookahead(settings: BuildSettings, lookahead: int) -> BuildSettings:
    """Return the settings with another lookahead, and the window that it needs."""
    old = settings.encoder
    window = lookahead + 1 if old.window == old.lookahead + 1 else max(old.window, lookahead + 1)
    return replace(settings, encoder=replace(old, lookahead=lookahead, window=window))


def as_precision(name: str) -> Precision:
    """Return the precision of this name; raise `RtvcError` that lists them."""
    for precision in get_args(Precision):
        if name == precision:
            return precision  # type: ignore[no-any-return]
    raise RtvcError(f"There is no precision {name!r}: choose one of {', '.join(get_args(Precision))}.")
