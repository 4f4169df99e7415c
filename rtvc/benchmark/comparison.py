"""Comparison of two reports of the same benchmark, figure by figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtvc.benchmark.report import Report, Table
from rtvc.errors import RtvcError


def compare_reports(first: Path, second: Path) -> Report:
    """Return the figures that both reports share, with their changes.

    Raises `RtvcError` if a file is not a report, the benchmarks differ, or no figure is shared.
    """
    before, after = read_report(first), read_report(second)
    name = str(before["benchmark"])
    if after["benchmark"] != name:
        raise RtvcError(
            f"{first} is a report of {name}, {second} of {after['benchmark']}: compare reports of one benchmark."
        )
    old, new = figures(before["results"]), figures(after["results"])
    common = [key for key in old if key in new]
    if not common:
        raise RtvcError(f"{first} and {second} have no figure in common: measure both with the same settings.")
    results = {key: {"before": old[key], "after": new[key], "change": new[key] - old[key]} for key in common}
    rows = [
        [key, f"{old[key]:.4g}", f"{new[key]:.4g}", f"{new[key] - old[key]:+.4g}", _percent(old[key], new[key])]
        for key in common
    ]
    columns = ("figure", "before", "after", "change", "%")
    settings = {"before": str(first), "after": str(second)}
    packs = {"before": before["packs"], "after": after["packs"]}
    title = f"{name}: {first.name} and {second.name}"
    return Report(f"{name}, compared", results, settings, packs, [Table(title, columns, rows)])


def figures(results: Mapping[str, Any], where: str = "") -> dict[str, float]:
    """Return the numbers in nested results, with keys joined by ` / `. Lists and None are skipped."""
    found: dict[str, float] = {}
    for key, value in results.items():
        name = f"{where} / {key}" if where else key
        if isinstance(value, Mapping):
            found |= figures(value, name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
    return found


def read_report(path: Path) -> dict[str, Any]:
    """Return a JSON report; raises `RtvcError` if the file is not one."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(report["benchmark"], str) and isinstance(report["results"], dict) and "packs" in report:
            return report
    except OSError as error:
        raise RtvcError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        pass
    raise RtvcError(f"{path} is not a report of `rtvc bench … --json`.")


def _percent(old: float, new: float) -> str:
    return f"{100 * (new - old) / abs(old):+.1f}" if old else "-"
