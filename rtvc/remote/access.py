"""Who may use a server: token, certificate, and the limits for everybody else.

Everything here runs on the thread that calls it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
import ssl
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rtvc.errors import RtvcError
from rtvc.storage import atomic_write

LOOPBACK = ["127.0.0.1", "::1"]
LARGEST_FILE = 65_536
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,256}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
VALID_DAYS = 3650


@dataclass(frozen=True)
class Access:
    """What a client needs besides the address.

    Attributes
    ----------
    token
        The shared secret; empty where none is asked for.
    fingerprint
        SHA-256 of the server's certificate in hexadecimal digits; empty for a certificate that the system trusts.
    """

    token: str = ""
    fingerprint: str = ""

    def admits(self, token: str) -> bool:
        """Compare a client's token in constant time."""
        # What is no UTF-8 arrives as surrogates.
        return not self.token or hmac.compare_digest(token.encode(errors="surrogateescape"), self.token.encode())


def read_access(path: Path) -> Access:
    """Read a token file: the token on its first line, and the certificate's fingerprint on the second, if any."""
    try:
        with path.open("rb") as file:
            lines = file.read(LARGEST_FILE).decode("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise RtvcError(f"{path}: the token cannot be read ({reason}).") from None
    if not lines or not _TOKEN.fullmatch(lines[0]):
        raise RtvcError(f"{path} contains no token: delete it, and `rtvc serve --token-file` creates a new one.")
    fingerprint = lines[1].lower().replace(":", "") if len(lines) > 1 else ""
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        raise RtvcError(f"{path}: the second line must be a SHA-256 fingerprint of 64 hexadecimal digits.")
    return Access(lines[0], fingerprint)


def make_access(path: Path, fingerprint: str = "") -> Access:
    """Return the token of a file, made if it is missing, and write the server's fingerprint beside it."""
    known = read_access(path) if path.exists() else Access(secrets.token_urlsafe(32))
    access = Access(known.token, fingerprint)
    if not path.exists() or access != known:
        with atomic_write(path, private=True) as file:
            file.write("".join(f"{line}\n" for line in (access.token, access.fingerprint) if line).encode())
    return access


def make_certificate(path: Path, host: str) -> None:
    """Write a self-made certificate and its key into one PEM file that only its owner can read."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rtvc")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname() or "localhost")]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    with atomic_write(path, private=True) as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def server_certificate(path: Path) -> tuple[ssl.SSLContext, str]:
    """Return a TLS context of a PEM file with certificate and key, and the certificate's fingerprint."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(path)
        text = path.read_text("ascii")
        begin = text.index("-----BEGIN CERTIFICATE-----")
        first = text[begin : text.index("-----END CERTIFICATE-----") + 25]
    except (OSError, ValueError) as error:
        raise RtvcError(
            f"{path} is not a PEM file with a certificate and its key ({error}). Name a file that does not exist, "
            "and rtvc creates one."
        ) from None
    return context, hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()


@dataclass(frozen=True)
class Listen:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listen:
        """Read HOST:PORT, with an IPv6 address in brackets; raise `RtvcError` if it is none."""
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65_535:
            raise RtvcError(f"{text!r} is not a valid address: write it as 127.0.0.1:8788 or [::1]:8788.")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def loopback(self) -> bool:
        """Whether only this computer can reach it."""
        return is_loopback(self.host)

    @property
    def addresses(self) -> list[str] | None:
        """The IP addresses that sound may use; None for all of this computer's. Raises `RtvcError` for no host."""
        if self.loopback:
            return LOOPBACK
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_DGRAM)[0][4][0]
        except OSError:
            raise RtvcError(f"{self.host} is not an address of this computer.") from None
        address = ipaddress.ip_address(found)
        return None if address.is_unspecified else [str(address)]


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this computer itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def client_network(address: str) -> str:
    """Return what limits are counted by: an IPv4 address, or the /64 network of an IPv6 address.

    A single IPv6 subscriber has at least 2^64 addresses.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class RateLimit:
    """Counts events per client network: at most `most` at once, and `most` more per minute after that."""

    def __init__(self, most: int, addresses: int = 1000) -> None:
        self._most = most
        self._addresses = addresses
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spent(self, address: str, now: float) -> bool:
        """Whether an address has used up its allowance at a time in seconds."""
        return self._allowance(address, now) < 1

    def count(self, address: str, now: float) -> None:
        """Take one from an address's allowance."""
        self._left[address] = (max(0.0, self._allowance(address, now) - 1), now)
        self._left.move_to_end(address)
        if len(self._left) > self._addresses:
            self._left.popitem(last=False)

    def _allowance(self, address: str, now: float) -> float:
        left, then = self._left.get(address, (float(self._most), now))
        return min(self._most, left + (now - then) / 60 * self._most)
