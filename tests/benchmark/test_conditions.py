"""What a microphone may hear instead of clear reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.conditions import AddNoise, ChangeLevel, Conditioned, find_conditions, octave_up, whispered
from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.benchmark.pitch import track_pitch
from rtvc.errors import RtvcError
from rtvc.voices.library import shipped_voices
from tests.support.quality import tone


@pytest.mark.parametrize("ratio", [20, 10, 0])
def test_noise_lies_so_far_below_the_speech(ratio: int) -> None:
    source = tone(200, 3)
    noise = np.random.default_rng(0).standard_normal(5 * SAMPLE_RATE).astype(np.float32)
    mixed = AddNoise(noise, ratio)(source)
    measured = 10 * np.log10(np.mean(source**2) / np.mean((mixed - source) ** 2))
    assert measured == pytest.approx(ratio, abs=0.5)
    np.testing.assert_array_equal(mixed, AddNoise(noise, ratio)(source))


def test_levels_change_and_clip() -> None:
    source = tone(200, 1)
    np.testing.assert_allclose(ChangeLevel(-15)(source), source * 10 ** (-15 / 20), rtol=1e-5)
    assert np.abs(ChangeLevel(15)(source)).max() == 1


def test_a_changed_source_is_what_the_converter_hears() -> None:
    heard = Conditioned(ChangeLevel(-20), lambda source, reference: source + reference)(tone(200, 1), tone(100, 1))
    np.testing.assert_allclose(heard, 0.1 * tone(200, 1) + tone(100, 1), rtol=1e-5)


def test_babble_and_noise_come_from_folders(folder: Path) -> None:
    conditions = find_conditions(folder, folder / "corpus" / "ann")
    source = tone(150, 4)
    changed = {
        name
        for name, change in conditions.items()
        if name not in ("whispered", "an octave up") and not np.array_equal(change(source), source)
    }
    assert changed == {
        *(f"{kind} at {ratio} dB" for kind in ("babble", "noise") for ratio in (20, 10, 0)),
        *("level +15 dB", "level -15 dB"),
    }
    assert "noise at 0 dB" not in find_conditions(folder, None)
    (folder / "nothing").mkdir()
    with pytest.raises(RtvcError, match="holds no recordings"):
        find_conditions(folder, folder / "nothing")


def test_whispers_have_no_pitch_and_an_octave_has_twice_of_it() -> None:
    pytest.importorskip("pyworld", reason="needs pyworld")
    source = shipped_voices()[0].recording.read()[: 3 * SAMPLE_RATE]
    pitch, whisper, high = (
        track_pitch(sound, SAMPLE_RATE) for sound in (source, whispered(source), octave_up(source))
    )
    assert np.isfinite(whisper).mean() < 0.2 * np.isfinite(pitch).mean()
    assert np.nanmedian(high) == pytest.approx(2 * np.nanmedian(pitch), rel=0.1)
