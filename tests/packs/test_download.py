import contextlib
import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from rtvc.errors import RtvcError
from rtvc.packs.download import ATTEMPTS, RemoteFile, digest, download

CONTENT = np.random.default_rng(0).bytes(300_000)


class Server(ThreadingHTTPServer):
    """A server with bad manners: `manners` has one word for each request to come, and then it behaves."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.manners: list[str] = []
        self.asked: list[str | None] = []

    def file(self, content: bytes = CONTENT) -> RemoteFile:
        url = f"http://127.0.0.1:{self.server_port}/model.pt"
        return RemoteFile("model.pt", url, len(content), hashlib.sha256(content).hexdigest())


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        manner = self.server.manners.pop(0) if self.server.manners else "good"
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if manner.isdigit():
            self.send_error(int(manner))
            return
        if manner == "refuse":
            self.connection.close()
            return
        body = CONTENT
        if manner == "ignore range":
            start = 0
        if manner == "lie":
            body = b"\0" * len(CONTENT)
        if manner == "endless":
            body = CONTENT + b"\0" * 10_000_000
        self.send_response(206 if start else 200)
        if start:
            shown = start + 7 if manner == "wrong part" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        with contextlib.suppress(ConnectionError):
            self.wfile.write(rest[: len(rest) // 2] if manner == "drop" else rest)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetched(server: Server, folder: Path) -> bytes:
    return download(server.file(), folder, pause=0).read_bytes()


@pytest.mark.parametrize(
    "manners",
    [
        [],
        ["drop", "drop", "drop", "drop", "drop", "drop", "drop"],
        ["drop", "ignore range"],
        ["drop", "refuse", "503", "429", "drop"],
        ["drop", "wrong part"],
        ["drop", "416"],
        ["endless"],
    ],
    ids=str,
)
def test_a_download_lands_whole_whatever_the_connection_does(
    server: Server, tmp_path: Path, manners: list[str]
) -> None:
    server.manners = manners
    assert fetched(server, tmp_path / "deep" / "folder") == CONTENT
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["model.pt"]


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    fetched(server, tmp_path)
    fetched(server, tmp_path)
    assert len(server.asked) == 1


def test_what_is_there_but_wrong_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(CONTENT[:-1] + b"!")
    assert fetched(server, tmp_path) == CONTENT


def test_a_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.manners = ["drop", *["refuse"] * ATTEMPTS]
    with pytest.raises(RtvcError, match="run the command again to resume"):
        fetched(server, tmp_path)
    assert not (tmp_path / "model.pt").exists()
    assert fetched(server, tmp_path) == CONTENT
    assert server.asked[-1] == f"bytes={len(CONTENT) // 2}-"


def test_a_damaged_beginning_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    for left in (b"\0" * 1000, CONTENT + b"\0", b"\0" * len(CONTENT)):
        (tmp_path / "model.pt.part").write_bytes(left)
        assert fetched(server, tmp_path) == CONTENT
        (tmp_path / "model.pt").unlink()


def test_another_content_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.manners = ["lie"]
    with pytest.raises(RtvcError, match="SHA-256 differs"):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("manner", ["404", "403"])
def test_a_refusal_is_final(server: Server, tmp_path: Path, manner: str) -> None:
    server.manners = [manner]
    with pytest.raises(RtvcError, match=manner):
        fetched(server, tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_is_gone_is_an_error(server: Server, tmp_path: Path) -> None:
    file = RemoteFile("model.pt", "http://127.0.0.1:9/model.pt", 10, "")
    with pytest.raises(RtvcError, match="cannot be fetched"):
        download(file, tmp_path, pause=0)


def test_progress_tells_the_bytes_there_are(server: Server, tmp_path: Path) -> None:
    server.manners = ["drop"]
    heard: list[int] = []
    download(server.file(), tmp_path, heard.append, pause=0)
    assert heard == sorted(heard)
    assert heard[-1] == len(CONTENT)


def test_a_disk_without_room_is_an_error(server: Server, tmp_path: Path) -> None:
    huge = RemoteFile("model.pt", server.file().url, 10**18, "")
    with pytest.raises(RtvcError, match="make room"):
        download(huge, tmp_path, pause=0)
    assert server.asked == []


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert digest(tmp_path / "file") == hashlib.sha256(CONTENT).hexdigest()
