"""One session on a server: a peer, an engine between what it sends and what it hears, and its data channel.

Belongs to the asyncio loop of a worker process. The engine has its own threads.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from aiortc import RTCDataChannel, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from rtvc.app.live import LatencyProfile, LiveSetup, open_live
from rtvc.devices.sides import Capture, Playback
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.live.engine import Engine
from rtvc.live.priority import Urgency
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.remote import protocol
from rtvc.remote.peer import BLOCK, RATE, Reception, SentTrack, new_peer
from rtvc.remote.protocol import Refusal, SessionRequest, Status
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Target, Voice, reference_features

CONNECT_SECONDS = 15.0
QUIET_SECONDS = 10.0
"""A session ends if no packet arrives for so long."""

STATUS_SECONDS = 0.25
LATE_SECONDS = 0.5
"""A clock that lags by more starts anew, without catching up."""


class PeerPort:
    """An `AudioPort` whose microphone and listener are a peer: `capture` and `playback` have blocks of a packet.

    The asyncio loop stands in for the device callbacks.
    """

    monitor: Playback | None = None
    warning = ""
    microphone_name = ""

    def __init__(self) -> None:
        self.capture, self.playback = Capture(RATE, BLOCK), Playback(RATE, BLOCK)
        self.ended = False

    def open(self) -> None:
        """Do nothing: the peer connects by itself."""

    def start(self) -> None:
        """Drop what was heard while the engine started."""
        self.capture.ring.skip(0)

    def close(self) -> None:
        """Do nothing: the session closes the peer."""

    def failure(self) -> str | None:
        """Return None: the session watches the peer."""
        return None


@dataclass(frozen=True)
class VoiceInMemory(Voice):
    """A voice that was sent along with a session; nothing of it is written to disk."""

    known: FeatureSet | None = None

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the features, whatever the pack: a session has one."""
        assert self.known is not None
        return self.known


class SessionVoices(VoiceLibrary):
    """The server's voices by name, never by path, and the one that came with the session."""

    def __init__(self, sent: VoiceInMemory | None = None) -> None:
        super().__init__(paths=False)
        self._sent = sent

    def open(self, name: str) -> Target:
        """Return the voice that was sent, or one of the server's; raise `Refusal` if there is none."""
        if self._sent is not None and name == self._sent.name:
            return self._sent
        try:
            return super().open(name)
        except RtvcError:
            raise Refusal("The server does not have this voice.") from None


