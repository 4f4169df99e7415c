"""Whether a newer rtvc exists: one request to the releases page, and only when the user asks.

The page is the project URL "Releases" of the installed package, so whoever publishes a build names it in
pyproject.toml. Its `/latest` redirects to the newest release, whose address ends in the version's tag. Only that
address is read, and nothing but the request is sent. Runs on the calling thread, for 10 s at most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException
from importlib.metadata import metadata
from urllib.request import Request, urlopen

from rtvc.errors import RtvcError

PROJECT_URL = "Releases"
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Update:
    """The newest release: its version, its page, and whether it is newer than this one."""

    version: str
    page: str
    newer: bool


def releases_page() -> str | None:
    """Return the address of the releases page, or None where the build names none."""
    for entry in metadata("rtvc").get_all("Project-URL") or []:
        name, _, address = entry.partition(", ")
        if name == PROJECT_URL:
            return str(address)
    return None


def newest_release(page: str) -> Update:
    """Ask the releases page for the newest version; raise `RtvcError` if it does not tell."""
    request = Request(page.rstrip("/") + "/latest", headers={"User-Agent": "rtvc"})
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            address = str(answer.url)
    except (OSError, ValueError, HTTPException) as error:
        raise RtvcError(f"{page} does not answer ({error}): try again later.") from None
    found = re.fullmatch(r".*/v?(\d+(?:\.\d+){1,3})", address)
    if found is None:
        raise RtvcError(f"{page} does not name a version: check it in a browser.")
    return Update(found[1], address, _parts(found[1]) > _parts(metadata("rtvc")["Version"]))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
