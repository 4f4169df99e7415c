"""Measure the cost of each streaming setting: `python -m export.sweep --from FOLDER --html fidelity.html`.

Exports the graphs of every setting to a temporary folder and compares them with whole utterances. Encoder and vocoder
vary together, because each has its own figures. A setting takes about a minute on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from export.build import MEASURED_RECORDINGS
from export.graphs import LEVEL_DBFS, export_graphs
from export.published import Models
from export.settings import GPU, BuildSettings, Precision
from export.wavlm import EncoderSettings
from rtvc.benchmark.fidelity import Fidelity, fidelity_report, find_recordings, measure, read_recordings
from rtvc.commands.reports import check_reports, write_report
from rtvc.packs.catalogue import KNOWN, KnownPack, downloads, known_pack, take
from rtvc.packs.runtime import Runtime


def settings_to_try() -> list[BuildSettings]:
    """Return settings that differ in lookahead, window, past, precision, and in the vocoder's form and delay."""
    tried: tuple[tuple[int, int, Precision, int, Precision], ...] = (
        (0, 100, "int8-blockwise", 0, "int8"),
        (1, 100, "int8-blockwise", 1, "int8"),
        (2, 100, "int8-blockwise", 2, "int8"),
        (2, 100, "int8", 2, "int8-blockwise"),
        (2, 100, "float32", 2, "float32"),
        (2, 25, "int8-blockwise", 3, "int8"),
        (2, 200, "int8-blockwise", 4, "int8"),
        (4, 100, "int8-blockwise", 8, "int8"),
        (8, 100, "int8-blockwise", 11, "int8"),
    )
    incremental = [
        BuildSettings(
            EncoderSettings(lookahead, lookahead + 1, past),
            vocoder_frames=delay,
            precision=precision,
            vocoder_precision=vocoder_precision,
        )
        for lookahead, past, precision, delay, vocoder_precision in tried
    ]
    windowed = [
        replace(GPU, encoder=EncoderSettings(lookahead, window, 0), vocoder_frames=right)
        for lookahead, window, right in ((2, 25, 1), (2, 75, 2), (8, 75, 11))
    ]
    return [*incremental, *windowed]


def describe(settings: BuildSettings) -> str:
    """Return a short name: the encoder's lookahead, window, past, precision; the vocoder's form, delay, precision."""
    e, s = settings.encoder, settings
    encoder = f"L{e.lookahead} W{e.window} P{e.past} {s.precision}"
    return f"{encoder}, {s.vocoder} {s.vocoder_frames} {s.vocoder_precision}"


def sweep(
    known: KnownPack,
    models: Models,
    speech: list[Path],
    tried: list[BuildSettings],
    recordings: int = MEASURED_RECORDINGS,
    threads: int | None = None,
) -> dict[str, Fidelity]:
    """Return the figures of each setting over some recordings, with `threads` per graph (None: the pack's)."""
    sounds = read_recordings(speech, models.encoder.configuration.sample_rate, LEVEL_DBFS, recordings)
    rows = {}
    for settings in tried:
        with tempfile.TemporaryDirectory() as folder:
            pack = export_graphs(known, models, sounds[0], settings, Path(folder))
            rows[describe(settings)] = found = measure(
                pack.bound(Runtime(threads)), models.encode, models.vocode, sounds
            )
        print(f"{describe(settings)}: {found}", flush=True)
    return rows


def main() -> None:
    """Read the command line, measure, and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pack", default=next(iter(KNOWN)), help="which known pack")
    parser.add_argument("--from", dest="folder", type=Path, default=downloads(), help="folder of its checkpoints")
    parser.add_argument("--unverified", action="store_true", help="accept files other than the published ones")
    parser.add_argument("--speech", type=Path, help="a folder of speech; default: the shipped voices")
    parser.add_argument("--recordings", type=int, default=MEASURED_RECORDINGS, help="number of recordings to measure")
    parser.add_argument("--threads", type=int, help="threads per graph; default: the pack's")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--force", action="store_true", help="replace reports that exist")
    arguments = parser.parse_args()
    check_reports(arguments.json, arguments.html, arguments.force)
    known = known_pack(arguments.pack)
    paths, warnings = take(known.files, arguments.folder, arguments.unverified)
    print(*warnings, sep="\n")
    models = Models.load(paths[known.encoder], paths[known.vocoder])
    rows = sweep(
        known, models, find_recordings(arguments.speech), settings_to_try(), arguments.recordings, arguments.threads
    )
    title = "Streamed against whole utterances: L lookahead, W window, P past, in frames"
    settings = {"checkpoints": models.checkpoints, "recordings": arguments.recordings, "threads": arguments.threads}
    report = fidelity_report(rows, settings, {}, title, picture=arguments.html is not None)
    write_report(report, arguments.json, arguments.html)


if __name__ == "__main__":
    main()
