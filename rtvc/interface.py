"""The functions that `import rtvc` offers. Each opens what is given by name, and makes one call to a lower layer.

Everything runs on the calling thread.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy.typing as npt

from rtvc.dsp.stage import Block
from rtvc.files import file_conversion
from rtvc.files.conversion import Conversion, Outcome
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Target, Voice

AnyPath = str | PathLike[str]


def open_pack(name: AnyPath = "mini", *, threads: int | None = None, provider: str | None = None) -> ModelPack:
    """Open a model pack by its name, or by its folder.

    `threads` of each graph and `provider` (`cpu`, `cuda` or `auto`) default to the pack's. Raises `RtvcError` if
    there is no such pack, or it is damaged.
    """
    return find_pack(os.fspath(name), Runtime(threads, provider))


def open_voice(name: AnyPath) -> Target:
    """Open a voice by its name, by the path of a recording, or as a blend such as `Willow:0.7,Alder:0.3`.

    Raises `RtvcError` if there is no such voice.
    """
    return VoiceLibrary().open(os.fspath(name))


def add_voice(
    name: str,
    recordings: AnyPath | Sequence[AnyPath],
    *,
    pack: AnyPath | ModelPack = "mini",
    replace: bool = False,
) -> Voice:
    """Store a voice made of one recording or several in the user's data folder; 5 s of clean speech are good.

    Raises `RtvcError` if the name is taken or not allowed, or the recordings hold less than 1 s of speech.
    """
    return VoiceLibrary().add(name, as_paths(recordings), as_pack(pack), replace=replace)


def convert_file(
    source: AnyPath,
    output: AnyPath,
    voice: AnyPath | Target = "Willow",
    *,
    pack: AnyPath | ModelPack = "mini",
    conversion: Conversion | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Convert a recording into a voice and write the result, as long as the source and aligned with it.

    The suffix of `output` sets its format: `.wav`, `.flac` or `.ogg`. `conversion` chooses the map, the mode and the
    sample rate. Raises `RtvcError` if a file cannot be read or written; an existing output stays as it was then.
    """
    return file_conversion.convert_file(
        Path(source), as_voice(voice), Path(output), as_pack(pack), conversion, overwrite=overwrite
    )


def convert_array(
    audio: npt.ArrayLike,
    rate: int,
    voice: AnyPath | Target = "Willow",
    *,
    pack: AnyPath | ModelPack = "mini",
    conversion: Conversion | None = None,
) -> Block:
    """Convert samples `[n]` or `[n, channels]` at `rate` Hz into a voice; return samples `[n]` of the same length.

    Samples are floating-point numbers in -1 to 1, or integers of 8, 16 or 32 bits. Another `conversion.sample_rate`
    changes rate and length. Each of `Outcome.warnings` is a `UserWarning`. Raises `RtvcError` if the array is not
    sound.
    """
    converted, outcome = file_conversion.convert_array(audio, rate, as_voice(voice), as_pack(pack), conversion)
    for sentence in outcome.warnings:
        warnings.warn(sentence, stacklevel=2)
    return converted


def as_pack(pack: AnyPath | ModelPack) -> ModelPack:
    """Return a pack that may be given by its name or its folder."""
    return open_pack(pack) if isinstance(pack, str | PathLike) else pack


def as_voice(voice: AnyPath | Target) -> Target:
    """Return a voice that may be given by its name or the path of a recording."""
    return open_voice(voice) if isinstance(voice, str | PathLike) else voice


def as_paths(paths: AnyPath | Sequence[AnyPath]) -> list[Path]:
    """Return paths, of which a single one may be given by itself."""
    return [Path(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]
