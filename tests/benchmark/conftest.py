"""A folder of speakers, and judges that need no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark import listener
from rtvc.benchmark.metrics import SAMPLE_RATE
from tests.support.quality import SPEAKERS, LevelRecogniser, PitchListener, tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three speakers, each of one pitch, with recordings of 2, 6, 4, 3.5 and 5 s."""
    for name, hertz in SPEAKERS.items():
        place = tmp_path / "corpus" / name
        place.mkdir(parents=True)
        for index, seconds in enumerate([2, 6, 4, 3.5, 5]):
            soundfile.write(place / f"{name}-{index}.flac", tone(hertz, seconds), SAMPLE_RATE)
    (tmp_path / "corpus" / "ann" / "notes.md").write_text("not a recording")
    return tmp_path


@pytest.fixture
def simple_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the models by stand-ins that need no package of the extra: these tests are of the protocol."""
    monkeypatch.setattr(listener, "SpeakerEncoder", PitchListener)
    monkeypatch.setattr(listener, "Recogniser", LevelRecogniser)
    monkeypatch.setattr(listener, "overall_quality", lambda audio: float(5 * np.abs(audio).max()))
