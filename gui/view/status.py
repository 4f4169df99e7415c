"""The status light: engine state in words that a newcomer understands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gui.language import tr
from gui.phrases import translated
from gui.view.voices import voice_words
from rtvc.live.snapshot import Snapshot, State
from rtvc.settings import Settings

LOSS_WINDOW_SECONDS = 10
LOSS_SECONDS = 3


class Tone(StrEnum):
    """How serious something is; each tone has its colour."""

    QUIET = "quiet"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


@dataclass(frozen=True)
class Status:
    """The status light: its tone, a word or two, a sentence, and whether the Safe latency profile would help."""

    tone: Tone
    words: str
    sentence: str
    safe_helps: bool = False

    @classmethod
    def off(cls) -> Status:
        """Return the status before the first start."""
        return status(Snapshot(), Settings(), False, "")

    @classmethod
    def stopping(cls) -> Status:
        """Return the status while the devices are being closed."""
        return cls(Tone.CAUTION, tr("Stopping"), tr("Muted; the microphone is being closed."))


LIVE = (State.RUNNING, State.SILENCED)
"""States in which the devices are open and sound or silence goes out."""


class LossDetector:
    """Detects lasting loss of sound; a single gap only shows in the counters.

    Sound is being lost when a loss counter grew in `LOSS_SECONDS` of the last `LOSS_WINDOW_SECONDS` seconds.
    """

    def __init__(self) -> None:
        self._before = 0
        self._seconds: set[int] = set()

    def update(self, snapshot: Snapshot, now: float) -> bool:
        """Return whether sound has been lost repeatedly; `now` in seconds of any clock."""
        count = snapshot.underruns + snapshot.overruns + snapshot.dropped_frames
        if snapshot.state not in LIVE:
            self._seconds.clear()
        elif count > self._before:
            self._seconds.add(int(now))
        self._before = count
        self._seconds = {second for second in self._seconds if now - second < LOSS_WINDOW_SECONDS}
        return len(self._seconds) >= LOSS_SECONDS


def status(
    snapshot: Snapshot, settings: Settings, losing: bool, output: str, safe: bool = False, server: str = ""
) -> Status:
    """Describe what the engine does.

    Parameters
    ----------
    snapshot, settings
        The engine's state, and the settings it was given.
    losing
        Whether sound has been lost repeatedly (`LossDetector`).
    output
        Name of the device that listeners hear.
    safe
        Whether the latency profile is Safe already.
    server
        Address of the server that changes the voice; empty if this computer does.
    """
    message = translated(snapshot.message)
    match snapshot.state:
        case State.STOPPED:
            return Status(Tone.QUIET, tr("Off"), message or tr("The voice changer is off."))
        case State.STARTING:
            return Status(
                Tone.CAUTION, tr("Starting"), message or tr("Opening the microphone and loading the models.")
            )
        case State.RECOVERING:
            return Status(
                Tone.CAUTION,
                tr("Reconnecting"),
                message or tr("A sound device was lost. Listeners hear silence until it is back."),
            )
        case State.FAILED:
            return Status(Tone.BAD, tr("Stopped"), message or tr("The engine has stopped. Switch it on again."))
        case State.SILENCED:
            return Status(
                Tone.BAD,
                tr("Silent"),
                message or tr("rtvc cannot convert to this voice, so listeners hear silence. Choose another voice."),
            )
    if settings.mute:
        return Status(Tone.CAUTION, tr("Muted"), tr("{output} receives silence.", output=output))
    if settings.push_to_talk and not settings.talking:
        return Status(Tone.CAUTION, tr("Waiting"), tr("Hold the talk key to be heard."))
    if losing:
        advice = tr("The computer cannot keep up. Close other programs.")
        if not safe:
            advice = tr("The computer cannot keep up. Use the Safe latency profile, or close other programs.")
        return Status(Tone.BAD, tr("Losing sound"), advice, safe_helps=not safe)
    if settings.bypass:
        return Status(Tone.CAUTION, tr("Own voice"), tr("Your unchanged voice goes to {output}.", output=output))
    if settings.map.strength == 0:
        own = tr("Your own voice goes to {output}, because the strength is 0.", output=output)
        return Status(Tone.CAUTION, tr("Own voice"), own)
    if message:
        return Status(Tone.CAUTION, tr("On"), message)
    voice = voice_words(settings.voice)
    heard = tr("You are heard on {output} as {voice}.", output=output, voice=voice)
    if server:
        heard = tr("You are heard on {output} as {voice}, via {server}.", output=output, voice=voice, server=server)
    return Status(Tone.GOOD, tr("On"), heard)
