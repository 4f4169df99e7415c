"""Atomic writes: a file or folder appears at its path whole, or not at all.

Everything is written beside its destination under a name of its own (`.rtvc-<random>.part`), flushed to the disk,
checked and renamed. A write that fails removes what it left. The remains of a process that was killed are removed by
the next write into that folder, or by `sweep`: the writer holds a file lock, so a part without a lock has no owner.

Everything runs on the calling thread.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import IO, BinaryIO

from rtvc.errors import RtvcError
from rtvc.signals import uninterrupted

if sys.platform != "win32":
    import fcntl

_PREFIX, _SUFFIX = ".rtvc-", ".part"
_LOCK, _NEW, _OLD = "lock", "new", "old"
_UNLOCKED_SECONDS = 60
"""A work folder without a lock file this old belongs to a killed process: the lock follows the folder at once."""

_swept: set[Path] = set()


class StorageError(RtvcError):
    """A file or folder that cannot be written, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be written ({reason}).")
        self.reason = reason


@contextmanager
def atomic_write(path: Path, *, overwrite: bool = True, private: bool = False) -> Iterator[BufferedRandom]:
    """Yield a binary file open for writing that replaces `path` when the body ends without an exception.

    The body only writes to the file; an `OSError` that it raises is taken for a failed write to `path`.

    Parameters
    ----------
    path
        The file to write. Its folder must exist.
    overwrite
        Whether an existing file may be replaced.
    private
        Whether only the user may read the file (mode 0600).

    Raises
    ------
    RtvcError
        If the file exists and may not be replaced, or cannot be written, a full disk included. Nothing is left
        behind then, and an existing file stays as it was.
    """
    try:
        _check_free(path, overwrite)
        _sweep_once(path.parent)
        created = None
        try:
            with uninterrupted():  # A signal between the creation and its note would leave the file behind.
                created = _create_part(path.parent, 0o600 if private else 0o666)
            file, temporary = created
            yield file
            size = file.seek(0, os.SEEK_END)
            file.flush()
            os.fsync(file.fileno())
            if temporary.stat().st_size != size:
                raise OSError(None, "the disk has fewer bytes than were written")
            if sys.platform == "win32":
                file.close()  # Windows renames no open file; elsewhere the lock is held until the rename.
            _rename(temporary, path, overwrite)
        finally:
            with uninterrupted():
                _remove_created(created)
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def atomic_folder(path: Path, *, overwrite: bool = False, private: bool = False) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` when the body ends without an exception.

    A process killed between moving the old folder away and the new one in leaves `path` missing; `sweep` puts the
    old folder back. The same conditions and errors as for `atomic_write` apply; the folder's parent must exist, and
    with `private` the folder has mode 0700.
    """
    try:
        _check_free(path, overwrite)
        _sweep_once(path.parent)
        created = None
        try:
            with uninterrupted():
                created = _create_work_folder(path.parent)
            lock, work = created
            with lock:
                new, old = work / _NEW, work / _OLD
                new.mkdir(mode=0o700 if private else 0o777)
                yield new
                old.mkdir()
                if overwrite and path.exists():
                    path.rename(old / path.name)
                try:
                    new.rename(path)
                except OSError:
                    if (old / path.name).exists():
                        (old / path.name).rename(path)
                    raise
        finally:
            with uninterrupted():
                _remove_created(created)
    except StorageError as error:
        # The file lies in the work folder, of which the user knows nothing.
        raise StorageError(path, error.reason) from error
    except OSError as error:
        if not overwrite and path.exists():
            raise _exists(path) from error
        raise _unwritable(path, error) from error


def make_folder(folder: Path, *, private: bool = False) -> None:
    """Make a folder and its parents unless it exists; with `private`, a new folder has mode 0700.

    Raises `RtvcError` if that fails.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
    except OSError as error:
        raise RtvcError(f"{folder}: the folder cannot be created ({error.strerror}). Name another folder.") from None


def delete(path: Path) -> None:
    """Delete a file, or a folder with its content; of a link, only the link. Raise `RtvcError` if that fails."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)
    except OSError as error:
        raise RtvcError(f"{error.filename} cannot be deleted ({error.strerror}): check its permissions.") from None


def sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder, and put back a folder that was about to be replaced.

    Parts that a running process still writes stay. A folder that is missing or read-only is left alone.
    """
    with suppress(OSError):
        for part in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            with suppress(OSError):
                _remove_part(part)


def _sweep_once(folder: Path) -> None:
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def _remove_part(part: Path) -> None:
    if part.is_symlink():
        return
    locked = part / _LOCK if part.is_dir() else part
    if not locked.exists():
        # Made a moment ago, or killed in that moment.
        if time.time() - part.stat().st_mtime > _UNLOCKED_SECONDS:
            _discard(part)
        return
    if sys.platform == "win32":
        locked.unlink()  # Windows refuses this while the writer has the file open.
        _discard(part)
    else:
        with locked.open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # Raises OSError while the writer holds it.
            _discard(part)


def _discard(part: Path) -> None:
    if not part.is_dir():
        part.unlink(missing_ok=True)
        return
    for old in (part / _OLD).glob("*"):
        if not (part.parent / old.name).exists():
            old.rename(part.parent / old.name)
    shutil.rmtree(part, ignore_errors=True)


def _create_part(folder: Path, mode: int) -> tuple[BufferedRandom, Path]:
    """Create and lock a part; again, should another process sweep it before the lock is held."""
    while True:
        part = folder / _part_name()
        file = open(part, "x+b", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
        _lock(file.fileno())
        if part.exists():
            return file, part
        file.close()


def _create_work_folder(folder: Path) -> tuple[BinaryIO, Path]:
    """Create a work folder with a locked file in it; again, should another process sweep it before that."""
    while True:
        work = folder / _part_name()
        work.mkdir(mode=0o700)
        file = (work / _LOCK).open("xb")
        _lock(file.fileno())
        if (work / _LOCK).exists():
            return file, work
        file.close()


def _remove_created(created: tuple[IO[bytes], Path] | None) -> None:
    """Close and remove what was created for a write: a file, or a folder with its lock."""
    if created is None:
        return
    file, path = created
    with suppress(OSError):
        file.close()
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _part_name() -> str:
    # The destination's name is no part of it: one of 255 bytes would make this too long.
    return f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"


def _lock(descriptor: int) -> None:
    """Take the lock of an open file. Where the file system has no locks, nothing is ever swept."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _rename(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # Fails if the path exists, which `rename` does not on POSIX.
    except FileExistsError:
        raise
    except OSError:  # The file system has no hard links.
        _check_free(path, overwrite)
        temporary.rename(path)


def _check_free(path: Path, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> RtvcError:
    return RtvcError(f"{path} already exists; use --force to replace it.")


def _unwritable(path: Path, error: OSError) -> RtvcError:
    if isinstance(error, FileExistsError):
        return _exists(path)
    return StorageError(path, str(error.strerror or error))
