"""NumPy archives (`.npz`) read as untrusted input: bounded memory, one kind of error."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

LARGEST_BYTES = 256 * 2**20
"""No archive of this program holds more: five minutes of 1024 float32 dimensions at 50 frames/s take 61 MB."""

Arrays = dict[str, npt.NDArray[Any]]


class DamagedArrays(Exception):  # noqa: N818 - says what the file is, as `BadZipFile` does
    """The archive cannot be read: damaged, too large, or something else altogether."""


def read_arrays(source: Path | bytes, largest_bytes: int = LARGEST_BYTES) -> Arrays:
    """Return the arrays of an `.npz` archive by name.

    Nothing is unpickled. An archive that announces more than `largest_bytes` is refused before anything is allocated,
    and no entry is decompressed beyond its announced size.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be opened.
    DamagedArrays
        If it is no regular file or no archive of plain arrays.
    """
    if isinstance(source, Path):
        # Opening a named pipe would wait for a writer.
        if source.stat() and not source.is_file():
            raise DamagedArrays(f"{source} is not a regular file")
        with source.open("rb") as file:
            return _read(file, largest_bytes)
    return _read(BytesIO(source), largest_bytes)


def write_arrays(file: BinaryIO, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name to an open file, uncompressed, in the form that `read_arrays` reads."""
    np.savez(file, **arrays)  # type: ignore[arg-type]


def _read(file: BinaryIO, largest_bytes: int) -> Arrays:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > largest_bytes:
                raise DamagedArrays(f"the arrays announce more than {largest_bytes} bytes")
            return {entry.filename.removesuffix(".npy"): _entry(archive, entry) for entry in entries}
    except (OSError, DamagedArrays):
        raise
    # zipfile, zlib, and NumPy's header parser raise at least nine kinds for damaged bytes, among them TypeError,
    # NotImplementedError, RuntimeError, MemoryError and tokenize.TokenError.
    except Exception as error:
        raise DamagedArrays(str(error) or type(error).__name__) from None


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(entry) as stored:
        content = BytesIO(stored.read(entry.file_size + 1))
    version = np.lib.format.read_magic(content)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(content)
    # The header's shape is checked against the bytes before NumPy allocates an array of that shape.
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != entry.file_size - content.tell():
        raise DamagedArrays(f"{entry.filename} is not a plain array of its announced shape")
    content.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    return array
