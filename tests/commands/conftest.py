"""Folders of its own for each test of a command, and the program within this process."""

import sys
from pathlib import Path

import pytest

from rtvc import cli, signals
from rtvc.app import crash_report
from tests.support.commands import Complain, Main, Said


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("data", "config", "cache"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path / kind))


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Main:
    """Run the program, without its hooks; return the exit code and what it said."""
    monkeypatch.setattr(signals, "end_on", lambda *names: None)
    monkeypatch.setattr(crash_report, "install", lambda tell: None)

    def run(*arguments: str) -> tuple[object, Said]:
        monkeypatch.setattr(sys, "argv", ["rtvc", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr()

    return run


@pytest.fixture
def complain(main: Main) -> Complain:
    """Run the program; return its complaint, which must be one line and all it says, with exit code 2."""

    def run(*arguments: str) -> str:
        code, said = main(*arguments)
        assert code == 2
        assert said.out == ""
        complaint = said.err.strip()  # a progress bar that was cleared leaves an empty line
        assert "Traceback" not in complaint
        assert len(complaint.splitlines()) == 1
        return complaint

    return run
