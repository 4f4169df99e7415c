"""The meters: levels, delay, step times and counters."""

from __future__ import annotations

import time

from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from gui.session import Session
from gui.theme import SPACE
from gui.view.status import LIVE, Status
from gui.widgets.card import Card
from gui.widgets.delay_bar import DelayBar
from gui.widgets.frame_time_graph import FrameTimeGraph
from gui.widgets.labels import label, set_text, set_tone
from gui.widgets.level_meter import LevelMeter
from rtvc.live.snapshot import Snapshot, State

FIGURES_SECONDS = 0.2
"""Figures that change more often cannot be read, and laying out text is expensive."""


class MetersSection(Card):
    """Levels, delay, step times and counters, from snapshots only."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Meters", parent)
        self.input = LevelMeter("Microphone")
        self.output = LevelMeter("Output")
        self.body.addWidget(self.input)
        self.body.addWidget(self.output)

        self.delay = label("—", "figure")
        self.delay.setAccessibleName("Total delay")
        self.delay_bar = DelayBar()
        self._add_figure("Delay from microphone to output", self.delay)
        self.body.addWidget(self.delay_bar)

        self.step_time = label("—", "muted")
        self.graph = FrameTimeGraph()
        self._add_figure("Time per step", self.step_time)
        self.body.addWidget(self.graph)

        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        self.counters = {}
        for index, (name, explanation) in enumerate(
            (
                ("Gaps", "Blocks for which the output had no sound (underruns)"),
                ("Dropped", "Frames dropped to catch up, and input that did not fit (overruns)"),
                ("Device flags", "Overflows and underflows that the sound card reported"),
                ("Clock drift", "How much faster the output's clock runs than the microphone's"),
                ("Processor", "This program's share of one processor core"),
                ("Learnt", "Speech from which rtvc has learnt your own voice so far"),
            )
        ):
            caption, figure = label(name, "caption"), label("—")
            for one in (caption, figure):
                one.setToolTip(explanation)
            figure.setAccessibleName(name)
            self.counters[name] = figure
            column = index % 3
            grid.addWidget(caption, index // 3 * 2, column)
            grid.addWidget(figure, index // 3 * 2 + 1, column)
            grid.setColumnStretch(column, 1)
        self.body.addLayout(grid)
        self._session = session
        self._state = State.STOPPED
        self._shown_at = float("-inf")
        session.live.polled.connect(self._poll)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the current state: hidden meters are not updated."""
        super().showEvent(event)
        self._shown_at = float("-inf")
        self._poll(self._session.live.snapshot, self._session.live.status)

    def _add_figure(self, name: str, figure: QWidget) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, SPACE // 2, 0, 0)
        row.addWidget(label(name, wrap=True), 1)
        row.addWidget(figure)
        self.body.addLayout(row)

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        if not self.isVisible():
            return
        self.input.set_level(snapshot.input_level, snapshot.input_peak)
        self.output.set_level(snapshot.output_level, snapshot.output_peak)
        if snapshot.state is not self._state or time.monotonic() - self._shown_at > FIGURES_SECONDS:
            self._state, self._shown_at = snapshot.state, time.monotonic()
            self._show_figures(snapshot)

    def _show_figures(self, snapshot: Snapshot) -> None:
        self.delay_bar.set_latency(snapshot.latency)
        self.graph.set_snapshot(snapshot)
        running = snapshot.state in LIVE
        total = snapshot.latency.total
        set_text(self.delay, f"{total * 1000:.0f} ms" if total else "—")
        set_text(
            self.step_time,
            f"{snapshot.compute_p50 * 1000:.1f} ms, 99 % below {snapshot.compute_p99 * 1000:.1f} ms"
            if running
            else "—",
        )
        lost = snapshot.dropped_frames + snapshot.overruns
        learnt = "known" if snapshot.speech_seconds is None else f"{snapshot.speech_seconds:.0f} s"
        for name, text, bad in (
            ("Gaps", str(snapshot.underruns), snapshot.underruns > 0),
            ("Dropped", str(lost), lost > 0),
            ("Device flags", str(snapshot.device_flags), snapshot.device_flags > 0),
            ("Clock drift", f"{snapshot.drift_ppm:+.0f} ppm", False),
            ("Processor", f"{snapshot.cpu_share:.0%}", False),
            ("Learnt", learnt, False),
        ):
            figure = self.counters[name]
            set_text(figure, text if running else "—")
            set_tone(figure, "caution" if bad and running else "")
