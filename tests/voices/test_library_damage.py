"""What a library leaves behind: after damage, full disks, kills, and programs of an earlier layout."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtvc.arrays import read_arrays, write_arrays
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.voices.analysis import read_recordings
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import reference_features
from tests.support.mutate import mutants
from tests.support.voices import own, record


@pytest.mark.parametrize("count", [60, pytest.param(5_000, marks=pytest.mark.fuzz)])
def test_damaged_features_are_computed_again(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    voice = library.add("one", [record(tmp_path / "a.wav", 2)], pack)
    stored = next((library.folder / "one").rglob("features-*.npz"))
    content, features = stored.read_bytes(), voice.features(pack)
    monkeypatch.setattr("rtvc.voices.voice.reference_features", lambda *arguments: features)
    # The last kilobytes hold the archive's directory, the first ones headers and frames.
    for damaged in (b"", *mutants(content[:2000], count // 2), *mutants(content, count // 2, within=3000)):
        stored.write_bytes(damaged)
        restored = voice.features(pack)
        np.testing.assert_array_equal(restored.frames, features.frames)
        np.testing.assert_array_equal(restored.statistics.covariance, features.statistics.covariance)


@pytest.mark.parametrize("damage", ["version", "shape", "dim", "roles", "infinite", "type", "count"])
def test_features_of_another_shape_are_computed_again(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, damage: str
) -> None:
    voice = library.add("one", [record(tmp_path / "a.wav", 2)], pack)
    stored = next((library.folder / "one").rglob("features-*.npz"))
    arrays = read_arrays(stored)
    infinite = arrays["frames"].copy()
    infinite[3, 5] = np.inf
    arrays |= {
        "version": {"version": np.array(0)},
        "shape": {"frames": arrays["frames"].ravel()},
        "dim": FeatureSet.of(arrays["frames"][:, :-1], roles=FeatureRoles()).to_arrays(),
        "roles": FeatureSet.of(arrays["frames"], roles=FeatureRoles()).to_arrays(),
        "infinite": {"frames": infinite},
        "type": {"frames": arrays["frames"].astype(np.float64)},
        "count": {"counts": arrays["counts"] + 1},
    }[damage]
    with stored.open("wb") as file:
        write_arrays(file, arrays)
    features = voice.features(pack)
    assert features.frames.shape == (features.statistics.count, pack.feature_dim)
    assert np.isfinite(features.frames).all()
    assert read_arrays(stored)["frames"].shape == features.frames.shape


def test_a_disk_that_takes_no_features_costs_no_more_than_the_analysis(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = library.add("one", [record(tmp_path / "a.wav")], pack)
    next((library.folder / "one").rglob("features-*.npz")).unlink()
    before = sorted(library.folder.rglob("*"))

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rtvc.voices.voice.write_arrays", full)
    assert len(voice.features(pack).frames) > 0
    assert sorted(library.folder.rglob("*")) == before
    with pytest.raises(RtvcError, match=r"cannot be written \(No space left on device\)"):
        library.add("two", [tmp_path / "a.wav"], pack)
    with pytest.raises(RtvcError, match=r"cannot be written \(No space left on device\)"):
        library.add("one", [tmp_path / "a.wav"], pack, replace=True)
    assert sorted(library.folder.rglob("*")) == before


def test_of_two_that_add_one_name_at_once_the_second_is_told(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "slow.wav", 2)
    record(tmp_path / "quick.wav", 5)

    def overtaken(*arguments: Any, **options: Any) -> FeatureSet:  # noqa: ANN401
        monkeypatch.undo()
        library.add("twin", [tmp_path / "quick.wav"], pack)
        return reference_features(*arguments, **options)

    monkeypatch.setattr("rtvc.voices.library.reference_features", overtaken)
    with pytest.raises(RtvcError, match=r"A voice named 'twin' already exists: choose another name"):
        library.add("twin", [tmp_path / "slow.wav"], pack)
    assert library.find("twin").speech_seconds(pack) == pytest.approx(5, abs=0.2)
    assert len(list((library.folder / "twin").iterdir())) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process cannot be forked and killed here")
@pytest.mark.parametrize("early", [False, True])
def test_a_kill_at_any_step_of_a_replacement_leaves_one_whole_voice(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, early: bool
) -> None:
    """The child is killed before its nth change to the file system, for every n until it ends by itself."""
    first, second = record(tmp_path / "5.wav", 5, 16_000), record(tmp_path / "3.wav", 3, 16_000)
    features = reference_features(*read_recordings([second]), pack, "")
    library.add("one", [first], pack)
    if early:
        as_before_contents_had_a_folder(library.folder / "one")
    before = library.folder.rename(tmp_path / "before")
    seen = []
    for step in range(100):
        shutil.rmtree(library.folder, ignore_errors=True)
        shutil.copytree(before, library.folder)
        if (child := os.fork()) == 0:
            try:
                kill_before(step)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("rtvc.voices.library.reference_features", lambda *arguments: features)
                    library.add("one", [second], pack, replace=True)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert own(library) == ["one"]
        voice = library.find("one")
        seen.append(round(voice.recording.duration))
        assert voice.speech_seconds(pack) == pytest.approx(seen[-1], abs=0.2)
        if os.waitstatus_to_exitcode(status) != 9:
            break
    # Whatever a killed process left, the next replacement succeeds.
    library.add("one", [first], pack, replace=True)
    assert library.find("one").recording.duration == pytest.approx(5, abs=0.01)
    assert step < 99
    assert seen == sorted(seen, reverse=True)
    assert {seen[0], seen[-1]} == {5, 3}


def kill_before(step: int) -> None:
    """End the process without clean-up before it changes the file system for the nth time."""
    left = step

    def count(event: str, arguments: object) -> None:
        nonlocal left
        if event in {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"}:
            if left == 0:
                os._exit(9)
            left -= 1

    sys.addaudithook(count)


def as_before_contents_had_a_folder(folder: Path) -> None:
    """Turn a voice into one of the first layout: its contents lie beside its description."""
    (contents,) = (path for path in folder.iterdir() if path.is_dir())
    for path in contents.iterdir():
        path.rename(folder / path.name)
    contents.rmdir()
    (folder / "voice.json").write_text(json.dumps({"name": folder.name, "recordings": ["a.wav"]}), encoding="utf-8")


def test_voices_of_the_first_layout_still_load_and_are_replaced_whole(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    library.add("one", [record(tmp_path / "a.wav", 5)], pack)
    as_before_contents_had_a_folder(library.folder / "one")
    assert library.find("one").speech_seconds(pack) == pytest.approx(5, abs=0.2)
    library.add("one", [record(tmp_path / "b.wav", 3)], pack, replace=True)
    assert library.find("one").speech_seconds(pack) == pytest.approx(3, abs=0.2)
    assert len(list((library.folder / "one").iterdir())) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"contents": "../../x"}', '{"contents": 7}', "[" * 100_000, '{"credit": "\\u001b[31m"}']
)
def test_a_damaged_description_costs_the_credit_only(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, text: str
) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    (library.folder / "one" / "voice.json").write_text(text, encoding="utf-8")
    voice = library.find("one")
    assert voice.reference.is_relative_to(library.folder)
    assert voice.credit.isprintable()
    assert voice.speech_seconds(pack) > 4
    library.add("one", [tmp_path / "a.wav"], pack, replace=True)
    assert library.find("one").speech_seconds(pack) > 4


def test_what_a_killed_run_left_is_no_voice_and_in_nobodys_way(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    (library.folder / "one" / "voice.json").unlink()
    assert own(library) == []
    library.add("one", [tmp_path / "a.wav"], pack)
    assert own(library) == ["one"]


def test_a_folder_in_the_way_of_a_new_name_is_kept(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    """On a file system that ignores case, it can be a voice under another spelling."""
    library.add("one", [record(tmp_path / "a.wav", 5)], pack)
    (library.folder / "two").mkdir()
    with pytest.raises(RtvcError, match="already"):
        library.rename("one", "two")
    assert sorted(path.name for path in library.folder.iterdir()) == ["one", "two"]
