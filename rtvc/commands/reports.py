"""Where a benchmark's report goes: the same options and the same care for every one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtvc.benchmark.report import Report
from rtvc.errors import RtvcError

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures here as JSON.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write a page here that holds tables and settings.")]
Force = Annotated[bool, typer.Option("--force", help="Replace reports that exist.")]


def check_reports(json: Path | None, html: Path | None, force: bool) -> None:
    """Raise `RtvcError`, before anything is measured, if a report could not be written."""
    for path in (json, html):
        if path is not None and path.exists() and not force:
            raise RtvcError(f"{path}: exists already; use --force to replace it")
        if path is not None and not path.parent.is_dir():
            raise RtvcError(f"{path}: its folder does not exist")


def hand_over(report: Report, json: Path | None, html: Path | None) -> None:
    """Print the tables and write the files that were asked for."""
    report.print()
    if json is not None:
        report.write_json(json)
    if html is not None:
        report.write_html(html)
