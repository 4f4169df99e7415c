"""What the panel shows, worked out from snapshots, settings and devices, apart from any widget."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtvc.devices.portaudio import OWN_PREFIX, PULSE, Device, DeviceIdentity, Direction
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.names import check_name
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment

FLOOR_DBFS = -60.0
CAUTION_DBFS = -12.0
CLIP_DBFS = -0.1
PEAK_HOLD_SECONDS = 1.5
PEAK_FALL_DB_PER_SECOND = 20.0
CLIP_SECONDS = 3.0
HEADROOM = 1.35
"""The top of the curve of step times, as a share of the deadline."""

AREA_SHADE = 0.18
TROUBLE_SECONDS = 10
TROUBLE_MARKS = 3

_WINDOW = 512
_HANN = np.hanning(_WINDOW).astype(np.float32)
_MME_NAME_LENGTH = 31
_PREFERENCE = (PULSE, "WASAPI", "Core Audio", "ASIO", "ALSA", "JACK", "DirectSound", "WDM-KS", "MME")


class Tone(StrEnum):
    """How something is to be taken; each has its colour."""

    QUIET = "quiet"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


@dataclass(frozen=True)
class Status:
    """The status light: its tone, a word or two, and a sentence."""

    tone: Tone
    words: str
    sentence: str

    @classmethod
    def off(cls) -> Status:
        """Return what is shown before anything was asked for."""
        return status(Snapshot(), Settings(), False, "")

    @classmethod
    def stopping(cls) -> Status:
        """Return what is shown until the devices are closed."""
        return cls(Tone.CAUTION, "Stopping", "Muted; the microphone is being closed.")


@dataclass(frozen=True)
class PackEntry:
    """A model pack as the panel lists it.

    Attributes
    ----------
    name, description, licence
        What its card says.
    origin
        Came with the program, made here, or yet to be fetched and built.
    megabytes, latency_milliseconds
        What it takes on disk (or to fetch), and the delay of its graphs; None where that is not known yet.
    problem
        Why it cannot be used, if so.
    """

    name: str
    origin: Literal["shipped", "installed", "available"]
    description: str = ""
    licence: str = ""
    megabytes: float = 0.0
    latency_milliseconds: float | None = None
    problem: str = ""

    @property
    def facts(self) -> str:
        """A line of what it is."""
        where = {"shipped": "came with rtvc", "installed": "installed", "available": "to download and build"}
        parts = [where[self.origin], f"{self.megabytes:,.0f} MB".replace(",", " ")]
        if self.latency_milliseconds is not None:
            parts.append(f"{self.latency_milliseconds:.0f} ms of algorithmic delay")
        return "  ·  ".join(parts)


class Troubles:
    """Notices when sound goes on being lost; a single gap is for the counters, and no alarm.

    Marks the seconds in which a counter of losses grew; `TROUBLE_MARKS` of the last `TROUBLE_SECONDS` are trouble.
    """

    def __init__(self) -> None:
        self._before = 0
        self._marks: set[int] = set()

    def update(self, snapshot: Snapshot, now: float) -> bool:
        """Return whether sound is being lost lately; `now` in seconds of any clock."""
        count = snapshot.underruns + snapshot.overruns + snapshot.dropped_frames
        if snapshot.state is not State.RUNNING:
            self._marks.clear()
        elif count > self._before:
            self._marks.add(int(now))
        self._before = count
        self._marks = {second for second in self._marks if now - second < TROUBLE_SECONDS}
        return len(self._marks) >= TROUBLE_MARKS


def status(snapshot: Snapshot, settings: Settings, losing: bool, output: str) -> Status:
    """Say what the engine does in words that a newcomer understands.

    Parameters
    ----------
    snapshot, settings
        The engine's state, and what is asked of it.
    losing
        Whether sound is being lost lately (`Troubles`).
    output
        What the listeners' side is called.
    """
    match snapshot.state:
        case State.STOPPED:
            return Status(Tone.QUIET, "Off", snapshot.message or "Nobody hears you through rtvc.")
        case State.STARTING:
            return Status(Tone.CAUTION, "Starting", snapshot.message or "Opening the microphone and the models.")
        case State.RECOVERING:
            return Status(Tone.CAUTION, "Reconnecting", snapshot.message or "Muted until the sound is back.")
        case State.FAILED:
            return Status(Tone.BAD, "Stopped", snapshot.message or "The engine has stopped: press the button again.")
    if settings.mute:
        return Status(Tone.CAUTION, "Muted", f"Silence goes to {output}.")
    if settings.push_to_talk and not settings.talking:
        return Status(Tone.CAUTION, "Waiting", "Hold the talk key to be heard.")
    if losing:
        return Status(
            Tone.BAD,
            "Losing sound",
            "The computer cannot keep up: choose a calmer latency profile or close programs.",
        )
    if settings.bypass:
        return Status(Tone.CAUTION, "Own voice", f"Unchanged sound goes to {output}.")
    if snapshot.message:
        return Status(Tone.CAUTION, "On", snapshot.message)
    return Status(Tone.GOOD, "On", f"You are heard on {output} as {voice_title(settings.voice)}.")


def voice_title(voice: str) -> str:
    """Return what to call the chosen voice in a sentence."""
    return voice or "yourself"


def level_fraction(level: float) -> float:
    """Return where a level in dBFS lies on a meter: 0 at -60 dBFS and below, 1 at full scale."""
    return min(1.0, max(0.0, 1 - level / FLOOR_DBFS))


def level_text(level: float) -> str:
    """Return a level in dBFS as text; silence has no figure."""
    return f"{level:.0f} dB" if level > FLOOR_DBFS else "silent"


def tone_verdict(level: float) -> tuple[bool, str]:
    """Say whether a test tone came through, by the level in dBFS at which it was heard."""
    if level > -40:
        return True, "The tone came through: the virtual microphone works."
    return False, "Nothing came through: start the sound server again, and try once more."


class PeakHold:
    """A peak that stays for a while and then falls, and a clip mark that stays longer."""

    def __init__(self) -> None:
        self.peak = FLOOR_DBFS
        self.clipped = False
        self._held_until = 0.0
        self._clipped_until = float("-inf")
        self._now = 0.0

    def update(self, peak: float, now: float) -> None:
        """Take the highest sample in dBFS at `now`, in seconds of any clock."""
        if peak >= self.peak:
            self.peak = peak
            self._held_until = now + PEAK_HOLD_SECONDS
        elif now > self._held_until:
            fall = PEAK_FALL_DB_PER_SECOND * (now - max(self._now, self._held_until))
            self.peak = max(peak, FLOOR_DBFS, self.peak - fall)
        if peak >= CLIP_DBFS:
            self._clipped_until = now + CLIP_SECONDS
        self.clipped = now < self._clipped_until
        self._now = now


@dataclass(frozen=True)
class DelayPart:
    """One part of the delay: its name, its length in milliseconds, and what it is."""

    name: str
    milliseconds: float
    explanation: str


def delay_parts(latency: Latency) -> tuple[DelayPart, ...]:
    """Return the delay's parts in the order in which sound meets them; their sum is the total."""
    return (
        DelayPart("Step", latency.step * 1000, "waiting for a whole step of sound"),
        DelayPart("Algorithm", latency.algorithmic * 1000, "lookahead, overlap and resampling"),
        DelayPart("Compute", latency.compute * 1000, "the models' time for a step"),
        DelayPart("Queue", latency.queue * 1000, "sound waiting between the threads"),
        DelayPart("Device", latency.device * 1000, "sound card and system, by their own account"),
    )


