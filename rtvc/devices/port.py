"""The sound devices as the engine sees them.

The worker opens and closes a port; any thread may read its attributes.
"""

from __future__ import annotations

from typing import Protocol

from rtvc.devices.sides import Capture, Playback


class AudioPort(Protocol):
    """A microphone, a listener, and optionally a second listener that monitors the first.

    One thread opens, starts and closes a port; `failure` and `ended` may be read by any. The sides may be new objects
    after each `open`.
    """

    @property
    def capture(self) -> Capture:
        """The microphone's side."""

    @property
    def playback(self) -> Playback:
        """The listener's side."""

    @property
    def monitor(self) -> Playback | None:
        """The second listener's side, or None."""

    @property
    def warning(self) -> str:
        """What the user should know about the devices that were opened; empty if nothing."""

    @property
    def microphone_name(self) -> str:
        """The microphone that `open` found, as enrolments know it; empty if the sound comes from elsewhere."""

    def open(self) -> None:
        """Open the devices; raise `RtvcError` if that is refused."""

    def start(self) -> None:
        """Let sound flow: drop what the microphone heard since `open`, or begin the recording."""

    def close(self) -> None:
        """Stop the sound. Does nothing if it has stopped."""

    def failure(self) -> str | None:
        """Return one sentence about what has failed since `open`, or None while all is well.

        Once closed, only a failure that spoils what the port leaves behind counts, such as a file.
        """

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to play. Only files end."""
