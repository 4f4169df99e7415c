"""What a microphone may hear instead of clear reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.conditions import (
    AddNoise,
    ChangeLevel,
    Conditioned,
    InRoom,
    find_conditions,
    octave_up,
    room_response,
    whispered,
)
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


@pytest.mark.parametrize("distance", [0.3, 1.5])
def test_echoes_in_a_room_fall_by_60_db_in_two_fifths_of_a_second(distance: float) -> None:
    response = room_response(distance).astype(np.float64)
    remaining = np.cumsum(response[:0:-1] ** 2)[::-1]  # Schroeder, 1965
    fallen = 10 * np.log10(remaining / remaining[0])
    twenty = np.argmax(fallen < -25) - np.argmax(fallen < -5)
    assert 3 * twenty / SAMPLE_RATE == pytest.approx(0.4, abs=0.05)


def test_a_room_leaves_the_direct_sound_and_is_drier_nearby() -> None:
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[100] = 0.5
    echoes = []
    for distance in (0.3, 1.5):
        heard = InRoom(distance)(click)
        np.testing.assert_allclose(heard[:101], click[:101], atol=1e-6)
        echoes.append(np.sum(heard[101:] ** 2))
    assert echoes[0] < echoes[1] / 10


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
        *("in a room, 0.3 m away", "in a room, 1.5 m away"),
    }
    assert "noise at 0 dB" not in find_conditions(folder, None)
    (folder / "nothing").mkdir()
    with pytest.raises(RtvcError, match="contains no recordings"):
        find_conditions(folder, folder / "nothing")


def test_whispers_have_no_pitch_and_an_octave_has_twice_of_it() -> None:
    pytest.importorskip("pyworld", reason="needs pyworld")
    source = shipped_voices()[0].recording.read()[: 3 * SAMPLE_RATE]
    pitch, whisper, high = (
        track_pitch(sound, SAMPLE_RATE) for sound in (source, whispered(source), octave_up(source))
    )
    assert np.isfinite(whisper).mean() < 0.2 * np.isfinite(pitch).mean()
    assert np.nanmedian(high) == pytest.approx(2 * np.nanmedian(pitch), rel=0.1)
