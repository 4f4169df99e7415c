"""Rows of quality reports, for tests that need no audio."""

from __future__ import annotations

from typing import Any

from rtvc.benchmark.listener import Row


def quality_row(
    system: str = "mini mkl, K = 16", target: str = "b", similarity: float = 0.7, **changed: object
) -> Row:
    values: dict[str, Any] = {
        "system": system,
        "reference_seconds": 5.0,
        "source": "a",
        "target": target,
        "recording": "a.flac",
        "same_sex": True,
        "semitones_apart": 2.0,
        "similarity_to_target": similarity,
        "similarity_to_source": 0.5,
        "closer_to_target": similarity > 0.5,
        "quality": 3.0,
        "quality_of_source": 3.1,
        "transcript_error": 0.25,
        "phone_error": 0.5,
        "text_error": None,
        "pitch_correlation": None,
        "burst_decibels": 0.0,
        "real_time_factor": 0.1,
        "source_seconds": 4.0,
        "judging_seconds": 1.0,
        "transcript": "some words",
        "transcript_of_source": "some words",
        "phones": "S AH M",
        "phones_of_source": "S AH M",
    }
    return Row(**(values | changed))
