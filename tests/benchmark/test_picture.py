"""The picture of a conversion."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.picture import MAX_SECONDS, conversion_picture
from rtvc.errors import RtvcError
from tests.support.vowels import harmonics

RATE = 16000


@pytest.mark.parametrize("rate", [16000, 48000])
def test_the_picture_is_a_png_that_shows_the_sounds(tmp_path: Path, rate: int) -> None:
    image = pytest.importorskip("matplotlib.image", reason="pictures need matplotlib, of the extra `benchmark`")
    seconds = {"source": 1.5, "reference": 1.0, "result": 1.5}
    sounds = {
        name: harmonics(np.full(round(length * rate), 100.0 + 50 * index), rate)
        for index, (name, length) in enumerate(seconds.items())
    }
    conversion_picture(tmp_path / "a.png", **sounds, sample_rate=rate)
    silent = {name: np.zeros_like(audio) for name, audio in sounds.items()}
    conversion_picture(tmp_path / "silent.png", **silent, sample_rate=rate)
    with_sound, without = (image.imread(tmp_path / name) for name in ("a.png", "silent.png"))
    assert with_sound.shape == without.shape
    assert min(with_sound.shape[:2]) > 1000
    assert (with_sound != without).any(axis=2).mean() > 0.02
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "silent.png"]


def test_a_long_sound_is_drawn_to_its_limit(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib, of the extra `benchmark`")
    rate = 8000
    long = harmonics(np.full(round((MAX_SECONDS + 3) * rate), 150.0), rate)
    limited = long[: round(MAX_SECONDS * rate)]
    conversion_picture(tmp_path / "long.png", long, limited, limited, rate)
    conversion_picture(tmp_path / "limited.png", limited, limited, limited, rate)
    assert (tmp_path / "long.png").read_bytes() == (tmp_path / "limited.png").read_bytes()


def test_what_cannot_be_drawn_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tone = harmonics(np.full(8000, 150.0), RATE)
    with pytest.raises(RtvcError, match="The reference is empty"):
        conversion_picture(tmp_path / "a.png", tone, tone[:0], tone, RATE)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RtvcError, match="needs matplotlib"):
        conversion_picture(tmp_path / "a.png", tone, tone, tone, RATE)
