"""The state of the live engine: one frozen object, made on request.

`Engine.snapshot()` makes it on the caller's thread, from counters that the worker and the callbacks increment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The state of the engine, in the words that the user is shown.

    `SILENCED` means that it runs without a map: silence goes out, never the speaker's own voice.
    """

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    SILENCED = "silenced"
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True)
class Latency:
    """The delay from microphone to output, as the sum of all its parts.

    Attributes
    ----------
    step_seconds
        Waiting for a whole step of audio.
    algorithmic_seconds
        Lookahead, overlap and resampling: the sum of the chain's stages.
    compute_seconds
        The worker's time for a step (median).
    queue_seconds
        Audio waiting in the output queue.
    device_seconds
        Delay of the sound card and the system's audio server, as they report it.
    """

    step_seconds: float = 0.0
    algorithmic_seconds: float = 0.0
    compute_seconds: float = 0.0
    queue_seconds: float = 0.0
    device_seconds: float = 0.0

    @property
    def total_seconds(self) -> float:
        """The sum of the parts."""
        return float(sum(vars(self).values()))

    @property
    def milliseconds(self) -> dict[str, float]:
        """The parts by name ("step" … "device"), then "total", in milliseconds."""
        parts = {name.removesuffix("_seconds"): 1000 * seconds for name, seconds in vars(self).items()}
        return parts | {"total": 1000 * self.total_seconds}


@dataclass(frozen=True)
class Snapshot:
    """The state of the engine at one moment. Counts are since the start.

    Attributes
    ----------
    state, message
        What the engine is doing, and a sentence for the user, empty if there is nothing to say.
    input_level_dbfs, output_level_dbfs, input_peak_dbfs, output_peak_dbfs
        Root mean square of the last step, and the peak of the last second.
    latency
        The delay and its parts.
    compute_p50_seconds, compute_p99_seconds, deadline_seconds
        Compute time of recent steps (median and 99th percentile), and the duration of a step.
    recent_compute_seconds
        Compute time of each of the last 256 steps, oldest first.
    underruns, overruns, dropped_frames, device_flags
        Output blocks with nothing to play; times the input found the ring full; feature frames dropped to get back
        to live (trimmed silence is not counted); overflows and underflows that PortAudio reports.
    drift_ppm
        Correction for the drift of the output's clock against the input's.
    cpu_share
        The process's CPU share of one core.
    speech_seconds
        Seconds of speech from which the speaker's statistics were learnt; None with an enrolment.
    fit_progress
        Progress of a long fit, 0 … 1, during which the previous map is used; None otherwise.
    recording
        Whether a recording is being made.
    priority
        Whether the system lets the worker run before ordinary programs, in words; empty before it runs.
    """

    state: State = State.STOPPED
    message: str = ""
    input_level_dbfs: float = -120.0
    output_level_dbfs: float = -120.0
    input_peak_dbfs: float = -120.0
    output_peak_dbfs: float = -120.0
    latency: Latency = Latency()
    compute_p50_seconds: float = 0.0
    compute_p99_seconds: float = 0.0
    deadline_seconds: float = 0.02
    recent_compute_seconds: tuple[float, ...] = ()
    underruns: int = 0
    overruns: int = 0
    dropped_frames: int = 0
    device_flags: int = 0
    drift_ppm: float = 0.0
    cpu_share: float = 0.0
    speech_seconds: float | None = None
    fit_progress: float | None = None
    recording: bool = False
    priority: str = ""
