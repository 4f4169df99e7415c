"""The client's connection to a server. Belongs to the client's asyncio loop, on a thread of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.remote import protocol
from rtvc.remote.access import LOOPBACK, Access, is_loopback
from rtvc.remote.peer import Reception, new_peer
from rtvc.remote.protocol import Refusal, Status
from rtvc.settings import Settings

REQUEST_SECONDS = 25.0
CONNECT_SECONDS = 10.0
LARGEST_ANSWER = 1_000_000
PINGS = 9
PASSING = (408, 429, 500, 502, 503, 504)
"""HTTP statuses of what may be over at the next attempt."""

ABOUT_REQUEST = (400, 413)
"""HTTP statuses of a server that would grant another request."""


@dataclass(frozen=True)
class Address:
    """Where a server is, and what it asks of clients."""

    url: str
    access: Access = field(default_factory=Access)

    def check(self) -> Address:
        """Raise `RtvcError` if the URL is none, or would send the token in clear over a network."""
        try:
            parts = urlsplit(self.url)
        except ValueError:  # a bracket that does not close
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RtvcError(f"{self.url!r} is not a server's address: write it as https://HOST:8788.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise RtvcError(f"{self.url} is not encrypted: a server on another computer needs https.")
        return self


class Unreachable(RtvcError):  # noqa: N818 - a state of the server
    """The server does not answer, or has no session to give: it may later."""


class Link:
    """One session at a server.

    Parameters
    ----------
    address
        The server.
    track
        What to send.
    on_block
        Called with each block `[BLOCK]` that was received.

    Attributes
    ----------
    status
        The latest that the server told.
    refused
        Why the server did not take the latest settings; empty if it did.
    accepted
        The latest settings that the server is known to have taken.
    reception
        With the counts of received packets.
    round_trip_seconds
        Time of a message to the server and back: the median of the last ones.
    peer
        The aiortc connection.
    """

    def __init__(self, address: Address, track: MediaStreamTrack, on_block: Callable[[Block], object]) -> None:
        self.status, self.refused, self.round_trip_seconds = Status(), "", 0.0
        self.accepted = self._told = Settings()
        self._told_at = 0.0
        self.reception = Reception(on_block)
        self._address, self._track = address, track
        self._channel: RTCDataChannel | None = None
        self._pings: deque[float] = deque(maxlen=PINGS)
        host = urlsplit(address.url).hostname or ""
        self.peer: RTCPeerConnection = new_peer(LOOPBACK if is_loopback(host) else None)
        self._connected = asyncio.Event()
        self.peer.on("connectionstatechange", self._on_state)

    async def open(self, settings: Settings, voice: Mapping[str, str] | None = None) -> None:
        """Begin the session, with a voice of the client's own as `protocol.write_voice` makes it.

        Raises `Unreachable` if the server does not answer, is full or fails, `Refusal` if it refuses the settings or
        the voice, and `RtvcError` if it is not to be trusted or does not trust this client.
        """
        transceiver = self.peer.addTransceiver(self._track)
        self.reception.listen_to(transceiver.receiver)
        self._channel = self.peer.createDataChannel(protocol.CHANNEL)
        self._channel.on("message", self._on_message)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        request: dict[str, Any] = {
            "sdp": self.peer.localDescription.sdp,
            "settings": protocol.write_settings(settings),
        }
        if voice is not None:
            request["voice"] = dict(voice)
        answer = await self._ask("POST", "/session", request)
        self.accepted = self._told = settings
        try:
            await self.peer.setRemoteDescription(RTCSessionDescription(str(answer.get("sdp")), "answer"))
        except Exception:
            raise Refusal("The server's answer cannot be understood.") from None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connected.wait()
        except TimeoutError:
            raise Unreachable(
                "The server answers, but sound does not reach it: let UDP pass between both computers."
            ) from None
        self.reception.heard = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the connection stands."""
        return self.peer.connectionState == "connected"

    def send(self, settings: Settings) -> bool:
        """Tell the server new settings; return whether they went out.

        The channel opens a little later than `open` returns.
        """
        sent = self._send({"settings": protocol.write_settings(settings)})
        if sent:
            self.refused, self._told, self._told_at = "", settings, time.monotonic()
        return sent

    def ping(self) -> None:
        """Measure the round trip; the answer updates `round_trip_seconds`."""
        self._send({"ping": time.monotonic()})

    async def close(self) -> None:
        """Leave the session."""
        await self.peer.close()

    def _on_state(self) -> None:
        if self.peer.connectionState in ("connected", "failed", "closed"):
            self._connected.set()

    def _on_message(self, message: str | bytes) -> None:
        try:
            values = protocol.read_object(message, protocol.LARGEST_MESSAGE)
            if "status" in values:
                self.status = Status.from_json(values["status"])
        except Refusal:
            return
        if isinstance(values.get("refused"), str):
            self.refused = "".join(filter(str.isprintable, values["refused"][:500]))
        if isinstance(sent := values.get("pong"), float):
            self._pings.append(time.monotonic() - sent)
            self.round_trip_seconds = median(self._pings)  # A lost message is sent again, a second later.
            if (
                sent > self._told_at and not self.refused
            ):  # Messages keep their order: a refusal would be here by now.
                self.accepted = self._told

    def _send(self, values: dict[str, Any]) -> bool:
        """Send a message; return False if the channel is not open."""
        if self._channel is None or self._channel.readyState != "open":
            return False
        self._channel.send(json.dumps(values))
        return True

    async def _ask(self, method: str, path: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        access = self._address.access
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        pinned: Any = aiohttp.Fingerprint(bytes.fromhex(access.fingerprint)) if access.fingerprint else True
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        url = self._address.url.rstrip("/") + path
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
                session.request(method, url, json=values, ssl=pinned, allow_redirects=False) as response,
            ):
                content = await response.content.read(LARGEST_ANSWER)
                while len(content) < LARGEST_ANSWER and (more := await response.content.read(LARGEST_ANSWER)):
                    content += more
                status = response.status
        except aiohttp.ServerFingerprintMismatch:
            raise RtvcError(
                f"{url}: the certificate does not match the token file. Do not trust this server until its "
                "owner confirms the new fingerprint."
            ) from None
        except aiohttp.ClientConnectorCertificateError:
            raise RtvcError(
                f"{url}: the system does not trust the certificate. Take the server's token file, which holds its "
                "fingerprint."
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unreachable(
                f"{self._address.url} does not answer: check the address, and that `rtvc serve` runs."
            ) from None
        try:
            answer = protocol.read_object(content, LARGEST_ANSWER)
        except Refusal:
            if status in PASSING:
                raise Unreachable(f"{self._address.url}: a gateway on the way answers {status}.") from None
            raise
        if status != 200:
            kind = Unreachable if status in PASSING else Refusal if status in ABOUT_REQUEST else RtvcError
            sentence = "".join(filter(str.isprintable, str(answer.get("error", status))[:500]))
            raise kind(f"{self._address.url}: {sentence}")
        return answer
