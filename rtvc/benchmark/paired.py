"""Two quality reports compared pair by pair: differences between pairs cancel, so small changes show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtvc.benchmark.comparison import read_report
from rtvc.benchmark.metrics import Estimate, bootstrap
from rtvc.benchmark.quality import KINDS, MEASURES, by_system
from rtvc.benchmark.report import Report, Table
from rtvc.errors import RtvcError

COMPARED = tuple(name for name in MEASURES if name not in ("text_error", "real_time_factor"))

_Rows = Sequence[Mapping[str, Any]]


def compare_quality(first: Path, second: Path) -> Report:
    """Return the mean paired difference (second less first) of each measure, with 95 % bootstrap intervals.

    Rows belong together if source, target, recording and length of reference agree. Systems belong together by name;
    if each report holds one system, these two are compared whatever their names.

    Raises
    ------
    RtvcError
        If a file is no quality report, or the reports share no system or no pair.
    """
    reports = [_read(path) for path in (first, second)]
    old, new = (by_system(report["results"]["rows"]) for report in reports)
    couples = {
        f"{name}, {seconds:g} s": ((name, seconds), (name, seconds))
        for name, seconds in old
        if (name, seconds) in new
    }
    if not couples and len(old) == len(new) == 1:
        couples = {f"{next(iter(new))[0]} against {next(iter(old))[0]}": (next(iter(old)), next(iter(new)))}
    if not couples:
        raise RtvcError(
            f"{first} and {second} have no system in common: measure one system in each, or the same ones."
        )
    results: dict[str, Any] = {}
    lines = []
    for title, (before, after) in couples.items():
        differences = _differences(old[before], new[after])
        if not differences:
            raise RtvcError(f"{first} and {second} have no pair in common: measure the same folder and readers.")
        for kind, belongs in {"all pairs": lambda row: True, **KINDS}.items():
            chosen = [row for row in differences if belongs(row)]
            estimates = {name: bootstrap([row[name] for row in chosen]) for name in COMPARED}
            results.setdefault(title, {})[kind] = {
                name: None if estimate is None else asdict(estimate) for name, estimate in estimates.items()
            }
            lines.append((f"{title}\n{kind}", str(len(chosen)), *map(_cell, estimates.values())))
    table = Table(
        f"{second.name} less {first.name}, pair by pair: mean and 95 % bootstrap interval; * excludes 0",
        ("system and pairs", "pairs", *(MEASURES[name] for name in COMPARED)),
        lines,
    )
    packs = {"first": reports[0]["packs"], "second": reports[1]["packs"]}
    return Report("quality, compared", results, {"first": str(first), "second": str(second)}, packs, [table])


def _differences(old: _Rows, new: _Rows) -> list[dict[str, Any]]:
    """Return the rows of `new` whose pair is in `old`, their measures replaced by differences."""
    before = {_pair(row): row for row in old}
    return [
        {**row, **{name: _difference(row.get(name), before[_pair(row)].get(name)) for name in COMPARED}}
        for row in new
        if _pair(row) in before
    ]


def _pair(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["source"], row["target"], row["recording"], row["reference_seconds"]


def _difference(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else float(new) - float(old)


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    sure = "*" if estimate.low > 0 or estimate.high < 0 else ""
    return f"{estimate.mean:+.3f}{sure}\n{estimate.low:+.3f}…{estimate.high:+.3f}"


def _read(path: Path) -> dict[str, Any]:
    report = read_report(path)
    rows = report["results"].get("rows")
    if report["benchmark"] != "quality" or not rows or "semitones_apart" not in rows[0]:
        raise RtvcError(f"{path} is not a report of `rtvc bench quality --json` of this version: measure again.")
    return report
