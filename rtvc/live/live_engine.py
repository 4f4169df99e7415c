"""What front ends need of a live engine, wherever its models run.

`rtvc.live.worker_engine` says which thread runs what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from rtvc.devices.port import AudioPort
from rtvc.dsp.stage import Block
from rtvc.live.snapshot import Snapshot
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment


class LiveEngine(Protocol):
    """An `Engine`, or one whose models run on a server. Methods are those of `Engine`."""

    settings: Settings
    port: AudioPort
    enrolment: Enrolment | None

    def start(self) -> None:
        """Start, and return at once."""

    def stop(self) -> None:
        """Stop, and finish any recording."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has stopped; return whether it has."""

    def start_recording(self, microphone: Path, output: Path, *, overwrite: bool = False) -> None:
        """Record the microphone and the output."""

    def stop_recording(self) -> None:
        """Finish the recording, if there is one."""

    def play_clip(self, path: Path, gain_db: float = 0.0) -> None:
        """Mix a recording into the output and the monitor."""

    def stop_clips(self) -> None:
        """Fade all clips out."""

    def read_voices_again(self) -> None:
        """Take up the chosen voice as it is now, because recordings of voices were changed; returns at once."""

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds of the microphone and of the output."""

    def snapshot(self) -> Snapshot:
        """Return the current state, meters and counters."""
