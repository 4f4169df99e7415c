"""Meters, losses and the spectrogram."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.view.levels import CLIP_DBFS
from gui.view.status import LOSS_SECONDS, Tone
from tests.support.panel import LEFT, RUNNING, FakeBackend, QTest, switch_on


def test_the_meters_show_the_snapshot(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    switch_on(qtbot, window)
    meters = window.live.meters
    assert meters.delay.text() == "93 ms"
    assert [round(part.milliseconds) for part in meters.delay_bar.parts] == [20, 34, 6, 12, 21]
    assert meters.counters["Gaps"].text() == "0"
    assert len(meters.graph.times.shares) == len(RUNNING.recent_compute_seconds)
    backend.engines[0].now = replace(RUNNING, underruns=2, dropped_frames=7, overruns=1, input_peak_dbfs=CLIP_DBFS)
    backend.engines[0].now = replace(backend.engines[0].now, priority="real-time priority 10")
    qtbot.waitUntil(lambda: meters.counters["Gaps"].text() == "2")
    assert meters.counters["Dropped"].text() == "8"
    assert meters.counters["Processor"].toolTip() == "real-time priority 10"
    assert meters.input.clipped
    assert not meters.output.clipped
    assert window.light.status.words == "On", "a single gap is no alarm"


def test_the_meters_are_empty_after_switching_off(qtbot: QtBot, window: MainWindow) -> None:
    switch_on(qtbot, window)
    meters = window.live.meters
    assert meters.delay.text() == "93 ms"
    window.tabs[2].click()
    window.session.live.set_power(False)
    qtbot.waitUntil(lambda: window.light.status.words == "Off")
    window.tabs[0].click()
    assert meters.delay.text() == meters.counters["Processor"].text() == "—"
    assert meters.input.accessibleDescription() == "silent"


def test_repeated_losses_are_an_alarm(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(qtbot, window)
    now = time.monotonic()
    for second in range(LOSS_SECONDS):
        backend.engines[0].now = replace(RUNNING, underruns=second + 1)
        monkeypatch.setattr("gui.models.live.time", SimpleNamespace(monotonic=lambda second=second: now + second))
        window.session.live.poll()
    assert window.light.status.words == "Losing sound"
    assert window.light.status.tone is Tone.BAD


def test_the_spectrogram_is_drawn_while_it_is_open(qtbot: QtBot, window: MainWindow) -> None:
    drawer = window.live.drawer
    assert not drawer.input.isVisible()
    window.session.live.set_power(True)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)
    QTest.mouseClick(drawer.expander.button, LEFT)
    assert drawer.input.isVisible()
    assert window.session.preferences.options.spectrogram
    qtbot.waitUntil(lambda: drawer.input.picture.size > 1)
    rows = drawer.input.picture.mean(axis=1)
    assert rows[-20:].max() > rows[:20].max(), "a voice has its power in the low frequencies"
    assert drawer.output.picture.shape == drawer.input.picture.shape
    assert not np.array_equal(drawer.output.picture, drawer.input.picture)
