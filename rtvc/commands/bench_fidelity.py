"""`rtvc bench fidelity`: how far streaming output of a pack is from its offline models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtvc.benchmark.fidelity import fidelity_report, find_recordings, measure, read_recordings
from rtvc.commands.options import Threads
from rtvc.commands.reports import Force, HtmlFile, JsonFile, check_reports, write_report
from rtvc.files.whole_file_conversion import OfflineModels
from rtvc.packs.pack import find_pack
from rtvc.packs.runtime import Runtime


def fidelity(
    pack: Annotated[list[str], typer.Option("--pack", help="Pack to measure, built with `--offline`. Repeatable.")],
    speech: Annotated[Path | None, typer.Option(help="Folder of speech. Default: the shipped voices.")] = None,
    recordings: Annotated[int, typer.Option(min=1, help="Number of recordings to use, 4 s of each.")] = 3,
    step: Annotated[int, typer.Option(min=1, help="Feature frames of 20 ms per step.")] = 1,
    threads: Threads = None,
    json: JsonFile = None,
    html: HtmlFile = None,
    force: Force = False,
) -> None:
    """Compare streaming features and audio of packs with their own models run over whole recordings."""
    check_reports(json, html, force)
    paths = find_recordings(speech)
    rows, digests = {}, {}
    for name in pack:
        opened = find_pack(name, Runtime(threads))
        offline = OfflineModels(opened)
        sounds = read_recordings(paths, opened.sample_rate, opened.level_dbfs, recordings)
        rows[name] = measure(opened, offline.encode, offline.vocode, sounds, step)
        digests[name] = {"digest": opened.digest}
    settings = {"speech": speech or "shipped voices", "recordings": recordings, "step": step, "threads": threads}
    title = "Streaming against offline models"
    write_report(fidelity_report(rows, settings, digests, title, picture=html is not None), json, html)
