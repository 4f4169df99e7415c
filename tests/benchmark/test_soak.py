import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtvc.benchmark import soak
from rtvc.benchmark.game_load import game_load
from rtvc.benchmark.loops import PacedLoop, PacedPort
from rtvc.benchmark.soak import COUNTERS, soak_report
from rtvc.cli import app
from rtvc.errors import RtvcError
from rtvc.live import engine
from rtvc.live.priority import Urgency
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


def test_the_load_runs_on_every_core_and_ends_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def note(arguments: list[str]) -> subprocess.Popen[bytes]:
        started.append(real([sys.executable, "-c", "while True: pass"]))
        kinds.append(arguments[-1])
        return started[-1]

    kinds: list[str] = []
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(subprocess, "Popen", note)
    with game_load():
        assert [process.poll() for process in started] == [None] * 5
    assert sorted(kinds) == ["compile", "compile", "frames", "frames", "memory"]
    assert all(process.poll() is not None for process in started)


@pytest.mark.parametrize("kind", ["frames", "memory", "compile"])
def test_each_load_computes(kind: str) -> None:
    with subprocess.Popen([sys.executable, "-m", "rtvc.benchmark.game_load", kind]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()


def test_under_stress_both_priorities_are_reported(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    loads: list[str] = []

    @contextmanager
    def load() -> Iterator[None]:
        loads.append("begins")
        yield
        loads.append("ends")

    def ask(step_seconds: float) -> Urgency:
        asked.append("real-time")
        return Urgency(1.0)  # a step that long is refused

    monkeypatch.setattr(soak, "game_load", load)
    monkeypatch.setattr(engine, "Urgency", ask)
    report = soak_report(pack, PacedLoop(), 4 / 60, stress=True)
    assert loads == ["begins", "ends"] * 2
    assert asked == ["real-time"]
    ordinary, urgent = report.results["stress"].values()
    assert "not asked for" in ordinary["priority"]
    assert "too long" in urgent["priority"]
    for figures in (ordinary, urgent):
        assert 60 * figures["load_minutes"] > 0.5
        assert figures["displayed_latency_milliseconds"]["before"] > 60
    assert report.tables[0].title == "Under a game-like CPU load"


def test_the_command_writes_its_report(pack: ModelPack, tmp_path: Path) -> None:
    arguments = ["bench", "soak", "--pack", str(pack.folder), "--minutes", "0.01", "--devices", "memory"]
    arguments += ["--json", str(tmp_path / "report.json")]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["benchmark"] == "soak"
    assert {"underruns", "dropped_frames", "drift_ppm"} <= set(written["results"])
    assert written["settings"]["stress"] is False
