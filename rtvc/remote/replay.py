"""Clients for benchmarks of a server: they send speech that was encoded before. Belongs to their asyncio loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc.mediastreams import MediaStreamTrack

from rtvc.benchmark.workload import Speech
from rtvc.dsp.stage import Block
from rtvc.remote.peer import BLOCK, RATE, SentTrack


class Replay(MediaStreamTrack):
    """Sends encoded packets over and over, at the pace of live audio: it costs next to nothing."""

    kind = "audio"

    def __init__(self, packets: Sequence[bytes]) -> None:
        super().__init__()
        self._packets = packets
        self._began, self._sent = 0.0, 0

    async def recv(self) -> av.Packet[Any]:
        """Return the next packet when it is due."""
        self._began = self._began or time.monotonic()
        self._sent += 1
        await asyncio.sleep(self._began + self._sent * BLOCK / RATE - time.monotonic())
        packet = av.Packet(self._packets[self._sent % len(self._packets)])
        packet.pts, packet.time_base = self._sent * BLOCK, Fraction(1, RATE)
        return packet


async def silence() -> Block:
    """Return a block of silence."""
    return np.zeros(BLOCK, np.float32)


def speech_packets() -> list[bytes]:
    """Return the speech of the benchmarks as Opus packets."""
    sound, track = Speech(RATE).sound, SentTrack(silence)
    return [bytes(track.encode(sound[start : start + BLOCK])) for start in range(0, len(sound) - BLOCK, BLOCK)]
