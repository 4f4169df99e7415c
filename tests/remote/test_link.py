"""What a client takes from the answers of a server."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rtvc.errors import RtvcError
from rtvc.remote.link import Address, Link, Unreachable
from rtvc.remote.peer import SentTrack
from rtvc.remote.protocol import Refusal
from rtvc.settings import Settings
from tests.support.remote import silence

SENTENCE = '{"error": "So it is."}'
PAGE = "<html>502 Bad Gateway</html>"


def opened(status: int, body: str) -> RtvcError:
    """Return what a link raises when a server answers so."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    async def run() -> RtvcError:
        application = web.Application()
        application.router.add_post("/session", answer)
        async with TestServer(application) as server:
            link = Link(Address(str(server.make_url("/"))), SentTrack(silence), lambda block: None)
            with pytest.raises(RtvcError) as caught:
                await link.open(Settings())
            await link.close()
            return caught.value

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (408, SENTENCE, Unreachable),
        (429, SENTENCE, Unreachable),
        (500, SENTENCE, Unreachable),
        (503, SENTENCE, Unreachable),
        (502, PAGE, Unreachable),
        (503, PAGE, Unreachable),
        (400, SENTENCE, Refusal),
        (413, SENTENCE, Refusal),
        (413, PAGE, Refusal),
        (401, SENTENCE, RtvcError),
    ],
)
def test_what_can_pass_what_the_request_is_to_blame_for_and_what_a_token_is(
    status: int, body: str, kind: type[RtvcError]
) -> None:
    error = opened(status, body)
    assert type(error) is kind
    assert body is PAGE or "So it is." in str(error)
