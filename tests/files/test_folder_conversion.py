"""Conversion of folders: what is converted and what is skipped, and real processes that are stopped and killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.errors import RtvcError
from rtvc.files.folder_conversion import worker_count
from rtvc.files.folder_plan import plan_folder
from rtvc.packs.runtime import cores
from tests.support.packs import identity_pack
from tests.support.sounds import babble
from tests.support.waiting import until

SECOND = babble(1, 16_000)
posix = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_recordings_are_converted_and_the_rest_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "in" / "out"
    touch(folder / "a.wav", folder / "deep" / "b.MP3", folder / "cover.jpg", folder / "done.flac")
    touch(output / "done.flac", output / "earlier.wav")
    plan = plan_folder(folder, output)
    assert plan.outputs == {folder / "a.wav": output / "a.wav", folder / "deep" / "b.MP3": output / "deep" / "b.wav"}
    assert plan.skipped == {
        folder / "cover.jpg": "not an audio file by its name",
        folder / "done.flac": f"{output / 'done.flac'} exists; use --force to replace it",
    }
    assert folder / "done.flac" in plan_folder(folder, output, overwrite=True).outputs


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_that_lead_nowhere_or_in_a_circle_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    touch(folder / "a.wav")
    (folder / "circle").symlink_to(folder)
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    (folder / "broken.wav").symlink_to(folder / "nothing.wav")
    (folder / "alias.wav").symlink_to(folder / "a.wav")
    os.mkfifo(folder / "pipe.wav")
    plan = plan_folder(folder, tmp_path / "out")
    assert sorted(path.name for path in plan.outputs) == ["a.wav", "alias.wav"]
    assert {path.name: reason for path, reason in plan.skipped.items()} == {
        "circle": "a link to a folder",
        "loop.wav": "a broken link, or not a regular file",
        "broken.wav": "a broken link, or not a regular file",
        "pipe.wav": "a broken link, or not a regular file",
    }


def test_no_output_takes_the_place_of_a_recording(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.wav", tmp_path / "in" / "in" / "a.wav")
    with pytest.raises(RtvcError, match=r"would replace a recording of"):
        plan_folder(tmp_path / "in", tmp_path, overwrite=True)
    with pytest.raises(RtvcError, match="is the folder of the recordings themselves"):
        plan_folder(tmp_path / "in", tmp_path / "in" / "in" / "..")
    touch(tmp_path / "in" / "a.aiff")
    with pytest.raises(RtvcError, match=r"a\.aiff and .*a\.wav would both become"):
        plan_folder(tmp_path / "in", tmp_path / "out")


def test_workers_are_no_more_than_recordings_and_twice_the_cores() -> None:
    assert worker_count(50, 1) == 1
    assert worker_count(1, 50) == 1
    assert worker_count(10_000, 10_000) == 2 * cores()


@posix
class TestProcesses:
    """`rtvc convert` on short and on long recordings; those of `long` take far longer than a test."""

    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        self.pack = identity_pack(tmp_path / "pack").folder
        self.voice = tmp_path / "voice.wav"
        soundfile.write(self.voice, babble(5, 16_000, seed=1), 16_000)
        self.folder, self.output = tmp_path / "in", tmp_path / "out"
        self.folder.mkdir()

    def recording(self, name: str, minutes: float) -> Path:
        with soundfile.SoundFile(self.folder / name, "w", 16_000, 1) as file:
            for _ in range(round(60 * minutes)):
                file.write(SECOND)
        return self.folder / name

    def start(self, source: Path, output: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rtvc.cli", "convert", str(source), "-o", str(output), *options]
        return subprocess.Popen(
            [*command, "--voice", str(self.voice), "--pack", str(self.pack), "--step", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def unfinished(self) -> list[Path]:
        return list(self.output.glob(".rtvc-*.part"))

    def test_ctrl_c_stops_the_run_and_keeps_what_is_finished(self) -> None:
        self.recording("a.wav", 0.02)
        for name in ("b.wav", "c.wav", "d.wav"):
            self.recording(name, 20)
        process = self.start(self.folder, self.output, "--jobs", "2")
        finished = self.output / "a.wav"
        # While it has two links it is still being renamed, and one of the unfinished files is its own.
        until(lambda: finished.exists() and finished.stat().st_nlink == 1 and len(self.unfinished()) == 2, seconds=60)
        os.killpg(process.pid, signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Stopped after 1 of 4 recordings" in complaint
        assert "Traceback" not in complaint
        assert [path.name for path in self.output.iterdir()] == ["a.wav"]
        until(lambda: members(process.pid) == [])  # Python's resource tracker ends a moment after the program

    def test_workers_end_with_a_parent_that_is_killed(self) -> None:
        self.recording("a.wav", 20)
        process = self.start(self.folder, self.output)
        until(self.unfinished, seconds=60)
        process.kill()
        process.communicate()
        until(lambda: members(process.pid) == [], seconds=60)
        assert list(self.output.iterdir()) == []

    def test_a_worker_that_is_killed_costs_its_recording_only(self) -> None:
        self.recording("a.wav", 20)
        self.recording("b.wav", 0.02)
        process = self.start(self.folder, self.output)
        until(self.unfinished, seconds=60)
        (worker,) = (member for member in members(process.pid) if b"spawn_main" in command_line(member))
        os.kill(worker, signal.SIGKILL)
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "1 of 2 recordings were not converted" in complaint
        assert "a.wav: its worker process ended with exit code -9" in complaint
        assert [path.name for path in self.output.iterdir()] == ["b.wav"]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_a_signal_leaves_the_old_output_and_nothing_else(self, number: signal.Signals) -> None:
        self.output.mkdir()
        (self.output / "a.wav").write_bytes(b"old")
        process = self.start(self.recording("a.wav", 20), self.output / "a.wav", "--force")
        until(self.unfinished, seconds=60)
        process.send_signal(number)
        _, complaint = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert "Traceback" not in complaint
        assert (self.output / "a.wav").read_bytes() == b"old"
        assert self.unfinished() == []

    def test_names_that_are_not_utf_8(self) -> None:
        named = Path(os.fsdecode(b"\xff\xfe.wav"))
        soundfile.write(self.folder / "a.wav", babble(1.5, 16_000), 16_000)
        (self.folder / "a.wav").rename(self.folder / named)
        output = Path(os.fsdecode(os.fsencode(self.output) + b"\xff"))
        process = self.start(self.folder, output)
        _, printed = process.communicate(timeout=60)
        assert process.returncode == 0, printed
        assert "\\udcff\\udcfe.wav (1.5 s)" in printed
        with (output / named).open("rb") as file:
            assert np.std(soundfile.read(file)[0]) > 0.01


def members(group: int) -> list[int]:
    """Return the living processes of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def command_line(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()
