"""What each setting of a streaming pack costs: `python -m export.sweep --from FOLDER --html fidelity.html`.

Builds a pack for every setting, measures it against whole utterances, and throws it away. Encoder and vocoder are
varied together, since each has figures of its own. On two cores it takes a few minutes a setting.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from export.build import GPU, BuildSettings, Models, Precision, build_pack
from export.wavlm import EncoderSettings
from rtvc.benchmark.fidelity import Fidelity, fidelity_report, find_recordings
from rtvc.catalogue import KNOWN, KnownPack, downloads, known_pack, take
from rtvc.commands.reports import check_reports, hand_over


def settings_to_try() -> list[BuildSettings]:
    """Return settings that differ in lookahead, window, past and precision, and in form and delay of the vocoder."""
    tried: tuple[tuple[int, int, Precision, int], ...] = (
        (0, 100, "int8", 0),
        (1, 100, "int8", 1),
        (2, 100, "int8", 2),
        (2, 100, "float32", 3),
        (2, 100, "int8-blockwise", 4),
        (2, 25, "int8", 5),
        (2, 200, "int8", 6),
        (4, 100, "int8", 8),
        (8, 100, "int8", 11),
    )
    incremental = [
        BuildSettings(EncoderSettings(lookahead, lookahead + 1, past), "cached", delay, precision=precision)
        for lookahead, past, precision, delay in tried
    ]
    windowed = [
        replace(GPU, encoder=EncoderSettings(lookahead, window, 0), vocoder_frames=right)
        for lookahead, window, right in ((2, 25, 0), (2, 50, 1), (2, 100, 2), (4, 100, 4), (8, 100, 11))
    ]
    return [*incremental, *windowed]


def describe(settings: BuildSettings) -> str:
    """Return a short name: lookahead, window and past of the encoder, precision, and the vocoder's wait."""
    e = settings.encoder
    return f"L{e.lookahead} W{e.window} P{e.past} {settings.precision}, {settings.vocoder} {settings.vocoder_frames}"


def sweep(known: KnownPack, models: Models, speech: list[Path], tried: list[BuildSettings]) -> dict[str, Fidelity]:
    """Return the figures of each setting."""
    rows = {}
    for settings in tried:
        with tempfile.TemporaryDirectory() as folder:
            rows[describe(settings)] = build_pack(known, models, speech, Path(folder) / known.name, settings)
    return rows


def main() -> None:
    """Read the command line, measure, and hand the report over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pack", default=next(iter(KNOWN)), help="which known pack")
    parser.add_argument("--from", dest="folder", type=Path, default=downloads(), help="where its checkpoints are")
    parser.add_argument("--unverified", action="store_true", help="take other files than the published ones")
    parser.add_argument("--speech", type=Path, help="a folder of speech; default: the shipped voices")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--force", action="store_true", help="replace reports that exist")
    arguments = parser.parse_args()
    check_reports(arguments.json, arguments.html, arguments.force)
    known = known_pack(arguments.pack)
    paths, warnings = take(known, arguments.folder, arguments.unverified)
    print(*warnings, sep="\n")
    models = Models.load(paths[known.encoder], paths[known.vocoder])
    rows = sweep(known, models, find_recordings(arguments.speech), settings_to_try())
    title = "Streamed against whole utterances: L lookahead, W window, P past, in frames"
    report = fidelity_report(rows, {"checkpoints": models.checkpoints}, {}, title, picture=arguments.html is not None)
    hand_over(report, arguments.json, arguments.html)


if __name__ == "__main__":
    main()
