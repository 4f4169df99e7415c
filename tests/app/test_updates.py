import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rtvc.app import updates
from rtvc.errors import RtvcError


class Releases(BaseHTTPRequestHandler):
    """A releases page whose /latest redirects to a tag."""

    tag = "v9.0.1"
    seen: list[tuple[str, str]] = []  # noqa: RUF012 - emptied by each test

    def do_GET(self) -> None:
        self.seen.append((self.path, str(self.headers)))
        if self.path.endswith("/latest"):
            self.send_response(302)
            self.send_header("Location", f"/releases/tag/{self.tag}")
        else:
            self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Be quiet."""


@pytest.fixture
def page() -> Iterator[str]:
    Releases.seen.clear()
    with HTTPServer(("127.0.0.1", 0), Releases) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/releases"
        server.shutdown()


@pytest.mark.parametrize(("tag", "newer"), [("v9.0.1", True), ("v0.0.9", False), ("10.2", True)])
def test_the_newest_version_is_read_off_the_redirect(
    page: str, tag: str, newer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Releases, "tag", tag)
    update = updates.newest_release(page)
    assert (update.version, update.newer) == (tag.removeprefix("v"), newer)
    assert update.page.endswith(f"/releases/tag/{tag}")


def test_nothing_but_the_request_is_sent(page: str) -> None:
    updates.newest_release(page)
    assert [path for path, _ in Releases.seen] == ["/releases/latest", "/releases/tag/v9.0.1"]
    for _, headers in Releases.seen:
        names = {line.partition(":")[0].lower() for line in headers.strip().splitlines()}
        assert names <= {"host", "user-agent", "connection", "accept-encoding"}
        assert "User-Agent: rtvc\n" in headers


def test_a_page_that_names_no_version_or_does_not_answer_is_one_sentence(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Releases, "tag", "nightly")
    with pytest.raises(RtvcError, match="does not name a version"):
        updates.newest_release(page)
    with pytest.raises(RtvcError, match="does not answer"):
        updates.newest_release("http://127.0.0.1:9/releases")


def test_the_page_is_the_project_url_of_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    assert updates.releases_page() is None  # this checkout names none
    address = "https://example.org/rtvc/releases"

    class Metadata:
        def get_all(self, name: str) -> list[str]:
            return ["Homepage, https://example.org", f"Releases, {address}"]

    monkeypatch.setattr(updates, "metadata", lambda package: Metadata())
    assert updates.releases_page() == address