class FrameTimes:
    """The history of the time that steps took, as shares of what they may take."""

    def __init__(self, length: int = 240) -> None:
        self.shares: deque[float] = deque(maxlen=length)
        self._seen: tuple[float, ...] = ()

    def update(self, snapshot: Snapshot) -> bool:
        """Take the recent steps of a snapshot that are new; return whether there were any."""
        fresh = _fresh(self._seen, snapshot.recent_compute)
        self._seen = snapshot.recent_compute
        self.shares.extend(seconds / snapshot.deadline for seconds in fresh)
        return bool(fresh)


def step_curve(shares: Sequence[float], length: int, columns: int, rows: int) -> npt.NDArray[np.uint8]:
    """Return a picture of a history of step times: `[rows, columns]`, 0 … 255 for how much colour a point has.

    The newest step is at the right; `length` steps fill the width. The deadline lies at `rows * (1 - 1 / HEADROOM)`.
    A picture, because a curve with smooth edges that is drawn point by point takes ten times as long.
    """
    if not shares:
        return np.zeros((rows, columns), np.uint8)
    places = (columns - 1) * (1 - np.arange(len(shares) - 1, -1, -1) / (length - 1))
    tops = rows * (1 - np.minimum(np.asarray(shares) / HEADROOM, 1))
    top = np.interp(np.arange(columns), places, tops, left=2 * rows)
    before = np.concatenate([top[:1], top[:-1]])
    before = np.where(before > rows, top, before)
    row = np.arange(rows)[:, None]
    line = np.minimum(row + 1, np.maximum(top, before) + 0.7) - np.maximum(row, np.minimum(top, before) - 0.7)
    shade = np.maximum(np.clip(line, 0, 1), AREA_SHADE * np.clip(row + 1 - top, 0, 1))
    picture: npt.NDArray[np.uint8] = (255 * shade).astype(np.uint8)
    return picture


def _fresh(before: Sequence[float], now: Sequence[float]) -> Sequence[float]:
    """Return the end of `now` that has come since `before`, of a list that grows at its end and loses its start."""
    if not before:
        return now
    for new in range(len(now) + 1):
        kept = now[: len(now) - new]
        if len(kept) <= len(before) and tuple(kept) == tuple(before[len(before) - len(kept) :]):
            return now[len(now) - new :]
    return now


@dataclass(frozen=True)
class TransportWords:
    """What to call a transport, and what it is like."""

    name: str
    sentence: str


USUAL_TRANSPORT = Settings().map.transport

