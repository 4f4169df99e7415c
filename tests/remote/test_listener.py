"""What clients that are slow, silent or too many can take of a server: raw connections over loopback."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from rtvc.remote import listener, server
from rtvc.remote.access import Access, Listen, client_network, make_certificate, server_certificate
from rtvc.remote.server import serving
from tests.remote.test_server import TOKEN, ScriptedWorkers

Connect = Callable[[], Awaitable[socket.socket]]
PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SESSION = (
    f"POST /session HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
).encode()


def besiege(work: Callable[[Connect], Awaitable[None]], tls: ssl.SSLContext | None = None) -> None:
    """Let `work` open TCP connections to a server.

    They are bare sockets: what a server sends before it aborts a connection can still be received from them.
    """

    async def run() -> None:
        async with serving(ScriptedWorkers(), Access(TOKEN), Listen("127.0.0.1", 0), tls) as url:
            port = int(url.rpartition(":")[2])
            clients = []

            async def connect() -> socket.socket:
                client = socket.socket()
                clients.append(client)
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
                return client

            try:
                async with asyncio.timeout(20):
                    await work(connect)
            finally:
                for client in clients:
                    client.close()

    asyncio.run(run())


async def send(client: socket.socket, content: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(client, content)


async def ended(client: socket.socket) -> bytes:
    """Return what is still sent until the connection is closed."""
    answer = b""
    with suppress(ConnectionError):
        while part := await asyncio.get_running_loop().sock_recv(client, 65536):
            answer += part
    return answer


async def trickle(client: socket.socket, content: bytes) -> None:
    """Send a byte every few milliseconds until the connection is closed."""
    with suppress(ConnectionError):
        for place in range(len(content)):
            await send(client, content[place : place + 1])
            await asyncio.sleep(0.02)


async def admitted(connect: Connect) -> bool:
    """Whether a connection gets the page."""
    client = await connect()
    with suppress(ConnectionError):  # It may be closed already.
        await send(client, PAGE)
    return (await ended(client)).startswith(b"HTTP/1.1 200")


def test_headers_that_trickle_in_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)

    async def work(connect: Connect) -> None:
        for content in (b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 1000):
            client = await connect()
            slow = asyncio.create_task(trickle(client, content))
            assert await ended(client) == b""
            await slow

    besiege(work)


def test_a_body_that_trickles_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READ_SECONDS", 0.2)
    monkeypatch.setattr(listener, "CONNECTION_SECONDS", 2.0)

    async def work(connect: Connect) -> None:
        client = await connect()
        await send(client, SESSION)
        slow = asyncio.create_task(trickle(client, b"{" * 1000))
        answer = await ended(client)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"took too long" in answer
        await slow

    besiege(work)


def test_a_connection_carries_one_request_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTION_SECONDS", 0.3)

    async def work(connect: Connect) -> None:
        client = await connect()
        await send(client, PAGE + PAGE)
        assert (await ended(client)).count(b"HTTP/1.1 200") == 1
        assert await ended(await connect()) == b""

    besiege(work)


@pytest.mark.parametrize("limit", ["MOST_CONNECTIONS", "MOST_CONNECTIONS_PER_NETWORK"])
def test_one_connection_too_many_is_closed_until_another_leaves(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(listener, limit, 2)

    async def work(connect: Connect) -> None:
        first, _ = [await connect() for _ in range(2)]
        assert not await admitted(connect)
        first.close()
        while not await admitted(connect):
            await asyncio.sleep(0.02)

    besiege(work)


def test_connections_in_a_row_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_PER_MINUTE", 3)

    async def work(connect: Connect) -> None:
        assert [await admitted(connect) for _ in range(5)] == [True, True, True, False, False]

    besiege(work)


def test_a_handshake_that_does_not_end_takes_a_place_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 1.0)
    monkeypatch.setattr(listener, "MOST_CONNECTIONS_PER_NETWORK", 1)
    make_certificate(tmp_path / "server.pem", "127.0.0.1")
    tls, _ = server_certificate(tmp_path / "server.pem")

    async def work(connect: Connect) -> None:
        silent = asyncio.create_task(ended(await connect()))
        assert await ended(await connect()) == b""
        assert not silent.done()
        assert await silent == b""

    besiege(work, tls)


def test_limits_count_networks() -> None:
    assert client_network("192.0.2.1") == client_network("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff:1") != client_network("2001:db8:0:1::1")
    assert client_network("fe80::1%eth0") == "fe80::/64"
    assert client_network("") == ""
