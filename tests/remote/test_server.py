import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtvc.remote import protocol
from rtvc.remote.access import Access, Listen
from rtvc.remote.protocol import Refusal, SessionRequest
from rtvc.remote.server import FAILURES_PER_MINUTE, SESSIONS_PER_MINUTE, Server
from rtvc.remote.workers import Workers
from rtvc.settings import Settings
from tests.remote.test_protocol import request

TOKEN = "t" * 40
SIGNED = {"Authorization": f"Bearer {TOKEN}"}


class ScriptedWorkers(Workers):
    """Answers as told, without processes."""

    def __init__(self, answer: str | Exception = "v=0", free: int = 1) -> None:
        super().__init__(0, "", None)
        self.reply, self.left = answer, free
        self.requests: list[SessionRequest] = []

    @property
    def free(self) -> int:
        return self.left

    async def answer(self, request: SessionRequest) -> str:
        self.requests.append(request)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


Ask = Callable[..., Awaitable[ClientResponse]]


def visit(
    work: Callable[[Ask], Awaitable[None]],
    workers: Workers | None = None,
    access: Access = Access(TOKEN),  # noqa: B008
    listen: Listen = Listen("127.0.0.1", 0),  # noqa: B008
) -> None:
    """Let `work` send requests to a server."""

    async def run() -> None:
        server = TestServer(Server(workers or ScriptedWorkers(), access, listen).application)
        async with TestClient(server) as client:

            async def ask(method: str, path: str, **options: Any) -> ClientResponse:  # noqa: ANN401
                return await client.request(method, path, **options)

            await work(ask)

    asyncio.run(run())


def session(**options: Any) -> dict[str, Any]:  # noqa: ANN401
    headers = {"Content-Type": "application/json"} | SIGNED | options.pop("headers", {})
    return {"data": request(), "headers": headers} | options


async def refusal(response: ClientResponse, status: int) -> str:
    assert response.status == status
    answer = await response.json()
    assert list(answer) == ["error"]
    return str(answer["error"])


def test_the_page_is_sent_with_a_policy_that_lets_nothing_else_in() -> None:
    async def work(ask: Ask) -> None:
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            response = await ask("GET", path)
            assert (response.status, response.content_type) == (200, kind)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http:" not in await response.text()
            assert "https:" not in await response.text()

    visit(work)


def test_a_session_is_answered_and_voices_are_listed() -> None:
    workers = ScriptedWorkers("the answer")

    async def work(ask: Ask) -> None:
        response = await ask("POST", "/session", **session())
        assert await response.json() == {"sdp": "the answer"}
        listed = await (await ask("GET", "/voices", headers=SIGNED)).json()
        assert "Willow" in [voice["name"] for voice in listed["voices"]]

    visit(work, workers)
    assert isinstance(workers.requests[0].settings, Settings)


def test_without_the_token_nothing_is_told_and_guessing_is_slow() -> None:
    workers = ScriptedWorkers()

    async def work(ask: Ask) -> None:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            assert "token" in await refusal(await ask("GET", "/voices", headers=headers), 401)
        for _ in range(FAILURES_PER_MINUTE):
            response = await ask("POST", "/session", **session(headers={"Authorization": "Bearer x"}))
        assert "Too many wrong tokens" in await refusal(response, 429)
        assert "Too many wrong tokens" in await refusal(await ask("GET", "/voices", headers=SIGNED), 429)

    visit(work, workers)
    assert not workers.requests


def test_pages_of_other_sites_cannot_use_a_server_on_loopback() -> None:
    workers = ScriptedWorkers()

    async def work(ask: Ask) -> None:
        strange = session(headers={"Origin": "https://example.com"})
        assert "other sites" in await refusal(await ask("POST", "/session", **strange), 403)
        rebound = session(headers={"Host": "example.com:8788"})
        assert "only connections from this computer" in await refusal(await ask("POST", "/session", **rebound), 403)
        plain = session(headers={"Content-Type": "text/plain"})
        assert "JSON" in await refusal(await ask("POST", "/session", **plain), 415)

    visit(work, workers, Access())
    assert not workers.requests


@pytest.mark.parametrize("header", [{"Host": "["}, {"Host": "localhost", "Origin": "http://["}])
def test_a_host_that_is_none_is_refused_in_a_sentence(header: dict[str, str]) -> None:
    async def work(ask: Ask) -> None:
        assert "Host header" in await refusal(await ask("GET", "/voices", headers=SIGNED | header), 400)

    visit(work)


def test_a_token_of_strange_bytes_is_a_wrong_one() -> None:
    access = Access(TOKEN)
    assert not access.admits(b"\xff".decode(errors="surrogateescape"))
    assert not access.admits("töken")
    assert access.admits(TOKEN)


def test_the_client_that_is_too_many_is_told_so() -> None:
    async def work(ask: Ask) -> None:
        assert await refusal(await ask("POST", "/session", **session()), 503) == protocol.FULL

    visit(work, ScriptedWorkers(free=0))
    visit(work, ScriptedWorkers(Refusal(protocol.FULL)))


def test_sessions_in_a_row_are_limited() -> None:
    async def work(ask: Ask) -> None:
        for _ in range(SESSIONS_PER_MINUTE):
            await ask("POST", "/session", **session())
        assert "in a row" in await refusal(await ask("POST", "/session", **session()), 429)

    visit(work)


def test_a_fault_of_the_server_stays_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    async def work(ask: Ask) -> None:
        assert await refusal(await ask("POST", "/session", **session()), 500) == protocol.FAULT

    visit(work, ScriptedWorkers(OSError("/home/anna/secret")))
    assert "/home/anna/secret" in caplog.text


def test_a_fault_of_a_worker_is_no_refusal_so_that_clients_try_again() -> None:
    async def work(ask: Ask) -> None:
        assert await refusal(await ask("POST", "/session", **session()), 503) == protocol.FAULT

    visit(work, ScriptedWorkers(Refusal(protocol.FAULT)))


def test_what_is_too_large_is_not_read() -> None:
    async def work(ask: Ask) -> None:
        large = session(data=b" " * (protocol.LARGEST_REQUEST + 1))
        assert "too large" in await refusal(await ask("POST", "/session", **large), 413)

    visit(work)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]),
            st.sampled_from(["/", "/session", "/voices", "/page.js", "/../etc/passwd", "/page.html", "/x"]),
            st.binary(max_size=200) | st.dictionaries(st.text(max_size=5), st.text(max_size=9)).map(json.dumps),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_whatever_is_asked_one_sentence_or_a_page_comes_back(
    asked: list[tuple[str, str, bytes | str, bool]],
) -> None:
    workers = ScriptedWorkers()

    async def work(ask: Ask) -> None:
        for method, path, body, signed in asked:
            headers = {"Content-Type": "application/json"} | (SIGNED if signed else {})
            response = await ask(method, path, data=body, headers=headers)
            text = await response.text()
            assert response.status < 500
            assert "Traceback" not in text
            assert "root:" not in text
            if response.status >= 400:
                assert list(json.loads(text)) == ["error"]

    visit(work, workers)
    assert not workers.requests
