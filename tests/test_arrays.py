import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rtvc.arrays import DamagedArrays, read_arrays, write_arrays
from tests.support.mutate import mutants

ARRAYS = {"frames": np.arange(12, dtype=np.float32).reshape(3, 4), "level": np.array(-26.0)}


def archive() -> bytes:
    file = io.BytesIO()
    write_arrays(file, ARRAYS)
    return file.getvalue()


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(archive())
    for source in (archive(), tmp_path / "a.npz"):
        restored = read_arrays(source)
        assert restored.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(restored[name], array, strict=True)


@pytest.mark.parametrize("count", [500, pytest.param(20_000, marks=pytest.mark.fuzz)])
def test_damage_raises_nothing_but_what_is_promised(count: int) -> None:
    refused = 0
    for damaged in mutants(archive(), count):
        try:
            read_arrays(damaged)
        except DamagedArrays:
            refused += 1
    assert refused > count / 2


def test_an_archive_cannot_ask_for_more_memory_than_allowed() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("zeros.npy", bytes(200 * 2**20))
    honest = file.getvalue()
    # The same bomb with an announced size of 1,000 bytes, in both of the archive's headers.
    lying = honest.replace((200 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    shape = (
        np.lib.format.magic(1, 0)
        + b"v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,)}".ljust(117)
        + b"\n"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as huge:
        huge.writestr("huge.npy", shape)
    tracemalloc.start()
    for content in (honest, lying, file.getvalue()):
        with pytest.raises(DamagedArrays):
            read_arrays(content, largest_bytes=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", harm=np.array([Path], object))
    with pytest.raises(DamagedArrays, match="not a plain array"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(DamagedArrays, match="not a regular file"):
        read_arrays(tmp_path / "a.npz")
