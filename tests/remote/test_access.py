import asyncio
import re
from pathlib import Path

import pytest

from rtvc.errors import RtvcError
from rtvc.remote.access import (
    LOOPBACK,
    Access,
    Listen,
    RateLimit,
    make_access,
    make_certificate,
    read_access,
    server_certificate,
)
from rtvc.remote.link import Address
from rtvc.remote.server import serving
from rtvc.remote.workers import Workers


def test_a_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "token"
    made = make_access(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(made.token) >= 32
    assert read_access(path) == make_access(path) == made
    assert made.admits(made.token)
    for wrong in ("", made.token[:-1], made.token + "x", "ü"):
        assert not made.admits(wrong)
    assert Access().admits("")


def test_the_token_file_carries_the_fingerprint_of_the_certificate(tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    make_certificate(certificate, "192.0.2.1")
    assert certificate.stat().st_mode & 0o777 == 0o600
    _, fingerprint = server_certificate(certificate)
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    token = make_access(tmp_path / "token").token
    access = make_access(tmp_path / "token", fingerprint)
    assert (access.token, access.fingerprint) == (token, fingerprint)
    assert read_access(tmp_path / "token") == access


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"a" * 40 + b"\nnothex", b"a b" * 40])
def test_a_damaged_token_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(RtvcError, match=str(path)):
        read_access(path)
    with pytest.raises(RtvcError, match="cannot be read"):
        read_access(tmp_path / "missing")


def test_a_damaged_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nx")
    with pytest.raises(RtvcError, match="not a PEM file"):
        server_certificate(path)


def test_where_to_listen() -> None:
    assert Listen.parse("127.0.0.1:8788") == Listen("127.0.0.1", 8788)
    assert Listen.parse("[::1]:1") == Listen("::1", 1)
    assert Listen.parse("localhost:1").loopback
    assert Listen.parse("127.0.0.1:1").addresses == LOOPBACK
    assert Listen.parse("0.0.0.0:1").addresses is None
    assert not Listen.parse("192.0.2.1:1").loopback
    assert Listen.parse("192.0.2.1:1").addresses == ["192.0.2.1"]
    for wrong in ("8788", ":8788", "host:", "host:x", "host:70000", "host:٣"):
        with pytest.raises(RtvcError, match="not a valid address"):
            Listen.parse(wrong)


@pytest.mark.parametrize("access", [Access(), Access("t" * 40)])
def test_beyond_loopback_a_server_needs_token_and_certificate(access: Access) -> None:
    async def run() -> None:
        async with serving(Workers(1, "mini", None), access, Listen("0.0.0.0", 0)):
            pass

    with pytest.raises(RtvcError, match="--token-file and --certificate"):
        asyncio.run(run())


@pytest.mark.parametrize("url", ["", "host:8788", "ftp://host", "http://", "https://[::1:8788"])
def test_an_address_of_a_server_is_checked(url: str) -> None:
    with pytest.raises(RtvcError, match="is not a server's address"):
        Address(url).check()


def test_a_token_never_goes_over_a_network_in_clear() -> None:
    with pytest.raises(RtvcError, match="not encrypted"):
        Address("http://192.0.2.1:8788").check()
    Address("http://localhost:8788").check()
    Address("https://192.0.2.1:8788").check()


def test_an_allowance_is_spent_and_comes_back() -> None:
    limit = RateLimit(3, addresses=2)
    for _ in range(3):
        assert not limit.spent("a", 0.0)
        limit.count("a", 0.0)
    assert limit.spent("a", 1.0)
    assert not limit.spent("b", 1.0)
    assert not limit.spent("a", 21.0)
    for name in "bcd":
        limit.count(name, 1.0)
    assert not limit.spent("a", 1.0)  # forgotten: only so many addresses are kept
