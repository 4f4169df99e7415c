"""Keeps a client connected to its server: one `Link` after the other, on a thread of its own with an asyncio loop.

Any thread may call `send`, `call`, `start` and `stop`, and read the attributes.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.priority import Urgency
from rtvc.remote import protocol
from rtvc.remote.link import Address, Link
from rtvc.remote.peer import SentTrack
from rtvc.remote.protocol import Refusal
from rtvc.settings import Settings
from rtvc.voices.analysis import read_recordings
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice

LOST_SECONDS = 1.0
"""Without a packet for so long, the server counts as lost."""

START_SECONDS = 15.0
"""How long the server may take to start the engine."""

PING_SECONDS = 0.5
WATCH_SECONDS = 0.02
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts. A server whose only session has just ended needs 0.1 s to begin another."""

WAITING_BLOCKS = 10
"""Blocks that may wait to be sent; older ones are dropped, so that a stalled network costs no lasting delay."""

JOIN_SECONDS = 5.0

_LOST = "The server is lost: trying again."
_REJOINING = "The server is getting the new voice."

SENT_NAME = "Your voice"
"""How the server calls a voice that is sent along: names of files need not be names of voices, and stay here."""


@dataclass(frozen=True)
class _Request:
    """What a session is begun with: settings as the server is told them, and the voice that is sent along.

    `own` is what the settings of this computer call that voice.
    """

    settings: Settings
    own: str = ""
    voice: Mapping[str, str] | None = None


