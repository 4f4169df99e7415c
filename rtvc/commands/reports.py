"""Report options shared by all benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtvc.benchmark.report import Report
from rtvc.errors import RtvcError

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write tables and settings to this HTML file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing reports.")]


def check_reports(json: Path | None, html: Path | None, force: bool) -> None:
    """Raise `RtvcError` if a report cannot be written; called before measuring."""
    for path in (json, html):
        if path is not None and path.exists() and not force:
            raise RtvcError(f"{path} already exists; use --force to replace it.")
        if path is not None and not path.parent.is_dir():
            raise RtvcError(f"{path}: its folder does not exist.")


def write_report(report: Report, json: Path | None, html: Path | None) -> None:
    """Print the tables and write the requested files."""
    report.print()
    if json is not None:
        report.write_json(json)
    if html is not None:
        report.write_html(html)