_TRANSPORTS = {
    "mkl": TransportWords("Clear and steady (MKL)", "The usual one, for every voice."),
    "knn": TransportWords(
        "Made of the recording's own sounds (kNN)", "Closer with long recordings, of a minute or more; less clear."
    ),
    "sinkhorn": TransportWords("Bent to fit (Sinkhorn)", "Follows how both voices are spread, sound by sound."),
    "flow": TransportWords(
        "Learnt (flow matching)",
        "A small network learns the way, for about half a minute, once for each voice and speaker.",
    ),
}


def transport_words(name: str) -> TransportWords:
    """Return the words for a transport."""
    return _TRANSPORTS.get(name, TransportWords(name, ""))


def known_voice(enrolment: Enrolment) -> str:
    """Say how well the user's voice is known."""
    return f"Your voice is known, from {enrolment.speech_seconds:.0f} s of speech."


def block_sizes(learned_dim: int) -> tuple[int, ...]:
    """Return the values of K that the slider offers: powers of two up to the dimensions, and these themselves."""
    sizes = []
    size = 1
    while size < learned_dim:
        sizes.append(size)
        size *= 2
    return (*sizes, learned_dim)


def nearest_block_size(sizes: Sequence[int], wanted: int) -> int:
    """Return the position of the size nearest to what is wanted, by ratio."""
    return min(range(len(sizes)), key=lambda index: max(sizes[index], wanted) / min(sizes[index], wanted), default=0)


@dataclass(frozen=True)
class DeviceChoice:
    """One line of a device list; `identity` None is the system's default."""

    identity: DeviceIdentity | None
    label: str


def device_choices(devices: Sequence[Device], direction: Direction) -> list[DeviceChoice]:
    """Return the real devices of a direction, each once, by the best host API that lists it.

    The program's own virtual microphone is left out, and so are monitors of outputs: neither is a microphone.
    """
    usable = [
        device
        for device in devices
        if device.channels(direction)
        and not device.name.startswith(OWN_PREFIX)
        and not (direction == "input" and device.name.endswith(".monitor"))
    ]
    usable.sort(key=lambda device: _PREFERENCE.index(device.host_api) if device.host_api in _PREFERENCE else 99)
    kept: list[Device] = []
    for device in usable:
        # MME cuts names.
        length = _MME_NAME_LENGTH if device.host_api == "MME" else None
        name = device.description[:length].casefold()
        if not any(
            better.host_api != device.host_api and better.description[:length].casefold() == name for better in kept
        ):
            kept.append(device)
    alike = Counter(device.description for device in kept)
    choices = [DeviceChoice(None, "System default")]
    for device in kept:
        words = device.description
        choices.append(DeviceChoice(device.identity, words if alike[words] == 1 else f"{words} [{device.name}]"))
    return choices


def fitting_name(wanted: str, taken: Collection[str]) -> str:
    """Return a voice's name made of any text, such as a file's, that is allowed and not taken."""
    name = re.sub(r"[^\w .-]+", " ", wanted).replace("_", " ")
    name = " ".join(name.split()).strip(" .-")[:48].strip(" .-") or "Voice"
    try:
        check_name(name)
    except RtvcError:  # such as `con`, which Windows keeps for itself
        name = f"Voice {name}"
    taken_anyhow = {one.casefold() for one in taken}
    result, number = name, 2
    while result.casefold() in taken_anyhow:
        result, number = f"{name} {number}", number + 1
    return result


@dataclass(frozen=True)
class Outline:
    """What a card shows of a recording: its length in seconds, and its envelope, each value 0 … 1."""

    seconds: float = 0.0
    envelope: tuple[float, ...] = ()


def envelope(audio: Block, bars: int = 64) -> tuple[float, ...]:
    """Return the outline of a recording `[samples]`: the highest sample of each of `bars` parts, at most 1."""
    peaks = np.array([np.max(np.abs(part), initial=0.0) for part in np.array_split(audio, bars)])
    highest = peaks.max(initial=0.0)
    return tuple((peaks / highest).tolist()) if highest > 0 else (0.0,) * bars


def spectrogram(audio: Block, columns: int) -> npt.NDArray[np.uint8]:
    """Return a picture of a sound `[samples]` for as many columns: `[rows, columns]`, the lowest frequency last.

    A column is the magnitude of a Fourier transform over 512 samples with a Hann window; 0 is -90 dB of a full-scale
    sine and below, 255 is -10 dB and above. The frequencies reach to half the sample rate.
    """
    padded = np.concatenate([np.zeros(_WINDOW - 1, np.float32), audio])
    ends = np.linspace(min(_WINDOW, len(audio)) - 1, len(audio) - 1, columns).astype(np.intp)
    parts = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[ends]
    magnitude = np.abs(np.fft.rfft(parts * _HANN, axis=1))[:, : _WINDOW // 2]
    decibels = 20 * np.log10(magnitude * (2 / _HANN.sum()) + 1e-6)
    shades: npt.NDArray[np.uint8] = np.clip((decibels + 90) * (255 / 80), 0, 255).astype(np.uint8)
    return shades.T[::-1]


def duration_text(seconds: float) -> str:
    """Return a duration as people say it: `4.2 s`, `17 s`, or `1:05`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"
