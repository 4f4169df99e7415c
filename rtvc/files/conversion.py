"""What to convert and how: the values that the modes of conversion share. Immutable; they may cross threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from rtvc.audio_file import HIGHEST_RATE, LOWEST_RATE
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.enhancement import Enhancer
from rtvc.names import member_of
from rtvc.packs.pack import ModelPack
from rtvc.settings import VoiceSettings
from rtvc.transport import FITTED_ON_FRAMES
from rtvc.voices.voice import Target

EFFECTS_RATE = 48_000
"""Least sample rate in Hz of a result with effects, unless another is asked for: a lower one would cut them."""

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1. An exception that it raises ends the conversion."""


class Mode(StrEnum):
    """How a recording is converted.

    Attributes
    ----------
    TWO_PASS
        Learn level and statistics of the speaker from the whole recording, then stream it through the live chain.
    LIVE
        Learn the speaker as the sound goes by, from the population statistics on, as the live engine does.
    WHOLE_FILE
        Run the pack's offline graphs over the whole recording at once, as MKL-VC and kNN-VC were published.
    """

    TWO_PASS = "two-pass"
    LIVE = "live"
    WHOLE_FILE = "whole-file"


@dataclass(frozen=True)
class Conversion(VoiceSettings):
    """How to convert a recording.

    Attributes
    ----------
    mode
        How the speaker is learnt, and which graphs run.
    step
        Frames a step; None for 1 s in two passes, and for the pack's live step in the mode live.
    sample_rate
        Sample rate of the output in Hz; None for the source's, and with effects for 48 kHz at least.
    enhancer
        What enhances the result.
    """

    mode: Mode = Mode.TWO_PASS
    step: int | None = None
    sample_rate: int | None = None
    enhancer: Enhancer = Enhancer.NONE

    def __post_init__(self) -> None:
        """Take mode and enhancer by their values, too; raise `RtvcError` if there is none of these values."""
        super().__post_init__()
        object.__setattr__(self, "mode", member_of(Mode, self.mode, "mode"))
        object.__setattr__(self, "enhancer", member_of(Enhancer, self.enhancer, "enhancer"))

    def output_rate(self, source_rate: int) -> int:
        """Return the sample rate in Hz of the result of a recording at `source_rate`."""
        return self.sample_rate or (max(source_rate, EFFECTS_RATE) if self.effects.effects else source_rate)

    def check(self, pack: ModelPack | None = None) -> None:
        """Raise `RtvcError` if a value is out of range, or the values do not go together or with the pack."""
        if pack is not None:
            self.pitch.check(pack.roles, pack.name)
        self.map.check()
        self.check_libraries()
        self.enhancer.check()
        if self.step is not None and self.step < 1:
            raise RtvcError(f"A step has at least 1 frame, not {self.step}.")
        if self.sample_rate is not None and not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            raise RtvcError(
                f"The sample rate of the output must be from {LOWEST_RATE} to {HIGHEST_RATE} Hz, not "
                f"{self.sample_rate}."
            )
        if self.mode is Mode.WHOLE_FILE and self.step is not None:
            raise RtvcError("The step has no effect in the mode whole-file: leave it out, or choose another mode.")
        if self.mode is Mode.WHOLE_FILE and self.map.trained:
            raise RtvcError(
                "Trained maps work only with the streaming graphs: choose another mode than whole-file, or another "
                "transport."
            )
        if self.mode is Mode.LIVE and self.map.transport in FITTED_ON_FRAMES:
            raise RtvcError(
                f"The transport {self.map.transport} must hear the whole recording first, so it does not work in the "
                "mode live: choose the mode two-pass, or the transport mkl or knn."
            )


class Recording(Protocol):
    """Sound of one channel that can be read more than once: an `AudioFile`, or an array.

    Attributes
    ----------
    name
        What to call it in a message.
    rate
        Sample rate in Hz.
    frames
        Length in samples.
    clipped
        Samples at or beyond full scale since `blocks` last started.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def rate(self) -> int: ...  # noqa: D102

    @property
    def frames(self) -> int: ...  # noqa: D102

    @property
    def clipped(self) -> int: ...  # noqa: D102

    def blocks(self, frames: int) -> Iterator[Block]:
        """Yield the sound from its start in blocks `[frames]`; only the last may be shorter."""
        ...

    def read(self, rate: int) -> Block:
        """Return all of it at a sample rate in Hz: `[samples]`."""
        ...


@dataclass(frozen=True)
class Job:
    """One recording to convert.

    Attributes
    ----------
    recording, voice, pack, conversion
        The source, the target, the models, and how to convert.
    write
        Called with the converted sound, block after block `[n]`: in all as long as the source.
    progress, fitting
        Told the share of the conversion and of a long fit that is done.
    """

    recording: Recording
    voice: Target
    pack: ModelPack
    conversion: Conversion
    write: Callable[[Block], None]
    progress: Progress
    fitting: Progress

    @property
    def output_rate(self) -> int:
        """Sample rate of the converted sound in Hz."""
        return self.conversion.output_rate(self.recording.rate)

    @property
    def output_frames(self) -> int:
        """Length of the converted sound in samples; at least 1."""
        return max(1, round(self.recording.frames * self.output_rate / self.recording.rate))


@dataclass(frozen=True)
class Outcome:
    """What a conversion was like.

    Attributes
    ----------
    duration, elapsed
        Length of the recording, and time that its conversion took, in seconds.
    latency
        Algorithmic latency of the chain in seconds, without the step; 0 for the mode whole-file.
    warnings
        What the user should know about recording and voice, one sentence each.
    """

    duration: float
    elapsed: float
    latency: Fraction
    warnings: list[str]

    @property
    def real_time_factor(self) -> float:
        """Seconds taken for each second of sound."""
        return self.elapsed / self.duration
