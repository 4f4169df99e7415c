import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtvc.benchmark import soak
from rtvc.benchmark.loops import PacedLoop, PacedPort
from rtvc.benchmark.soak import COUNTERS, busy, soak_report
from rtvc.cli import app
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "WARM_UP_SECONDS", 0.2)
    monkeypatch.setattr(soak, "INTERVAL_SECONDS", 0.2)


def test_the_engine_runs_for_the_time_and_is_looked_at(pack: ModelPack) -> None:
    shares: list[float] = []
    report = soak_report(pack, PacedLoop(), 1 / 60, progress=shares.append)
    results = report.results
    assert results["seconds"] >= 1
    assert results["heard_seconds"] > 0.5
    assert results["states"] == ["running"]
    assert results["compute_milliseconds"]["p50"] > 0
    # The step and the two frames of the graphs are always part of it.
    assert results["displayed_latency_milliseconds"]["min"] > 60
    course = results["course"]
    assert len({len(course[name]) for name in course}) == 1
    assert all(course[name][-1] == results[name] for name in COUNTERS)
    assert shares == sorted(shares)
    assert len(report.tables[1].rows) == len(course["seconds"])


def test_sound_that_comes_too_late_shows_as_drops(pack: ModelPack) -> None:
    class Bursting(PacedPort):
        """Hands over a second at once, again and again, so that most of it is too old."""

        def failure(self) -> str | None:
            self.capture.ring.write(np.zeros(self.capture.rate, np.float32))
            return None

    loop = PacedLoop()
    loop.port = Bursting()
    assert soak_report(pack, loop, 1 / 60).results["dropped_frames"] > 0


def test_an_engine_that_does_not_start_is_an_error(pack: ModelPack) -> None:
    class Refused(PacedPort):
        def open(self) -> None:
            raise RtvcError("the microphone is on strike")

    loop = PacedLoop()
    loop.port = Refused()
    with pytest.raises(RtvcError, match="on strike"):
        soak_report(pack, loop, 1 / 60)


def test_busy_processes_end_with_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def note(arguments: list[str]) -> subprocess.Popen[bytes]:
        started.append(real(arguments))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", note)
    with busy(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.poll() is not None for process in started)


def test_the_command_writes_its_report(pack: ModelPack, tmp_path: Path) -> None:
    arguments = ["bench", "soak", "--pack", str(pack.folder), "--minutes", "0.01", "--devices", "memory"]
    arguments += ["--json", str(tmp_path / "report.json")]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["benchmark"] == "soak"
    assert {"underruns", "dropped_frames", "drift_ppm"} <= set(written["results"])
    assert written["settings"]["stress_processes"] == 0
