"""Accepts connections to a server, as many and for as long as its limits allow.

aiohttp has no limit on open connections or on the time that a request takes to arrive. Here each connection carries
one request and ends after a fixed time, whatever the client does. Connections are counted when they are accepted,
before TLS. Belongs to the server's asyncio loop.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from rtvc.errors import RtvcError
from rtvc.remote.access import Listen, RateLimit, client_network

log = logging.getLogger("rtvc.server")

MOST_CONNECTIONS = 200
MOST_CONNECTIONS_PER_NETWORK = 20
CONNECTIONS_PER_MINUTE = 240
"""Per network. The page takes six: three files, an icon, the voices and the session."""

HANDSHAKE_SECONDS = 5.0
HEADER_SECONDS = 10.0
CONNECTION_SECONDS = 45.0
RETRY_SECONDS = 1.0


class HttpListener:
    """A listening socket and the connections that it has accepted.

    A connection beyond the limits is closed without an answer.

    Parameters
    ----------
    protocol
        Returns the HTTP protocol for a new connection.
    listen
        Where to listen.
    tls
        The TLS context; None for plain HTTP.
    """

    def __init__(self, protocol: Callable[[], asyncio.Protocol], listen: Listen, tls: ssl.SSLContext | None) -> None:
        self._protocol, self._listen, self._tls = protocol, listen, tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self._rate = RateLimit(CONNECTIONS_PER_MINUTE)
        self._socket: socket.socket | None = None

    def start(self) -> int:
        """Listen; return the port. Raises `RtvcError` if that fails."""
        host, port = self._listen.host, self._listen.port
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            self._socket = socket.create_server(address[:2], family=family)
        except OSError as error:
            raise RtvcError(f"Cannot listen on {host}:{port} ({error.strerror}).") from None
        self._socket.setblocking(False)
        self._run(self._accept(self._socket))
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("a connection cannot be accepted (%s)", error.strerror)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            network = client_network(address[0])
            if self._admits(network):
                self._open[network] += 1
                self._run(self._serve(connection, network))
            else:
                connection.close()

    def _admits(self, network: str) -> bool:
        now = time.monotonic()
        if self._rate.spent(network, now):
            return False
        self._rate.count(network, now)
        return self._open.total() < MOST_CONNECTIONS and self._open[network] < MOST_CONNECTIONS_PER_NETWORK

    async def _serve(self, connection: socket.socket, network: str) -> None:
        """Let the protocol serve a connection, until it is closed or its time is over."""
        protocol = _Watched(self._protocol())
        seconds = None if self._tls is None else HANDSHAKE_SECONDS
        try:
            async with asyncio.timeout(CONNECTION_SECONDS):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: protocol,
                    connection,
                    ssl=self._tls,
                    ssl_handshake_timeout=seconds,
                    ssl_shutdown_timeout=seconds,
                )
                await protocol.closed.wait()
        except (OSError, TimeoutError):
            pass  # The handshake has failed, or the time is over.
        finally:
            protocol.abort()
            self._open[network] -= 1
            self._open += Counter()  # Networks without a connection are forgotten.

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Watched(asyncio.Protocol):
    """Passes everything on to another protocol, and tells when the connection is closed."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self.closed = asyncio.Event()
        self._protocol = protocol
        self._transport: asyncio.Transport | None = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._protocol.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._protocol.connection_lost(error)
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
