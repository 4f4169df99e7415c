"""Atomic writes: what fails or is killed leaves the old file or folder, and nothing else."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtvc.errors import RtvcError
from rtvc.storage import StorageError, atomic_folder, atomic_write, make_folder, sweep

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, file locks and SIGKILL are POSIX")


def write(path: Path, content: bytes, overwrite: bool = True) -> None:
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(content)


def interrupt_file(path: Path) -> None:
    with atomic_write(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt


def interrupt_folder(path: Path) -> None:
    with atomic_folder(path, overwrite=True) as folder:
        (folder / "a").write_text("new")
        raise KeyboardInterrupt


def killed(script: str) -> None:
    """Run a script that says when it is in the middle of a write, and kill it there."""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_write(path) as file:
        file.write(b"x" * 100_000)
        assert not path.exists()
    assert path.read_bytes() == b"x" * 100_000
    write(path, b"y")
    assert path.read_bytes() == b"y"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_replaced_only_if_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(RtvcError, match="a already exists; use --force"):
        write(path, b"new", overwrite=False)
    path.unlink()
    with pytest.raises(RtvcError, match="a already exists"), atomic_write(path, overwrite=False):
        path.write_bytes(b"old")
    assert path.read_bytes() == b"old"
    with pytest.raises(KeyboardInterrupt):
        interrupt_file(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_names_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    write(tmp_path / ("n" * 255), b"x")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"


@posix
def test_a_full_disk_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    """The limit is within the buffer, so that the error comes when the file is flushed, after the last write."""
    import resource

    write(tmp_path / "a", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(RtvcError, match=r"a: cannot be written \(File too large\)"):
            write(tmp_path / "a", b"x" * 200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_loses_bytes_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.ftruncate(descriptor, 3))
    with pytest.raises(StorageError, match="fewer bytes"), atomic_write(path) as file:
        file.write(b"a new content")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing" / "a", tmp_path / "file" / "a"):
        with pytest.raises(RtvcError, match=rf"{path}: cannot be written"):
            write(path, b"x")
    with pytest.raises(RtvcError, match="file: the folder cannot be created"):
        make_folder(tmp_path / "file")


@posix
def test_private_files_and_folders_are_the_user_s_alone(tmp_path: Path) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    make_folder(tmp_path / "private", private=True)
    with atomic_write(tmp_path / "private" / "a", private=True) as file:
        assert mode(Path(file.name)) == 0o600
    with atomic_folder(tmp_path / "folder", private=True):
        pass
    assert mode(tmp_path / "private") == mode(tmp_path / "folder") == 0o700
    assert mode(tmp_path / "private" / "a") == 0o600


def test_a_folder_appears_whole_and_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in ("one", "two"):
        with atomic_folder(path, overwrite=True) as folder:
            (folder / content).touch()
        assert [entry.name for entry in path.iterdir()] == [content]
    with pytest.raises(KeyboardInterrupt):
        interrupt_folder(path)
    with pytest.raises(RtvcError, match="already exists"), atomic_folder(path):
        pass
    assert [entry.name for entry in path.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_writers_of_a_folder_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def win() -> None:
        with atomic_folder(path) as folder:
            (folder / "winner").touch()

    with pytest.raises(RtvcError, match="a already exists"), atomic_folder(path):
        win()
    assert [entry.name for entry in path.iterdir()] == ["winner"]
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("function", ["atomic_write", "atomic_folder"])
def test_the_next_write_sweeps_what_a_killed_process_left(tmp_path: Path, function: str) -> None:
    killed(f"""
from pathlib import Path
from rtvc.storage import {function}
with {function}(Path({str(tmp_path / "a")!r})):
    print("ready", flush=True)
    input()
""")
    assert len(list(tmp_path.iterdir())) == 1
    write(tmp_path / "b", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@posix
def test_a_folder_killed_between_its_two_renames_comes_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()
    killed(f"""
from pathlib import Path
from rtvc.storage import StorageError, atomic_folder
rename = Path.rename
def stop(path, target):
    if path.name == "new":
        print("ready", flush=True)
        input()
    return rename(path, target)
Path.rename = stop
with atomic_folder(Path({str(tmp_path / "a")!r}), overwrite=True) as folder:
    (folder / "new").touch()
""")
    assert not (tmp_path / "a").exists()
    sweep(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["a", "a/old"]


def test_a_sweep_leaves_what_is_being_written(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as file, atomic_folder(tmp_path / "b") as folder:
        file.write(b"x")
        (folder / "inside").touch()
        sweep(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"x"
    assert (tmp_path / "b" / "inside").exists()


def test_a_sweep_tells_a_new_work_folder_from_an_old_one(tmp_path: Path) -> None:
    """A process may be between making the folder and locking the file in it."""
    new, old = tmp_path / ".rtvc-new.part", tmp_path / ".rtvc-old.part"
    for folder in (new, old):
        folder.mkdir()
    hour_ago = time.time() - 3600
    os.utime(old, (hour_ago, hour_ago))
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
