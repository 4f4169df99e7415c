"""The server's HTTP side: signalling, the list of voices, and the page.

Runs on one asyncio loop. Sound does not pass it. Every answer to a client is a page, a voice list, an SDP answer, or
one sentence in JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web

from rtvc.errors import RtvcError
from rtvc.remote import protocol
from rtvc.remote.access import Access, Listen, RateLimit, client_network, is_loopback
from rtvc.remote.listener import HEADER_SECONDS, HttpListener
from rtvc.remote.protocol import Refusal
from rtvc.remote.workers import ANSWER_SECONDS, Workers
from rtvc.voices.library import VoiceLibrary

log = logging.getLogger("rtvc.server")

PAGE = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
READ_SECONDS = 15.0
FAILURES_PER_MINUTE = 10
SESSIONS_PER_MINUTE = 30

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers HTTP requests.

    Parameters
    ----------
    workers
        Who serves the sessions.
    access
        The token that clients must show; an empty one admits everybody, for loopback.
    listen
        Where it listens. On loopback, requests for other host names are refused, so that no page from elsewhere
        reaches it through a name that it points at this machine.
    sessions_per_minute
        Sessions that clients from one network may begin.
    """

    def __init__(
        self, workers: Workers, access: Access, listen: Listen, sessions_per_minute: int = SESSIONS_PER_MINUTE
    ) -> None:
        self._workers, self._access, self._listen = workers, access, listen
        self._voices = VoiceLibrary(paths=False)
        self._failures = RateLimit(FAILURES_PER_MINUTE)
        self._sessions = RateLimit(sessions_per_minute)
        self.application = web.Application(client_max_size=protocol.LARGEST_REQUEST, middlewares=[self._guard])
        self.application.router.add_get("/voices", self._list_voices)
        self.application.router.add_post("/session", self._open_session)
        for path in PAGE:
            self.application.router.add_get(path, self._page)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check where a request comes from, and turn whatever fails into one sentence."""
        try:
            self._check_origin(request)
            async with asyncio.timeout(READ_SECONDS + ANSWER_SECONDS):
                response = await handler(request)
        except Refusal as refusal:
            response = _sentence(str(refusal), 503 if str(refusal) in (protocol.FULL, protocol.FAULT) else 400)
        except _Denied as denied:
            response = _sentence(str(denied), denied.status)
        except web.HTTPRequestEntityTooLarge:
            response = _sentence("The request is too large.", 413)
        except web.HTTPException as error:
            response = _sentence(error.reason, error.status)
        except TimeoutError:
            response = _sentence("The request took too long.", 408)
        except Exception:
            log.exception("a request has failed")
            response = _sentence(protocol.FAULT, 500)
        response.headers.update(HEADERS)
        response.force_close()  # One request a connection, so that a time limit on connections is one on requests.
        return response

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        try:
            host = urlsplit(f"//{request.host}").hostname or ""
            site = None if origin is None else urlsplit(origin).netloc
        except ValueError:
            raise _Denied("The Host header is invalid.", 400) from None
        if self._listen.loopback and not is_loopback(host):
            raise _Denied("This server accepts only connections from this computer.", 403)
        if site is not None and site != request.host:
            raise _Denied("Pages of other sites may not use this server.", 403)

    def _admit(self, request: web.Request) -> str:
        """Check the token; return the client's network."""
        address, now = client_network(request.remote or ""), time.monotonic()
        if self._failures.spent(address, now):
            raise _Denied("Too many wrong tokens. Try again in a minute.", 429)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if not self._access.admits(token if kind == "Bearer" else ""):
            self._failures.count(address, now)
            raise _Denied("The token is missing or wrong.", 401)
        return address

    async def _page(self, request: web.Request) -> web.Response:
        name, kind = PAGE[request.path]
        text = (files("rtvc") / "assets" / "server" / name).read_text("utf-8")
        return web.Response(text=text, content_type=kind)

    async def _list_voices(self, request: web.Request) -> web.Response:
        self._admit(request)
        listed = await asyncio.to_thread(self._voices.list)
        voices = [{"name": voice.name, "description": voice.description} for voice in listed]
        return web.json_response({"voices": voices})

    async def _open_session(self, request: web.Request) -> web.Response:
        address = self._admit(request)
        if request.content_type != "application/json":
            raise _Denied("Send JSON.", 415)
        if self._sessions.spent(address, time.monotonic()):
            raise _Denied("Too many sessions in a row. Try again in a minute.", 429)
        self._sessions.count(address, time.monotonic())
        if not self._workers.free:
            raise Refusal(protocol.FULL)
        async with asyncio.timeout(READ_SECONDS):
            content = await request.read()
        wanted = await asyncio.to_thread(protocol.read_request, content)
        return web.json_response({"sdp": await self._workers.answer(wanted)})


class _Denied(Exception):  # noqa: N818 - an answer
    """An answer with a status other than 400."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def _sentence(text: str, status: int) -> web.Response:
    return web.Response(text=json.dumps({"error": text}), status=status, content_type="application/json")


@asynccontextmanager
async def serving(
    workers: Workers,
    access: Access,
    listen: Listen,
    tls: ssl.SSLContext | None = None,
    sessions_per_minute: int = SESSIONS_PER_MINUTE,
) -> AsyncIterator[str]:
    """Start the workers and listen; yields the server's URL. Parameters as for `Server`.

    Raises `RtvcError` if it may not listen there, or cannot.
    """
    if not listen.loopback and not (access.token and tls):
        raise RtvcError(
            f"{listen.host} can be reached from other computers: give --token-file and --certificate. rtvc creates "
            "both files if they are missing."
        )
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # Strangers could fill the log with bad requests.
    runner = web.AppRunner(
        Server(workers, access, listen, sessions_per_minute).application,
        access_log=None,
        keepalive_timeout=HEADER_SECONDS,  # From aiohttp 3.14 on, for the first request of a connection, too.
        shutdown_timeout=ANSWER_SECONDS,
    )
    listener: HttpListener | None = None
    try:
        await workers.start()
        await runner.setup()
        assert runner.server is not None
        listener = HttpListener(runner.server, listen, tls)
        port = listener.start()
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        if listener is not None:
            await listener.close()
        await runner.cleanup()
        await workers.close()
