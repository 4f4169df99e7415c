"""The tables of `rtvc bench server`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rtvc.benchmark.report import Table
from rtvc.benchmark.timing import formatted

PARTS = ("step", "codec", "network", "queue", "algorithmic", "compute", "device", "total")


def delay_tables(delays: dict[str, dict[str, Any]], codec_milliseconds: float) -> list[Table]:
    """Return the delay under each network condition, and that of the codec."""
    rows = []
    for name, run in delays.items():
        found, shown = run["delays_milliseconds"], run["displayed_milliseconds"]
        rows.append(
            [
                name,
                *(formatted(value, 0) for value in (min(found), median(found), max(found))),
                *(formatted(run[f"{half}_half_milliseconds"], 0) for half in ("first", "second")),
                formatted(run["recovered_milliseconds"], 0),
                *(formatted(shown[part], 1) for part in PARTS),
                f"{100 * run['packets_lost_share']:.1f} %",
                str(run["concealed"]),
                str(run["underruns"]),
                str(run["clicks_lost"]),
            ]
        )
    names = {"step": "packet", "network": "net-\nwork", "algorithmic": "algo-\nrithmic", "queue": "queues"}
    columns = (
        *("", "min", "median", "max", "first\nhalf", "second\nhalf", "re-\ncovered"),
        *(names.get(part, part) for part in PARTS),
        *("packets\nlost", "filled\nin", "under-\nruns", "clicks\nlost"),
    )
    return [
        Table("From microphone to output over a server, ms: measured delay, displayed parts", columns, rows),
        Table("Opus", ("", "ms"), [["delay of a click, encoded and decoded", formatted(codec_milliseconds, 1)]]),
    ]


def capacity_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return how the slowest session does, by the number of sessions."""
    columns = (
        *("sessions", "p50, ms", "p99, ms", "deadline, ms", "queue, ms"),
        *("underruns", "dropped\nframes", "workers' share\nof a core", "clients' share\nof a core"),
    )
    return Table(
        "Sessions at once: the slowest session's steps",
        columns,
        [
            [
                str(row["sessions"]),
                formatted(row["p50_milliseconds"], 1),
                formatted(row["p99_milliseconds"], 1),
                formatted(row["deadline_milliseconds"], 0),
                formatted(row["queue_milliseconds"], 0),
                str(row["underruns"]),
                str(row["dropped_frames"]),
                *(f"{100 * row[f'{who}_core_share']:.0f} %" for who in ("workers", "clients")),
            ]
            for row in rows
        ],
    )


def visits_table(figures: dict[str, Any]) -> Table:
    """Return what is held after the first and the last round of many sessions."""
    first, last = figures["held"][0], figures["held"][-1]
    rows = [[name, *(formatted(held[name], 1) for held in (first, last, figures["growth"]))] for name in first]
    title = f"What is held between sessions, of which {figures['sessions']} came and went"
    return Table(title, ("", "after the\nfirst ten", "at the end", "growth once\nsettled"), rows)
