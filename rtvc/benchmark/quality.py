"""`rtvc bench quality`: conversions between speakers, by several systems and with the same measures.

`rtvc.benchmark.speakers` describes the protocol. Everything runs in the calling thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rtvc.audio_file import audio_writer
from rtvc.benchmark.listener import Listener, Row
from rtvc.benchmark.metrics import SAMPLE_RATE, Estimate, bootstrap, bootstrap_equal_error_rate
from rtvc.benchmark.picture import conversion_picture
from rtvc.benchmark.report import Report, Table
from rtvc.benchmark.speakers import NEAR_SEMITONES, Pair, load, reference_audio
from rtvc.benchmark.systems import System
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError

MEASURES = {
    "similarity_to_target": "similarity\nto target",
    "similarity_to_source": "similarity\nto source",
    "closer_to_target": "closer\nto target",
    "energy_distance": "energy\ndistance",
    "quality": "DNSMOS",
    "transcript_error": "transcript\nerror",
    "phone_error": "phone\nerror",
    "text_error": "text\nerror",
    "pitch_correlation": "pitch\ncorrelation",
    "burst_decibels": "burst,\ndB",
    "real_time_factor": "real-time\nfactor",
}
"""The measures of a summary and their headings."""

EER = "equal_error_rate"
DISTANCE = "energy_distance"
VOICE_MEASURES = (
    *("similarity_to_target", "similarity_to_source", "closer_to_target"),
    *("quality", "pitch_correlation"),
)
KIND_MEASURES = ("similarity_to_target", "closer_to_target", "quality", "phone_error")
"""Columns of the tables. More than five columns with intervals do not fit 100 characters."""

KINDS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "same sex": lambda row: bool(row["same_sex"]),
    "other sex": lambda row: not row["same_sex"],
    f"pitch < {NEAR_SEMITONES:g} semitones apart": lambda row: bool(row["semitones_apart"] < NEAR_SEMITONES),
    f"pitch ≥ {NEAR_SEMITONES:g} semitones apart": lambda row: bool(row["semitones_apart"] >= NEAR_SEMITONES),
}
"""Kinds of pairs, by a row's plain keys."""

Summary = dict[str, Estimate | None]


def measure_pairs(
    pairs: Sequence[Pair],
    systems: Sequence[System],
    listener: Listener,
    keep: Path | None = None,
    pictures: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Row]:
    """Convert every pair with every system and yield the measures of each result as it is ready.

    Parameters
    ----------
    pairs, systems
        What to convert, and with what.
    listener
        Takes the measures.
    keep
        A folder for the sources, references and results as FLAC.
    pictures
        A folder for a PNG of each conversion: source, reference and result one above the other.
    progress
        Called with the number of conversions measured and their total.

    Raises
    ------
    RtvcError
        If a recording cannot be used, a picture cannot be drawn, or a result is invalid: of another length than the
        source, or not finite.
    """
    for done, pair in enumerate(pairs):
        source = load(pair.recording)
        for index, system in enumerate(systems):
            reference = reference_audio(pair.target, system.reference_seconds)
            start = time.perf_counter()
            result = system.convert(source, reference)
            seconds = time.perf_counter() - start
            if result.shape != source.shape or not np.isfinite(result).all():
                raise RtvcError(
                    f"{system.name} returned invalid audio for {pair.recording}: "
                    f"{source.shape} to {result.shape}, finite: {bool(np.isfinite(result).all())}."
                )
            if keep is not None:
                _keep(keep, pair, system, {"source": source, "reference": reference, system.name: result})
            if pictures is not None:
                pictures.mkdir(parents=True, exist_ok=True)
                name = _plain_name(f"{pair.source.name} to {pair.target.name} {_with_length(system.name, system)}")
                conversion_picture(pictures / f"{name}.png", source, reference, result, SAMPLE_RATE)
            yield listener.measure(pair, source, result, system, seconds)
            if progress is not None:
                progress(done * len(systems) + index + 1, len(pairs) * len(systems))


def summarize(rows: Sequence[Mapping[str, Any]]) -> Summary:
    """Return mean and interval of each measure over rows given by their plain keys."""
    return {measure: bootstrap([row[measure] for row in rows]) for measure in MEASURES}


def verification(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Return the equal error rate over rows given by their plain keys."""
    return bootstrap_equal_error_rate(
        [row["similarity_of_target"] for row in rows], [row["similarity_to_target"] for row in rows]
    )


def by_system(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, float], list[Mapping[str, Any]]]:
    """Return the rows of each system and length of reference, in the rows' order."""
    groups: dict[tuple[str, float], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["system"], row["reference_seconds"]), []).append(row)
    return groups


