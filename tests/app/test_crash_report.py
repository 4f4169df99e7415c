import subprocess
import sys
from pathlib import Path

import pytest

from rtvc.app import crash_report


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(crash_report, "reports_folder", lambda: tmp_path / "crashes")
    return tmp_path / "crashes"


def fail(secret: str) -> ValueError:
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(f"cannot open /home/{secret}/voice.wav") from error
    except ValueError as error:
        return error


def test_a_report_names_errors_and_places_but_no_message_and_no_home() -> None:
    text = crash_report.report(fail("alice"))
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert "test_crash_report.py" in text
    assert "numpy" in text
    assert "alice" not in text
    assert str(Path.home()) not in text


def test_reports_are_private_and_only_the_newest_stay(folder: Path) -> None:
    written = [crash_report.write_report(fail("x")) for _ in range(crash_report.KEPT + 3)]
    assert len(list(folder.iterdir())) == crash_report.KEPT
    newest = written[-1]
    assert newest is not None
    assert crash_report.latest_report() == newest
    if sys.platform != "win32":
        assert newest.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_disk_that_refuses_is_no_second_crash(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    assert crash_report.write_report(fail("x")) is None


def test_errors_of_threads_are_reported_too(tmp_path: Path) -> None:
    program = (
        "import threading; from rtvc.app import crash_report\n"
        "crash_report.install(lambda error, path: print(type(error).__name__, path.exists()))\n"
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "[][1]\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert ended.stdout.split("\n") == ["ZeroDivisionError True", "IndexError True", ""]
