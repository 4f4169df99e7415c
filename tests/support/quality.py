"""Rows of quality reports, and judges that need no model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtvc.benchmark.listener import Row
from rtvc.benchmark.metrics import SAMPLE_RATE, Embedding
from rtvc.dsp.stage import Block


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
        "similarity_of_target": 0.9,
        "closer_to_target": similarity > 0.5,
        "energy_distance": 1.0,
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


SPEAKERS = {"ann": 230.0, "bob": 110.0, "eve": 170.0}


def tone(hertz: float, seconds: float, rate: int = SAMPLE_RATE) -> Block:
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(0.2 * np.sign(np.sin(2 * np.pi * hertz * times)), np.float32)


class PitchListener:
    """Takes the pitch for the voice, by zero crossings: a speaker encoder that is exact on these tones."""

    def embed(self, audio: Block) -> Embedding | None:
        crossings = np.count_nonzero(np.diff(np.signbit(audio)))
        if crossings == 0:
            return None
        angle = math.log2(crossings * SAMPLE_RATE / (2 * len(audio)) / 60) * math.pi / 6
        return np.array([math.cos(angle), math.sin(angle)], np.float32)


class LevelRecogniser:
    """Recognises a word per second, by its level."""

    def __init__(self, phones: bool = False) -> None:
        pass

    def words(self, audio: Block) -> str:
        seconds = audio[: len(audio) // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
        return " ".join("loud" if np.abs(second).max() > 0.15 else "soft" for second in seconds)

    def phones(self, audio: Block) -> list[str]:
        return self.words(audio).split()
