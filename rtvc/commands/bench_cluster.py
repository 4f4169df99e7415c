"""`rtvc bench cluster`: how fast Dask workers convert recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from rtvc.benchmark.cluster import cluster_report
from rtvc.commands.bench_speed import progress_bar
from rtvc.commands.options import PackName
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.packs.pack import find_pack


def cluster(
    pack: PackName = "mini",
    workers: Annotated[
        list[int] | None, typer.Option(min=1, help="Worker processes. Repeatable. Default: 1 and 2.")
    ] = None,
    recordings: Annotated[int, typer.Option(min=1, help="Recordings to convert on each cluster, 7 s each.")] = 60,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure how many recordings an hour Dask workers on this machine convert, and how well more workers scale."""
    check_reports(json, html, force)
    with progress_bar("conversion") as progress:
        report = cluster_report(find_pack(pack), workers or (1, 2), recordings, progress)
    write_report(report, json, html)
