"""`rtvc bench anonymity`: what a converted corpus still tells of its speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtvc.benchmark.anonymity import anonymity_report, find_conversions
from rtvc.commands.bench_speed import progress_bar
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.files.manifest import NAME


def anonymity(
    folder: Annotated[Path, typer.Argument(help="Folder of the recordings that were converted.")],
    output: Annotated[Path, typer.Argument(help="Folder of their conversions.")],
    manifest: Annotated[
        Path | None, typer.Option(help=f"Manifest of the conversion. Default: {NAME} in the folder of conversions.")
    ] = None,
    speaker_folder: Annotated[
        int, typer.Option(min=1, help="Which folder in a recording's path names its speaker.")
    ] = 1,
    recordings: Annotated[
        int | None, typer.Option(min=2, help="Measure only the first recordings of each speaker, this many.")
    ] = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Measure an anonymised folder: similarity to its speakers, speaker verification, naturalness and words."""
    check_reports(json, html, force)
    conversions = find_conversions(folder, output, manifest or output / NAME, speaker_folder, recordings)
    settings = {"folder": folder, "output": output, "speaker_folder": speaker_folder, "recordings": recordings}
    with progress_bar("recording") as progress:
        report = anonymity_report(conversions, settings, progress)
    write_report(report, json, html)
