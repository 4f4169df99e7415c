"""The report of every benchmark: figures, settings, model packs, machine and versions.

A `Report` prints as tables and is written as JSON or as one self-contained HTML file.
"""

from __future__ import annotations

import base64
import html
import importlib.metadata
import json
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as RichTable

from rtvc.storage import atomic_write

PACKAGES = (
    *("rtvc", "numpy", "scipy", "onnxruntime", "onnxruntime-gpu", "soundfile", "samplerate", "sounddevice"),
    *("torch", "Resemblyzer", "speechmos", "pocketsphinx", "rapidfuzz", "pyworld", "librosa", "matplotlib"),
    *("dask", "distributed", "pyarrow"),
)
"""Packages whose versions may affect a figure. Those not installed are left out of a report."""

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""A JSON value."""


@dataclass(frozen=True)
class Table:
    """A table for people; each row has one text per column, which may have several lines."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def _memory_gibibytes() -> float | None:
    if sys.platform == "win32":
        return None
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def environment() -> dict[str, Any]:
    """Return date, command, machine and package versions of this process."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gibibytes": _memory_gibibytes(),
            "system": platform.platform(),
        },
        "versions": _versions(),
    }


def plain(value: object) -> Plain:
    """Return the value as JSON: NumPy values as Python ones, NaN and infinities as None, other objects as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


@dataclass(frozen=True)
class Report:
    """The result of one benchmark.

    Parameters
    ----------
    name
        Name of the benchmark: `quality`, `latency`, …
    results
        The figures by key, for programs.
    settings
        The options of the run.
    packs
        What identifies each measured model pack, by name: its digest.
    tables, images
        The figures for people: tables, and PNG images by caption.
    environment
        Date, command, machine and versions.
    """

    name: str
    results: Mapping[str, Any]
    settings: Mapping[str, Any]
    packs: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    images: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=environment)

    def as_dict(self) -> dict[str, Plain]:
        """Return everything but tables and images as JSON."""
        parts: dict[str, object] = {"benchmark": self.name, **self.environment}
        parts |= {"settings": self.settings, "packs": self.packs, "results": self.results}
        return {name: plain(part) for name, part in parts.items()}

    def print(self, console: Console | None = None) -> None:
        """Print the tables: as wide as the terminal, or 160 columns into a file or pipe."""
        console = console or Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False)
        for table in self.tables:
            printed = RichTable(title=table.title, title_justify="left", box=SIMPLE, padding=(0, 1), pad_edge=False)
            for index, column in enumerate(table.columns):
                printed.add_column(column, justify="right" if index else "left", overflow="fold")
            for row in table.rows:
                printed.add_row(*row)
            console.print(printed)

    def write_json(self, path: Path) -> None:
        """Write `as_dict` as JSON; raises `RtvcError` if the file cannot be written."""
        with atomic_write(path) as file:
            file.write((json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n").encode())

    def write_html(self, path: Path) -> None:
        """Write tables, images, settings and machine as one HTML file; raises `RtvcError` if it cannot be written."""
        parts = [_html_table(table) for table in self.tables]
        for caption, image in self.images.items():
            source = base64.b64encode(image).decode()
            parts.append(
                f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{source}">'
                f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            )
        facts = {key: value for key, value in self.as_dict().items() if key not in ("benchmark", "results")}
        parts.append(_html_table(Table("Environment and settings", ("key", "value"), tuple(_flat(facts)))))
        page = _PAGE.format(title=html.escape(f"rtvc bench {self.name}"), body="\n".join(parts))
        with atomic_write(path) as file:
            file.write(page.encode())


def _flat(value: object, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _flat(item, f"{name} {key}".strip())]
    if isinstance(value, list):
        return [(name, ", ".join(map(str, value)))]
    return [(name, "" if value is None else str(value))]


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return (
        f"<h2>{html.escape(table.title)}</h2>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; white-space: pre-line; }}
th:first-child, td:first-child {{ text-align: left; }}
img {{ max-width: 100%; }} figure {{ margin: 1.5rem 0; }} figcaption {{ color: #666; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""
