"""Downloads that survive dropped connections, resume where they stopped, and are verified before use.

The checkpoints have 1.26 GB, and pooch cannot resume a download, so this module does it. Everything
runs on the calling thread.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtvc.errors import RtvcError

CHUNK = 1 << 20
TIMEOUT_SECONDS = 30.0
ATTEMPTS = 5
PAUSE_SECONDS = 1.0

Progress = Callable[[int], None]
"""Told how many bytes of the file are there."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, URL, size in bytes, and SHA-256 in hexadecimal."""

    name: str
    url: str
    size: int
    sha256: str


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    file: RemoteFile, folder: Path, progress: Progress = lambda size: None, pause: float = PAUSE_SECONDS
) -> Path:
    """Download a file into `folder` and return its path; a verified copy that is already there is kept.

    Bytes are collected in `<name>.part`, which outlives an interruption: the next call resumes from it. After a
    dropped connection the download is tried again, first after `pause` seconds and then after twice as long each
    time, until `ATTEMPTS` in a row have added nothing.

    Raises
    ------
    RtvcError
        If the server refuses, the connection stays down, the SHA-256 differs, or the disk is full.
    """
    target = folder / file.name
    part = folder / f"{file.name}.part"
    if target.is_file() and target.stat().st_size == file.size and digest(target) == file.sha256:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        resumed = _size(part) > 0
        while True:
            if _size(part) > file.size:
                part.unlink()
            _need_room(folder, file.size - _size(part))
            _collect(file, part, progress, pause)
            if digest(part) == file.sha256:
                part.replace(target)
                return target
            part.unlink()
            if not resumed:
                raise RtvcError(
                    f"{file.url} is not the published {file.name} (its SHA-256 differs): get the file elsewhere, and "
                    "name its folder with --from."
                )
            # The part that an earlier run left may be damaged: start over once.
            resumed = False
    except OSError as error:
        raise RtvcError(
            f"{target} cannot be written ({error.strerror}): make room or choose another folder."
        ) from None


def _collect(file: RemoteFile, part: Path, progress: Progress, pause: float) -> None:
    """Append to `part` until it has all bytes."""
    failures = 0
    while (have := _size(part)) < file.size:
        progress(have)
        try:
            _request(file, part, have, progress)
            reason = "the server stopped early"
        except urllib.error.HTTPError as error:
            if error.code == 416:
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise RtvcError(
                    f"{file.url} cannot be fetched ({error.code} {error.reason}): get {file.name} elsewhere, and "
                    "name its folder with --from."
                ) from None
            reason = f"{error.code} {error.reason}"
        except (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
        failures = 0 if _size(part) > have else failures + 1
        if failures == ATTEMPTS:
            raise RtvcError(
                f"{file.url} cannot be fetched ({reason}): run the command again to resume at "
                f"{_size(part) / 1e6:.0f} MB, or name a folder that contains {file.name} with --from."
            )
        if failures:
            time.sleep(pause * 2 ** (failures - 1))
    progress(file.size)


def _request(file: RemoteFile, part: Path, have: int, progress: Progress) -> None:
    """Request the missing bytes and append them to `part` until the connection ends."""
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={have}-", "Accept-Encoding": "identity"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        continues = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if not continues and answer.status != 200:
            raise http.client.HTTPException(f"the server answered {answer.status} with another part of the file")
        with part.open("ab" if continues else "wb") as out:
            written = have if continues else 0
            # A server that sends without end must not fill the disk.
            while written < file.size and (chunk := _read(answer, min(CHUNK, file.size - written))):
                out.write(chunk)
                written += len(chunk)
                progress(written)


def _read(answer: http.client.HTTPResponse, size: int) -> bytes:
    try:
        return answer.read(size)
    except OSError as error:
        # An error of the connection, which the caller must not take for one of the disk.
        raise http.client.HTTPException(str(error)) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise RtvcError(f"{folder} has {free / 1e6:.0f} MB free and needs {size / 1e6:.0f} MB: make room.")