class Connection:
    """Connects, passes on settings, and connects again after a loss, until it is stopped or refused at the start.

    Once a session has stood, settings or a voice that the server refuses leave the last ones that it took.

    Parameters
    ----------
    address
        The server.
    settings
        Returns the settings for the server; looked at 50 times a second.
    on_block
        Called on the network's thread with each block that was received.
    library
        Voices of this computer: one of the user's own, or a recording, is sent along with the session.

    Attributes
    ----------
    link
        The latest connection; None before the first.
    receiving, received_ever, rejoining
        Whether sound comes from the server, whether it ever did, and whether it pauses because another voice is being
        sent along.
    failure
        Why no other attempt is made, as a sentence; empty otherwise.
    trouble
        Why there is no connection at present, as a sentence; empty otherwise.
    """

    def __init__(
        self,
        address: Address,
        settings: Callable[[], Settings],
        on_block: Callable[[Block], object],
        library: VoiceLibrary,
    ) -> None:
        self.link: Link | None = None
        self.receiving = self.received_ever = self.rejoining = False
        self.failure = self.trouble = ""
        self._address, self._settings, self._on_block = address, settings, on_block
        self._library = library
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[Block] = asyncio.Queue()
        self._stopping = threading.Event()
        self._outdated = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtvc remote network", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether sound came from the server and no longer does."""
        return self.received_ever and not self.receiving and not self.rejoining

    def start(self) -> None:
        """Connect on a thread; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the session."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)

    def send_voice_again(self) -> None:
        """Begin another session if a voice of one's own was sent along, because its recording was changed."""
        self._outdated.set()

    def send(self, block: Block) -> None:
        """Send a block `[BLOCK]` of the microphone."""
        self.call(lambda: self._enqueue(block))

    def call(self, work: Callable[[], object]) -> None:
        """Let the network's thread call `work`; does nothing while it does not run."""
        if self._loop is not None:
            with suppress(RuntimeError):  # The loop has closed.
                self._loop.call_soon_threadsafe(work)

    def _enqueue(self, block: Block) -> None:
        if self._queue.qsize() >= WAITING_BLOCKS:
            self._queue.get_nowait()
        self._queue.put_nowait(block)

    def _run(self) -> None:
        try:
            asyncio.run(self._stay_connected())
        except RtvcError as error:
            self.failure = str(error)
        except BaseException as error:
            self.failure = f"The engine has stopped because of an internal error ({error!r})."
            raise

    async def _stay_connected(self) -> None:
        self._loop = asyncio.get_running_loop()
        attempt, rejoin_until = 0, 0.0
        accepted: _Request | None = None
        refused: tuple[Settings, str] | None = None
        while not self._stopping.is_set():
            link = Link(self._address, SentTrack(self._queue.get), self._on_block)
            settings = self._settings()
            if self._outdated.is_set() or (refused is not None and refused[0] != settings):
                refused = None
            self._outdated.clear()
            request = None if refused is None else accepted
            try:
                if request is None:
                    request = await asyncio.to_thread(self._request, settings)
                await link.open(request.settings, request.voice)
                attempt, accepted = 0, request
                if refused is not None:
                    link.refused = refused[1]
                self.rejoining = await self._follow(link, settings, request.own)
                accepted = replace(request, settings=link.accepted)
                self.trouble = _REJOINING if self.rejoining else _LOST
                if self.rejoining:
                    rejoin_until = time.monotonic() + START_SECONDS
                    continue
            except RtvcError as error:
                if accepted is None:
                    raise
                if isinstance(error, Refusal) and request != accepted:
                    refused = settings, str(error)
                # A server that is full may only have to clear away the session that was left for another voice.
                self.rejoining = self.rejoining and time.monotonic() < rejoin_until
                self.trouble = _REJOINING if self.rejoining else f"{str(error).rstrip('.')}: trying again."
            finally:
                self.receiving = False
                await link.close()
            pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            attempt += 1
            await asyncio.to_thread(self._stopping.wait, pause)

    async def _follow(self, link: Link, told: Settings, own: str) -> bool:
        """Pass on settings and watch a connection; return False when it is lost, True to send along another voice.

        `own` is the voice that was sent along.
        """
        self.link, self.trouble = link, ""
        urgency = Urgency(0.0)  # At ordinary priority, packets waited 60 ms beside a load of 8 on two cores.
        pinged = 0.0
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                self.receiving = link.reception.order.received > 0
                self.received_ever |= self.receiving
                silent = now - link.reception.heard
                if self.receiving:
                    self.rejoining = False
                if not link.alive or silent > (LOST_SECONDS if self.receiving else START_SECONDS):
                    return False
                if now - pinged >= PING_SECONDS:
                    link.ping()
                    pinged = now
                settings, outdated = self._settings(), self._outdated.is_set()
                if outdated or settings != told:
                    voice = self._own_recording(settings)
                    if voice is not None and (outdated or settings.voice != told.voice):
                        return True
                    if outdated:
                        self._outdated.clear()
                    missing = voice is not None and settings.voice != own  # It was refused: the session lacks it.
                    if missing or link.send(_calling(settings, voice)):
                        told = settings
                urgency.stepped()
                await asyncio.sleep(WATCH_SECONDS)
            return False
        finally:
            urgency.give_up()

    def _request(self, settings: Settings) -> _Request:
        """Return what to ask for; raise `Refusal` if the recording of the voice can no longer be read."""
        voice = self._own_recording(settings)
        if voice is None:
            return _Request(settings)
        try:
            sent = protocol.write_voice(SENT_NAME, *read_recordings([voice.reference]))
        except RtvcError as error:
            raise Refusal(str(error)) from None
        return _Request(_calling(settings, voice), settings.voice, sent)

    def _own_recording(self, settings: Settings) -> Voice | None:
        """Return the chosen voice if it is the user's own or a recording; the server has the others by name."""
        try:
            voice = self._library.open(settings.voice) if settings.voice else None
        except RtvcError:
            return None
        shipped = {one.reference for one in shipped_voices()}
        return voice if isinstance(voice, Voice) and voice.reference not in shipped else None


def _calling(settings: Settings, voice: Voice | None) -> Settings:
    """Return settings that call a voice by the name under which it is sent."""
    return settings if voice is None else replace(settings, voice=SENT_NAME)
