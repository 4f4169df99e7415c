"""What clients and servers say to each other, as JSON: checked here, whoever sent it.

A client posts a `SessionRequest` and gets an SDP answer. After that, settings and statuses go through a data channel.
What a server says in words is written here or speaks of what the client sent: no path, name or traceback of the
server's machine leaves it. Nothing here keeps state, so any thread may call it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, fields, replace
from io import BytesIO
from typing import Any

import numpy as np
import soundfile

from rtvc.app.preferences import settings_from_json, settings_to_json
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Snapshot, State
from rtvc.names import check_name
from rtvc.settings import Settings

LARGEST_REQUEST = 6_000_000
"""Bytes of a request."""

LARGEST_SDP = 20_000
LARGEST_MESSAGE = 16_384
MOST_MESSAGES_PER_SECOND = 50
LONGEST_NAME = 1000
LARGEST_NUMBER = 2**53
LONGEST_VOICE_SECONDS = 60
HIGHEST_VOICE_RATE = 48_000
SENT_VOICE_RATE = 24_000
"""Packs use less; a minute then has at most 4 MB in base64, whatever it holds."""

CHANNEL = "rtvc"
"""Label of the data channel."""

FULL = "All sessions of this server are in use. Try again later."
FAULT = "The server could not start the session; its log says why."
SENTENCES = {
    State.STARTING: "The server is starting the voice changer.",
    State.RECOVERING: "The server is starting the voice changer.",
    State.SILENCED: "The server cannot convert to this voice. Listeners hear silence.",
    State.FAILED: "The voice changer on the server failed.",
    State.STOPPED: "The server has ended the session.",
}


class Refusal(RtvcError):  # noqa: N818 - an answer
    """A sentence that a client may read."""


@dataclass(frozen=True)
class SentVoice:
    """A reference recording that came with a session: a name and samples `[n]` at `rate` Hz."""

    name: str
    audio: Block
    rate: int


@dataclass(frozen=True)
class SessionRequest:
    """What a client asks for: its SDP offer, its settings, and a voice of its own if it brings one."""

    sdp: str
    settings: Settings
    voice: SentVoice | None = None


@dataclass(frozen=True)
class Status:
    """How a session is, four times a second. Seconds, dBFS and counts as in `Snapshot`.

    Attributes
    ----------
    received, lost, concealed
        Packets from the client that arrived, that did not, and blocks that were filled in for these.
    """

    state: State = State.STARTING
    message: str = ""
    input_level_dbfs: float = -120.0
    output_level_dbfs: float = -120.0
    step_seconds: float = 0.0
    algorithmic_seconds: float = 0.0
    compute_seconds: float = 0.0
    queue_seconds: float = 0.0
    compute_p99_seconds: float = 0.0
    deadline_seconds: float = 0.0
    underruns: int = 0
    dropped_frames: int = 0
    received: int = 0
    lost: int = 0
    concealed: int = 0
    speech_seconds: float | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, received: int, lost: int, concealed: int) -> Status:
        """Return the status of a session's engine. The engine's own message may name paths and stays here."""
        latency = snapshot.latency
        return cls(
            snapshot.state,
            SENTENCES.get(snapshot.state, ""),
            snapshot.input_level_dbfs,
            snapshot.output_level_dbfs,
            latency.step_seconds,
            latency.algorithmic_seconds,
            latency.compute_seconds,
            latency.queue_seconds,
            snapshot.compute_p99_seconds,
            snapshot.deadline_seconds,
            snapshot.underruns,
            snapshot.dropped_frames,
            received,
            lost,
            concealed,
            snapshot.speech_seconds,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> Status:
        """Read what a server sent; raise `Refusal` if it is no status."""
        if not isinstance(values, dict):
            raise Refusal("The server sent an invalid status.")
        known: dict[str, Any] = {}
        for entry in fields(cls):
            value = values.get(entry.name, entry.default)
            kind = type(entry.default)
            if entry.name == "state":
                value = State(value) if value in list(State) else State.FAILED
            elif entry.name == "message":
                value = "".join(filter(str.isprintable, str(value)[:500]))
            elif value is not None or entry.default is not None:
                if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST_NUMBER:
                    raise Refusal("The server sent an invalid status.")
                value = int(value) if kind is int else float(value)
            known[entry.name] = value
        return cls(**known)


def read_object(content: str | bytes, largest: int) -> dict[str, Any]:
    """Return a JSON object of at most `largest` bytes; raise `Refusal` if it is none."""
    if len(content) > largest:
        raise Refusal(f"A message may have at most {largest} bytes.")
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        raise Refusal("The message is not JSON.") from None
    if not isinstance(values, dict):
        raise Refusal("The message is not a JSON object.")
    return values


def read_request(content: bytes) -> SessionRequest:
    """Return the request of a client; raise `Refusal` if it cannot be granted."""
    values = read_object(content, LARGEST_REQUEST)
    sent = values.get("voice")
    voice = None if sent is None else _read_voice(sent)
    return SessionRequest(read_offer(values.get("sdp")), read_settings(values.get("settings")), voice)


def read_offer(sdp: object) -> str:
    """Return an SDP offer of one audio track and at most one data channel; raise `Refusal` for any other.

    Candidates with mDNS names are left out: resolving them would open a multicast port on this machine.
    """
    if not isinstance(sdp, str) or len(sdp) > LARGEST_SDP:
        raise Refusal("The offer is missing or too long.")
    lines = [line for line in sdp.splitlines() if not (line.startswith("a=candidate:") and ".local " in line)]
    media = [line.split(" ", 1)[0] for line in lines if line.startswith("m=")]
    if media.count("m=audio") != 1 or set(media) - {"m=audio", "m=application"} or len(media) > 2:
        raise Refusal("The offer must contain one audio track, and at most one data channel.")
    return "\r\n".join(lines) + "\r\n"


def read_settings(values: object) -> Settings:
    """Return the settings of a session; raise `Refusal` if they are not possible on a server."""
    try:
        settings = settings_from_json(values)
        settings.map.check()
    except RtvcError as error:
        raise Refusal(str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Refusal("The settings cannot be read.") from None
    if settings.map.transport != "mkl":
        raise Refusal("Servers support only the transport mkl; the others need too much computing time.")
    if settings.effects.plugins:
        raise Refusal("Servers run no plug-ins for clients.")
    try:
        settings.check_libraries()
    except RtvcError:
        raise Refusal("The server lacks a library or a file that effects or noise suppression need.") from None
    if len(settings.voice) > LONGEST_NAME or not settings.voice.isprintable():
        raise Refusal("The name of the voice is too long or cannot be printed.")
    if not settings.voice and settings.map.strength != 0:
        raise Refusal("No voice is chosen.")
    return replace(settings, push_to_talk=False, talking=False, monitor=False)


def write_settings(settings: Settings) -> dict[str, Any]:
    """Return settings as a JSON object for `read_settings`."""
    return settings_to_json(settings)


def write_voice(name: str, audio: Block, rate: int) -> dict[str, str]:
    """Return a recording `[n]` as a JSON object for a request: FLAC in base64."""
    file = BytesIO()
    audio = audio[: LONGEST_VOICE_SECONDS * rate]
    if rate > SENT_VOICE_RATE:
        audio, rate = resample(audio, rate, SENT_VOICE_RATE), SENT_VOICE_RATE
    soundfile.write(file, audio, rate, format="FLAC", subtype="PCM_16")
    return {"name": name, "recording": base64.b64encode(file.getvalue()).decode()}


def _read_voice(sent: object) -> SentVoice:
    if not isinstance(sent, dict) or not isinstance(sent.get("name"), str):
        raise Refusal("The voice cannot be read.")
    try:
        name = check_name(sent["name"])
        content = base64.b64decode(sent["recording"], validate=True)
        if content[:4] not in (b"fLaC", b"RIFF"):
            raise ValueError
        with soundfile.SoundFile(BytesIO(content)) as file:
            if file.samplerate > HIGHEST_VOICE_RATE or file.channels > 2:
                raise Refusal("The recording of a voice has at most 48 kHz and two channels.")
            audio = file.read(LONGEST_VOICE_SECONDS * file.samplerate, dtype="float32", always_2d=True).mean(axis=1)
            rate = int(file.samplerate)
    except Refusal:
        raise
    except RtvcError as error:
        raise Refusal(str(error)) from None
    except (KeyError, TypeError, ValueError, binascii.Error, soundfile.SoundFileError):
        raise Refusal("The recording of the voice cannot be read: send FLAC or WAV.") from None
    if not np.isfinite(audio).all():
        raise Refusal("The recording of the voice contains non-finite samples.")
    return SentVoice(name, audio.astype(np.float32), rate)