def quality_report(rows: Sequence[Row], settings: Mapping[str, Any], packs: Mapping[str, Any]) -> Report:
    """Return the report of a run: one table over all pairs, one by pair kind, and every row for programs."""
    plain = [asdict(row) for row in rows]
    groups = by_system(plain)
    summaries = {group: summarize(members) for group, members in groups.items()}
    rates = {group: verification(members) for group, members in groups.items()}
    systems = [
        {"system": name, "reference_seconds": seconds, **_as_dict(summary), EER: asdict(rates[name, seconds])}
        for (name, seconds), summary in summaries.items()
    ]
    kinds = [
        {
            "system": name,
            "reference_seconds": seconds,
            "kind": kind,
            **_as_dict(summarize([row for row in members if belongs(row)])),
        }
        for (name, seconds), members in groups.items()
        for kind, belongs in KINDS.items()
    ]
    pairs = len({(row.source, row.target) for row in rows})
    converting = sum(row.real_time_factor * row.source_seconds for row in rows)
    seconds_per_conversion = (converting + sum(row.judging_seconds for row in rows)) / max(len(rows), 1)
    results = {
        "seconds_per_conversion": seconds_per_conversion,
        "systems": systems,
        "kinds": kinds,
        "rows": plain,
    }
    title = f"{pairs} pairs, {seconds_per_conversion:.1f} s per conversion: mean and 95 % bootstrap interval"
    others = [name for name in MEASURES if name not in (*VOICE_MEASURES, DISTANCE)]
    tables = [_table(title, summaries, VOICE_MEASURES), _table("Words, bursts and speed", summaries, others)]
    verified = Table(
        "Conversions against the target's own recordings: distance of features, and verification by similarity, in "
        "which 50 % is indistinguishable",
        ("system\nand reference", MEASURES[DISTANCE], "equal error\nrate, %"),
        [
            (
                f"{name}\n{seconds:g} s",
                _cell(DISTANCE, summaries[name, seconds][DISTANCE]),
                f"{100 * rate.mean:.0f}\n{100 * rate.low:.0f}…{100 * rate.high:.0f}",
            )
            for (name, seconds), rate in rates.items()
        ],
    )
    return Report("quality", results, settings, packs, [*tables, verified, _kinds_table(groups)])


def _table(title: str, summaries: Mapping[tuple[str, float], Summary], measures: Sequence[str]) -> Table:
    shown = [name for name in measures if any(summary[name] is not None for summary in summaries.values())]
    return Table(
        title,
        ("system\nand reference", *(MEASURES[name] for name in shown)),
        [
            (f"{system}\n{seconds:g} s", *(_cell(name, summary[name]) for name in shown))
            for (system, seconds), summary in summaries.items()
        ],
    )


def _kinds_table(groups: Mapping[tuple[str, float], Sequence[Mapping[str, Any]]]) -> Table:
    rows = []
    for (system, seconds), members in groups.items():
        for kind, belongs in KINDS.items():
            chosen = [row for row in members if belongs(row)]
            if not chosen:
                continue
            summary = summarize(chosen)
            cells = [_cell(name, summary[name]) for name in KIND_MEASURES]
            rows.append((f"{system}, {seconds:g} s\n{kind}", str(len(chosen)), *cells))
    return Table("By kind of pair", ("system and kind", "pairs", *(MEASURES[name] for name in KIND_MEASURES)), rows)


def _as_dict(summary: Summary) -> dict[str, Any]:
    return {name: None if estimate is None else asdict(estimate) for name, estimate in summary.items()}


def _cell(measure: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    if measure == "closer_to_target":
        return f"{estimate.mean:.0%}\n{estimate.low:.0%}…{estimate.high:.0%}"
    return f"{estimate.mean:.3f}\n{estimate.low:.3f}…{estimate.high:.3f}"


def _keep(folder: Path, pair: Pair, system: System, sounds: Mapping[str, Block]) -> None:
    place = folder / _plain_name(f"{pair.source.name} to {pair.target.name}")
    place.mkdir(parents=True, exist_ok=True)
    for name, audio in sounds.items():
        named = name if name == "source" else _with_length(name, system)
        with audio_writer(place / f"{_plain_name(named)}.flac", SAMPLE_RATE, overwrite=True) as file:
            file.write(audio)


def _with_length(name: str, system: System) -> str:
    return f"{name} {system.reference_seconds:g}s"


def _plain_name(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")
