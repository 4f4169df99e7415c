"""What both ends do with aiortc: sound as blocks of 20 ms, Opus, and where sockets are bound.

Everything here runs on the thread of the asyncio loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import aioice.ice
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.remote.packets import Concealer, PacketOrder

RATE = 48_000
BLOCK = 960
"""Samples of a packet: 20 ms."""

CODEC_SECONDS = 0.0025
"""Lookahead of Opus in its low-delay mode, as clicks measure it (`rtvc bench server`)."""

BIT_RATE = 64_000
QUIET = ("aiortc", "aioice")

_all_addresses = aioice.ice.get_host_addresses

NextBlock = Callable[[], Awaitable[Block]]
"""Returns the next block `[BLOCK]` when it is due."""


def new_peer(addresses: list[str] | None) -> RTCPeerConnection:
    """Return a peer without STUN or TURN servers, whose sockets are bound to these addresses; None for all.

    aioice leaves out loopback and has no parameter for addresses, so its function is replaced in the whole process.
    """
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    aioice.ice.get_host_addresses = _all_addresses if addresses is None else lambda use_ipv4, use_ipv6: addresses
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


class SentTrack(MediaStreamTrack):
    """Encodes blocks as Opus packets.

    aiortc would encode on a pool of threads, in stereo, with 6.5 ms of lookahead in place of 2.5 ms.
    """

    kind = "audio"

    def __init__(self, next_block: NextBlock) -> None:
        super().__init__()
        self._next_block = next_block
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.format, self._encoder.layout = av.AudioFormat("flt"), av.AudioLayout("mono")
        self._encoder.sample_rate, self._encoder.bit_rate = RATE, BIT_RATE
        self._encoder.options = {"application": "lowdelay", "frame_duration": "20"}
        self._encoder.time_base = Fraction(1, RATE)
        self._sent = 0

    async def recv(self) -> av.Packet[Any]:
        """Return the next packet when its block is due."""
        if self.readyState != "live":
            raise MediaStreamError
        return self.encode(await self._next_block())

    def encode(self, block: Block) -> av.Packet[Any]:
        """Return the packet of a block."""
        frame = av.AudioFrame.from_ndarray(np.clip(block, -1, 1)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._sent
        (packet,) = self._encoder.encode(frame)
        packet.pts, packet.time_base = self._sent, Fraction(1, RATE)
        self._sent += BLOCK
        return packet


class Reception:
    """Orders, decodes and conceals what a receiver gets, and passes blocks `[BLOCK]` on.

    Attributes
    ----------
    heard
        `time.monotonic()` of the latest packet.
    order, concealer
        With the counts of packets.
    """

    def __init__(self, on_block: Callable[[Block], object]) -> None:
        self.heard = time.monotonic()
        self.order, self.concealer = PacketOrder(), Concealer(RATE)
        self._on_block = on_block
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.layout = av.AudioLayout("mono")
        self._decoder.sample_rate = RATE

    def listen_to(self, receiver: RTCRtpReceiver) -> None:
        """Take the packets of a receiver in place of its jitter buffer.

        That one waits for 16 packets (320 ms) where one is lost, keeps this delay, and conceals nothing.
        """
        name = "_RTCRtpReceiver__jitter_buffer"
        if not hasattr(receiver, name):
            raise RtvcError(
                "This version of aiortc is unknown to rtvc: install the version that its extra `server` requires."
            )
        setattr(receiver, name, self)

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet, as aiortc calls its jitter buffer; what is due goes to `on_block`."""
        self.heard = time.monotonic()
        for payload in self.order.add(packet.sequence_number, packet.payload, self.heard):
            block = None if payload is None else self._decode(payload)
            if block is None:
                self._on_block(self.concealer.conceal(BLOCK))
            else:
                self._on_block(self.concealer.take(block))
        return False, None

    def _decode(self, payload: bytes) -> Block | None:
        """Return the samples of a packet, or None if it is damaged."""
        if not payload:
            return None
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError:
            return None
        if not frames:
            return None
        samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
        result: Block = samples.astype(np.float32) / np.float32(32_768)
        return result