class Session:
    """Answers an offer and converts until the peer leaves.

    Parameters
    ----------
    pack, request
        The models, and what the client asked for.
    addresses
        Where sockets may be bound, as in `new_peer`.
    """

    def __init__(self, pack: ModelPack, request: SessionRequest, addresses: list[str] | None = None) -> None:
        self._pack, self._request = pack, request
        self._peer = new_peer(addresses)
        self._port = PeerPort()
        self._reception = Reception(self._port.capture.push)
        self._engine: Engine | None = None
        self._voices = SessionVoices()
        self._channel: RTCDataChannel | None = None
        self._over = asyncio.Event()
        self._due = 0.0
        self._urgency: Urgency | None = None
        self._messages = 0.0, float(protocol.MOST_MESSAGES_PER_SECOND)

    async def answer(self) -> str:
        """Start the engine and return the SDP answer; raise `Refusal` if the request cannot be granted."""
        request, loop = self._request, asyncio.get_running_loop()
        if request.voice is not None:
            self._voices = SessionVoices(await loop.run_in_executor(None, self._analyse))
        if request.settings.voice:
            self._voices.open(request.settings.voice)
        self._peer.on("track", self._on_track)
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(request.sdp, "offer"))
            self._peer.addTrack(SentTrack(self._next_block))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except Exception:
            # aiortc raises whatever its parser stumbles over.
            raise Refusal("The offer is invalid.") from None
        profile = LatencyProfile.LOWEST  # The queue follows the jitter of the network.
        setup = LiveSetup(pack=str(self._pack.folder), profile=profile, step=self._pack.defaults.step)
        self._engine = await loop.run_in_executor(None, self._open, setup)
        self._engine.start()
        return str(self._peer.localDescription.sdp)

    async def run(self) -> None:
        """Send statuses until the peer has left, was silent for too long, or the engine has failed; then close."""
        began = time.monotonic()
        try:
            while not self._over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), STATUS_SECONDS)
                self._tell(self.status())
                now, state = time.monotonic(), self._peer.connectionState
                never = state != "connected" and self._reception.order.received == 0
                if now - (began if never else self._reception.heard) > (CONNECT_SECONDS if never else QUIET_SECONDS):
                    break
                if self.status().state in (State.FAILED, State.STOPPED):
                    break
        finally:
            await self.close()

    def status(self) -> Status:
        """Return how it is."""
        assert self._engine is not None
        order = self._reception.order
        return Status.of(self._engine.snapshot(), order.received, order.lost, self._reception.concealer.concealed)

    async def close(self) -> None:
        """Close the peer and stop the engine."""
        self._over.set()
        if self._urgency is not None:
            self._urgency.give_up()
        await self._peer.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.get_running_loop().run_in_executor(None, engine.stop)

    def leave(self) -> None:
        """Let `run` end."""
        self._over.set()

    def _open(self, setup: LiveSetup) -> Engine:
        return open_live(setup, self._request.settings, port=self._port, voices=self._voices)

    def _analyse(self) -> VoiceInMemory:
        sent = self._request.voice
        assert sent is not None
        try:
            features = reference_features(sent.audio, sent.rate, self._pack, sent.name)
        except RtvcError as error:
            raise Refusal(str(error)) from None
        return VoiceInMemory(sent.name, self._voices.folder, known=features)

    async def _next_block(self) -> Block:
        # An engine that starts keeps this loop waiting; a client would take that for jitter.
        while self._engine is None or self._engine.snapshot().state == State.STARTING:
            await asyncio.sleep(BLOCK / RATE)
        now = time.monotonic()
        self._due = self._due + BLOCK / RATE if now - self._due < LATE_SECONDS else now
        await asyncio.sleep(max(0.0, self._due - now))
        block = np.zeros(BLOCK, np.float32)
        self._port.playback.pull(block)
        if self._urgency is None:
            self._urgency = Urgency(0.0)  # The loop stands in for the device callbacks: a packet must not wait.
        self._urgency.stepped()
        return block

    def _on_track(self, track: MediaStreamTrack) -> None:
        for receiver in self._peer.getReceivers():
            if receiver.track is track:
                self._reception.listen_to(receiver)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is None and channel.label == protocol.CHANNEL:
            self._channel = channel
            channel.on("message", self._on_message)

    def _on_message(self, message: str | bytes) -> None:
        """Take new settings, and answer a ping with what came in it."""
        try:
            self._count_message()
            values = protocol.read_object(message, protocol.LARGEST_MESSAGE)
            if isinstance(ping := values.get("ping"), int | float):
                self._send({"pong": ping})
            if "settings" in values:
                settings = protocol.read_settings(values["settings"])
                if settings.voice:
                    self._voices.open(settings.voice)
                if self._engine is not None:
                    self._engine.settings = settings
        except Refusal as refusal:
            self._send({"refused": str(refusal)})

    def _count_message(self) -> None:
        then, left = self._messages
        now, most = time.monotonic(), protocol.MOST_MESSAGES_PER_SECOND
        left = min(float(most), left + (now - then) * most) - 1
        self._messages = now, left
        if left < 0:
            self.leave()
            raise Refusal(f"A session may send at most {most} messages per second.")

    def _on_state(self) -> None:
        if self._peer.connectionState == "connected":
            self._reception.heard = time.monotonic()
        elif self._peer.connectionState in ("failed", "closed"):
            self._over.set()

    def _tell(self, status: Status) -> None:
        self._send({"status": status.to_json()})

    def _send(self, values: dict[str, object]) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < protocol.LARGEST_MESSAGE:
            channel.send(json.dumps(values))
