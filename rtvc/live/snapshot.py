"""What the live engine says of itself: one frozen object, taken whenever someone looks.

`Engine.snapshot()` makes it on the caller's thread from counters that the worker and the callbacks only add to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What the engine is doing, in the words that the user is shown.

    `SILENCED` is running without a map to any voice: silence goes out, never the speaker's own voice.
    """

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    SILENCED = "silenced"
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True)
class Latency:
    """The delay from microphone to output, in seconds, by its parts: it is their sum, and nothing is left out.

    Attributes
    ----------
    step
        Waiting for a whole step of sound to be there.
    algorithmic
        Lookahead, overlap and resampling: the sum of the chain's stages.
    compute
        The worker's time for a step (median).
    queue
        Sound waiting in the rings.
    device
        What the sound card and the system's audio server add, by their own account.
    """

    step: float = 0.0
    algorithmic: float = 0.0
    compute: float = 0.0
    queue: float = 0.0
    device: float = 0.0

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return self.step + self.algorithmic + self.compute + self.queue + self.device


@dataclass(frozen=True)
class Snapshot:
    """The state of the engine at one moment. Levels in dBFS, times in seconds, counts since the start.

    Attributes
    ----------
    state, message
        What it is doing, and one sentence for the user where there is something to say.
    input_level, output_level, input_peak, output_peak
        Root mean square of the last step, and the highest sample of the last second.
    latency
        The delay and its parts.
    compute_p50, compute_p99, deadline
        Time that a step took lately, and the time that it may take.
    recent_compute
        The last steps' times, oldest first, for a curve.
    underruns, overruns, dropped_frames, device_flags
        Output that had nothing to play; input that found no room; frames of sound dropped to get back to live (what
        is left out of a silence is none); overflows and underflows that PortAudio reports.
    drift_ppm
        By how much the output's clock runs fast against the input's, as it is being corrected.
    cpu_share
        The process's share of one core.
    speech_seconds
        Speech heard so far from which the speaker's statistics were learnt; None once they are frozen or enrolled.
    fit_progress
        Share of a map that takes long to fit, 0 … 1; None while there is none. The one before is heard until then.
    gate_open
        Whether the gate passes the microphone's sound.
    recording
        Whether a recording is being made.
    """

    state: State = State.STOPPED
    message: str = ""
    input_level: float = -120.0
    output_level: float = -120.0
    input_peak: float = -120.0
    output_peak: float = -120.0
    latency: Latency = Latency()
    compute_p50: float = 0.0
    compute_p99: float = 0.0
    deadline: float = 0.02
    recent_compute: tuple[float, ...] = ()
    underruns: int = 0
    overruns: int = 0
    dropped_frames: int = 0
    device_flags: int = 0
    drift_ppm: float = 0.0
    cpu_share: float = 0.0
    speech_seconds: float | None = None
    fit_progress: float | None = None
    gate_open: bool = True
    recording: bool = False
