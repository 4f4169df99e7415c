"""The meters: levels, delay, step times and counters."""

from __future__ import annotations

import time

from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from gui.language import number, tr, tr_noop
from gui.phrases import translated
from gui.session import Session
from gui.theme import SPACE
from gui.view.delay import delay_verdict
from gui.view.status import LIVE, Status, Tone
from gui.view.units import milliseconds_text, percent_text, seconds_text
from gui.widgets.card import Card
from gui.widgets.delay_bar import DelayBar
from gui.widgets.expander import Expander
from gui.widgets.frame_time_graph import FrameTimeGraph
from gui.widgets.labels import label, set_text, set_tone
from gui.widgets.level_meter import LevelMeter
from rtvc.live.snapshot import Snapshot, State

FIGURES_SECONDS = 0.2
"""Figures that change more often cannot be read, and laying out text is expensive."""


_COUNTERS = (
    (tr_noop("Gaps"), tr_noop("Blocks for which the output had no sound (underruns)")),
    (tr_noop("Dropped"), tr_noop("Frames dropped to catch up, and input that did not fit (overruns)")),
    (tr_noop("Device errors"), tr_noop("Overflows and underflows that the sound card reported")),
    (tr_noop("Clock drift"), tr_noop("How much faster the output's clock runs than the microphone's")),
    (tr_noop("Processor"), tr_noop("This program's share of one processor core")),
    (tr_noop("Your voice"), tr_noop("Speech that rtvc has learnt your own voice from so far")),
)


class MetersSection(Card):
    """Levels and one figure of delay; its parts, step times and counters under Details. All from snapshots."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Meters"), parent)
        self.input = LevelMeter(tr("Microphone"))
        self.output = LevelMeter(tr("Output"))
        self.body.addWidget(self.input)
        self.body.addWidget(self.output)

        self.delay = label("—", "figure")
        self.delay.setAccessibleName(tr("Total delay"))
        self.health = label("", "muted")
        row = QHBoxLayout()
        row.setContentsMargins(0, SPACE // 2, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(label(tr("Delay")))
        row.addStretch(1)
        row.addWidget(self.health)
        row.addWidget(self.delay)
        self.body.addLayout(row)

        self.details = Expander(tr("Details"))
        self.body.addWidget(self.details)
        self.delay_bar = DelayBar()
        self.step_time = label("—", "muted")
        self.graph = FrameTimeGraph()
        heading = QVBoxLayout()
        heading.setSpacing(0)
        heading.addWidget(label(tr("Time per step")))
        heading.addWidget(self.step_time)
        self.details.body.addWidget(self.delay_bar)
        self.details.body.addLayout(heading)
        self.details.body.addWidget(self.graph)
        self.details.body.addLayout(self._counters())
        self.details.set_open(session.preferences.options.meter_details)
        self.details.toggled.connect(lambda is_open: session.preferences.choose(meter_details=is_open))
        self._session = session
        self._state = State.STOPPED
        self._shown_at = float("-inf")
        session.live.polled.connect(self._poll)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the current state: hidden meters are not updated."""
        super().showEvent(event)
        self._shown_at = float("-inf")
        self._poll(self._session.live.snapshot, self._session.live.status)

    def _counters(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        self.counters = {}
        for index, (name, explanation) in enumerate(_COUNTERS):
            caption, figure = label(tr(name), "caption"), label("—")
            for one in (caption, figure):
                one.setToolTip(tr(explanation))
            figure.setAccessibleName(tr(name))
            self.counters[name] = figure
            column = index % 3
            grid.addWidget(caption, index // 3 * 2, column)
            grid.addWidget(figure, index // 3 * 2 + 1, column)
            grid.setColumnStretch(column, 1)
        return grid

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        if not self.isVisible():
            return
        self.input.set_level(snapshot.input_level_dbfs, snapshot.input_peak_dbfs)
        self.output.set_level(snapshot.output_level_dbfs, snapshot.output_peak_dbfs)
        if snapshot.state is not self._state or time.monotonic() - self._shown_at > FIGURES_SECONDS:
            self._state, self._shown_at = snapshot.state, time.monotonic()
            self._show_figures(snapshot)

    def _show_figures(self, snapshot: Snapshot) -> None:
        self.delay_bar.set_latency(snapshot.latency)
        self.graph.set_snapshot(snapshot)
        running = snapshot.state in LIVE
        total = snapshot.latency.total_seconds
        set_text(self.delay, milliseconds_text(total) if total else "—")
        word, tone = delay_verdict(total) if total else ("", Tone.QUIET)
        set_text(self.health, word)
        set_tone(self.health, tone)
        set_text(
            self.step_time,
            tr(
                "{median} ms, 99% below {highest} ms",
                median=number(1000 * snapshot.compute_p50_seconds, 1),
                highest=number(1000 * snapshot.compute_p99_seconds, 1),
            )
            if running
            else "—",
        )
        lost = snapshot.dropped_frames + snapshot.overruns
        learnt = tr("known") if snapshot.speech_seconds is None else seconds_text(snapshot.speech_seconds)
        for name, text, bad in (
            ("Gaps", str(snapshot.underruns), snapshot.underruns > 0),
            ("Dropped", str(lost), lost > 0),
            ("Device errors", str(snapshot.device_flags), snapshot.device_flags > 0),
            ("Clock drift", tr("{number} ppm", number=number(snapshot.drift_ppm, signed=True)), False),
            ("Processor", percent_text(snapshot.cpu_share), False),
            ("Your voice", learnt, False),
        ):
            figure = self.counters[name]
            set_text(figure, text if running else "—")
            set_tone(figure, "caution" if bad and running else "")
        self.counters["Processor"].setToolTip(translated(snapshot.priority))
