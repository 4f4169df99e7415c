"""Packet loss and jitter at a client's connection, for `rtvc bench server`. Belongs to the client's asyncio loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from aiortc import RTCPeerConnection


@dataclass(frozen=True)
class Impairment:
    """What happens to packets in each direction.

    Attributes
    ----------
    name
        Name in reports.
    loss
        Share of packets that are lost, independently of each other.
    jitter_seconds
        Packets are delayed by this on average, uniformly distributed from 0 to twice as much, as by
        `netem delay 30ms 30ms`. They overtake each other.
    """

    name: str
    loss: float = 0.0
    jitter_seconds: float = 0.0

    @property
    def bad(self) -> bool:
        """Whether anything happens at all."""
        return self.loss > 0 or self.jitter_seconds > 0

    def apply(self, peer: RTCPeerConnection, seed: int = 1) -> Callable[[], None]:
        """Impair a connected peer from now on, sound and messages alike; return what ends that."""
        network = peer.getTransceivers()[0].sender.transport.transport
        loop, rng = asyncio.get_running_loop(), random.Random(seed)
        send, receive = network._send, network._recv
        arrived: asyncio.Queue[bytes | ConnectionError] = asyncio.Queue()
        tasks: set[asyncio.Task[None]] = set()
        now = self

        def end() -> None:
            nonlocal now
            now = Impairment("ended")

        async def impaired_send(data: bytes) -> None:
            if rng.random() >= now.loss:
                start(later(rng.uniform(0, 2 * now.jitter_seconds), data))

        async def later(seconds: float, data: bytes) -> None:
            await asyncio.sleep(seconds)
            with suppress(ConnectionError):
                await send(data)

        async def pump() -> None:
            try:
                while True:
                    data = await receive()
                    if rng.random() >= now.loss:
                        loop.call_later(rng.uniform(0, 2 * now.jitter_seconds), arrived.put_nowait, data)
            except ConnectionError as error:
                arrived.put_nowait(error)

        async def impaired_receive() -> bytes:
            data = await arrived.get()
            if isinstance(data, ConnectionError):
                raise data
            return data

        def start(work: Coroutine[None, None, None]) -> None:
            task = loop.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        network._send, network._recv = impaired_send, impaired_receive
        start(pump())
        return end


IMPAIRMENTS = (
    Impairment("loopback"),
    Impairment("1 % loss", loss=0.01),
    Impairment("5 % loss", loss=0.05),
    Impairment("30 ms jitter", jitter_seconds=0.03),
)
