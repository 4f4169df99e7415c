"""The real models and engine over a recording: pictures, measurements, recordings as voices."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.measure import Heartbeat, measure
from gui.models.packs import PackFigures
from gui.rehearsal import RehearsalEngine, rehearsal_session
from gui.session import Session
from rtvc.live.snapshot import State
from tests.support.packs import identity_pack
from tests.support.pulse import PulseServer

START_MILLISECONDS = 30_000


@pytest.fixture
def session(qapp: QApplication, tmp_path: Path) -> Iterator[Session]:
    session = rehearsal_session(tmp_path, 60.0)
    identity_pack(tmp_path / "identity")
    session.preferences.rewire(pack=str(tmp_path / "identity"))
    yield session
    session.close()


def test_the_session_opens_the_pack(qtbot: QtBot, session: Session) -> None:
    session.begin()
    qtbot.waitUntil(lambda: session.packs.figures == PackFigures(320, 2, True), timeout=START_MILLISECONDS)


def test_a_frozen_engine_still_shows_its_last_moment(qtbot: QtBot, session: Session) -> None:
    session.begin()
    session.live.set_power(True)
    qtbot.waitUntil(lambda: session.live.snapshot.state is State.RUNNING, timeout=START_MILLISECONDS)
    qtbot.waitUntil(lambda: session.live.snapshot.output_peak_dbfs > -40, timeout=START_MILLISECONDS)
    engine = session.live.engine
    assert isinstance(engine, RehearsalEngine)
    engine.freeze()
    assert engine.snapshot().state is State.RUNNING
    assert engine.snapshot().output_peak_dbfs > -40
    assert all(len(side) > 0 for side in engine.recent_audio(1.0))


def test_the_cost_of_the_panel_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert measure(1.0) == 0
    lines = capfd.readouterr().out.splitlines()
    assert re.fullmatch(r"start to a usable window: \d+\.\d\d s, \d+\.\d\d s of processor time", lines[0])
    assert [line.partition(":")[0] for line in lines[1:]] == ["live", "live, with the spectrogram"]
    assert all(re.search(r": \d+\.\d% of a core, longest block \d+ ms", line) for line in lines[1:])


@pytest.mark.slow
def test_what_the_engine_loses_beside_a_load_is_printed(
    pulse: PulseServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert measure(2.0, stress=True) == 0
    counts = r"\d+ underruns, \d+ overruns, \d+ dropped frames, \d+ device flags; p99 of a step \d+\.\d ms"
    assert re.search(counts, capfd.readouterr().out)


def test_a_blocked_event_loop_is_noticed(qtbot: QtBot) -> None:
    heartbeat = Heartbeat()
    heartbeat.start()
    QTimer.singleShot(20, lambda: time.sleep(0.2))
    qtbot.waitUntil(lambda: heartbeat.longest > 150)
    heartbeat.start()
    assert heartbeat.longest == 0
