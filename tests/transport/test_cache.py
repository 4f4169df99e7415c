"""Fitted maps that are kept beside a stored voice, and fitted anew where they are of no use."""

import os
from pathlib import Path

import numpy as np
import pytest

from rtvc.arrays import write_arrays
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.transport import Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.flow_matching import fit_flow
from rtvc.voices.library import VoiceLibrary
from tests.support.speakers import frames, speaker_set
from tests.support.transports import QUICK
from tests.support.voices import record


def test_a_flow_is_fitted_once_for_the_same_speaker_voice_pack_and_options(pack: ModelPack, tmp_path: Path) -> None:
    library = VoiceLibrary(tmp_path / "voices")
    target = library.add("kept", [record(tmp_path / "voice.wav")], pack).features(pack)
    folder = library.folder / "kept"
    told: list[float] = []

    def fitted(source: FeatureSet, towards: FeatureSet = target, **options: int) -> Transport:
        return fit_map(pack, source, towards, MapChoice("flow"), folder, told.append, **{**QUICK, **options})

    first = fitted(speaker_set(pack))
    assert told == [0.5, 1.0]
    again = fitted(speaker_set(pack))
    assert told == [0.5, 1.0]
    probe = frames(pack, 1, seed=2)
    np.testing.assert_array_equal(again(probe), first(probe))
    fitted(speaker_set(pack, seed=3))
    fitted(speaker_set(pack), seed=5)
    fitted(speaker_set(pack), FeatureSet.of(target.frames[:50], roles=pack.roles))
    assert len(told) == 8
    assert len(list(folder.glob("flow-*.npz"))) == 4
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("damage", ["cut", "version", "flipped", "dimensions"])
def test_a_kept_map_that_is_of_no_use_is_fitted_anew_and_replaced(
    pack: ModelPack, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = speaker_set(pack), speaker_set(pack, seed=2)
    told: list[float] = []
    if damage == "version":
        monkeypatch.setattr("rtvc.transport.flow_matching.ARRAYS_VERSION", 0)
    fit_map(pack, source, target, MapChoice("flow"), tmp_path, **QUICK)
    monkeypatch.undo()
    (kept,) = tmp_path.iterdir()
    if damage == "cut":
        kept.write_bytes(kept.read_bytes()[:500])
    elif damage == "flipped":
        content = bytearray(kept.read_bytes())
        content[100:400] = bytes(byte ^ 0xFF for byte in content[100:400])
        kept.write_bytes(content)
    elif damage == "dimensions":
        small, other = (FeatureSet.of(np.eye(9, 3, dtype=np.float32) + seed) for seed in (0, 1))
        with kept.open("wb") as file:
            write_arrays(file, fit_flow(small, other, **QUICK).to_arrays())
    for _ in range(2):
        fit_map(pack, source, target, MapChoice("flow"), tmp_path, told.append, **QUICK)
        assert told == [0.5, 1.0]
    assert list(tmp_path.iterdir()) == [kept]


def test_the_map_that_was_not_used_for_longest_makes_room(
    pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.transport.cache.MAXIMUM_KEPT", 2)
    target = speaker_set(pack, seed=9)
    told: list[float] = []

    def ask(seed: int) -> None:
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
        fit_map(pack, speaker_set(pack, seed), target, MapChoice("flow"), tmp_path, told.append, **QUICK)

    for seed in (1, 2, 1, 3):
        ask(seed)
    assert len(list(tmp_path.iterdir())) == 2
    told.clear()
    ask(1)
    assert not told
    ask(2)
    assert told


def test_a_folder_that_cannot_be_written_costs_no_more_than_the_fit(pack: ModelPack, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    transport = fit_map(
        pack, speaker_set(pack), speaker_set(pack, 2), MapChoice("flow"), tmp_path / "file" / "folder", **QUICK
    )
    assert np.isfinite(transport(frames(pack, 1, seed=2))).all()
