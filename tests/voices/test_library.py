import json
import os
import re
import shutil
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rtvc.arrays import read_arrays, write_arrays
from rtvc.audio_file import AudioFile
from rtvc.dsp.resample import resample
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles, FeatureSet
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.voices.analysis import read_recordings
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Blend, Voice, reference_features
from tests.support.mutate import mutants
from tests.support.packs import identity_pack
from tests.support.sounds import babble


@pytest.fixture
def library(tmp_path: Path) -> VoiceLibrary:
    return VoiceLibrary(tmp_path / "voices")


def own(library: VoiceLibrary) -> list[str]:
    return [voice.name for voice in library.list() if voice.folder is not None]


def record(path: Path, seconds: float = 5.0, rate: int = 48_000, level: float = 1.0) -> Path:
    soundfile.write(path, babble(seconds, rate) * level, rate)
    return path


def test_a_stored_voice_comes_back_with_its_features(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    added = library.add("Ann ONym", [record(tmp_path / "a.wav")], pack)
    found = VoiceLibrary(library.folder).find("Ann ONym")
    assert found.speech_seconds(pack) == pytest.approx(5, abs=0.2)
    before, after = added.features(pack), found.features(pack)
    np.testing.assert_array_equal(before.frames, after.frames)
    np.testing.assert_array_equal(before.statistics.covariance, after.statistics.covariance)
    assert library.list()[0].name == "Ann ONym"


def test_several_recordings_make_one_voice(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    paths = [record(tmp_path / "a.wav", 2, 48_000), record(tmp_path / "b.wav", 3, 16_000)]
    assert library.add("both", paths, pack).speech_seconds(pack) == pytest.approx(5, abs=0.2)


def test_the_level_of_a_reference_does_not_matter(pack: ModelPack, tmp_path: Path) -> None:
    loud = Voice("loud", record(tmp_path / "loud.wav", level=1.0)).features(pack)
    quiet = Voice("quiet", record(tmp_path / "quiet.wav", level=0.05)).features(pack)
    np.testing.assert_allclose(
        loud.statistics.standard_deviation, quiet.statistics.standard_deviation, rtol=0.02, atol=1e-6
    )


def test_features_under_another_pack_are_made_when_needed(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    voice = library.add("one", [record(tmp_path / "a.wav")], pack)
    other = identity_pack(tmp_path / "other", roles=False)
    assert voice.features(other).frames.shape[1] == other.feature_dim
    assert len(list((library.folder / "one").rglob("features-*.npz"))) == 2


@pytest.mark.parametrize("name", ["..", "../up", "a/b", "", ".hid", "nul", "a\n"])
def test_names_that_could_leave_the_folder_are_refused(library: VoiceLibrary, pack: ModelPack, name: str) -> None:
    with pytest.raises(RtvcError, match="cannot be a voice's name"):
        library.add(name, [], pack)
    with pytest.raises(RtvcError, match="You have no voice"):
        library.remove(name)


@pytest.mark.parametrize("name", ["a.wav", "Ann.FLAC"])
def test_a_name_that_reads_as_an_audio_file_is_refused(library: VoiceLibrary, pack: ModelPack, name: str) -> None:
    with pytest.raises(RtvcError, match="names with this suffix are audio files"):
        library.add(name, [], pack)


def test_a_name_is_found_however_its_letters_are_encoded(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    library.add("Ame\u0301lie", [record(tmp_path / "a.wav")], pack)
    assert library.find("Am\u00e9lie").name == library.find("Ame\u0301lie").name == "Am\u00e9lie"
    (library.folder / "Am\u00e9lie").rename(library.folder / "Ame\u0301lie")
    assert library.find("Am\u00e9lie").speech_seconds(pack) > 4
    library.add("हिन्दी", [tmp_path / "a.wav"], pack)
    library.remove("Am\u00e9lie")
    assert own(library) == ["हिन्दी"]


def test_a_stored_voice_wins_over_a_file_of_the_same_name_and_a_path_is_a_file(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add("Ann", [record(tmp_path / "a.wav", 5)], pack)
    (tmp_path / "Ann").write_bytes(record(tmp_path / "b.wav", 3).read_bytes())
    monkeypatch.chdir(tmp_path)
    for name, reference in (("Ann", library.find("Ann").reference), ("./Ann", Path("Ann"))):
        alone, blend = library.open(name), library.open(f"{name}:1,Willow:1")
        assert isinstance(alone, Voice)
        assert isinstance(blend, Blend)
        assert alone.reference == blend.parts[0][0].reference == reference
    nowhere = library.open("nowhere/Ann")
    with pytest.raises(RtvcError, match="no such file"):
        nowhere.features(pack)


def test_a_taken_name_is_refused_and_force_replaces(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav", 5)], pack)
    with pytest.raises(RtvcError, match=r"a voice 'one' already.*--force"):
        library.add("one", [record(tmp_path / "b.wav", 3)], pack)
    library.add("one", [tmp_path / "b.wav"], pack, replace=True)
    assert library.find("one").speech_seconds(pack) == pytest.approx(3, abs=0.2)


def test_a_bad_recording_leaves_nothing_behind(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    with pytest.raises(RtvcError, match=r"bad.wav"):
        library.add("one", [tmp_path / "bad.wav"], pack)
    soundfile.write(tmp_path / "silent.wav", np.zeros(48_000), 48_000)
    with pytest.raises(RtvcError, match=r"^.*/silent\.wav: holds no speech"):
        library.add("one", [tmp_path / "silent.wav"], pack)
    assert not library.folder.exists() or not list(library.folder.iterdir())


def test_too_little_speech_is_refused_and_little_is_warned_of(pack: ModelPack, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match=r"holds 0\.\d s of speech; a voice needs at least 1 s"):
        Voice("short", record(tmp_path / "short.wav", 0.6)).features(pack)
    warning = Voice("some", record(tmp_path / "some.wav", 2)).warning(pack)
    assert warning is not None
    assert "2.0 s of speech" in warning
    assert Voice("enough", record(tmp_path / "enough.wav", 5)).warning(pack) is None


def test_a_blend_lies_between_its_voices(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    """Gaussians that are scaled copies of each other have the weighted mean of their deviations in between."""
    shape = np.tile(np.repeat([1.0, 3.0], pack.hop // 2), 300)
    first = library.add("first", [record(tmp_path / "a.wav", 6, 16_000)], pack).features(pack).statistics
    soundfile.write(tmp_path / "b.wav", babble(6, 16_000) * shape, 16_000)
    second = library.add("second", [tmp_path / "b.wav"], pack).features(pack).statistics
    blend = library.open("first:3, second:1").features(pack)
    expected = 0.75 * first.standard_deviation + 0.25 * second.standard_deviation
    ordinary = slice(pack.hop)
    np.testing.assert_allclose(blend.statistics.standard_deviation[ordinary], expected[ordinary], rtol=0.08)
    assert len(blend.frames) == first.count + second.count
    alone = library.open("first:1,second:0").features(pack).statistics
    np.testing.assert_allclose(alone.covariance, first.covariance, atol=1e-9)
    with pytest.raises(RtvcError, match="no voice 'nobody'"):
        library.open("first:0.5,nobody:0.5")
    with pytest.raises(RtvcError, match="'first:0,second:0': the weights of a blend"):
        library.open("first:0,second:0")
    for wrong in ("first:abc,second:1", "first,second", "first:0.6,"):
        with pytest.raises(RtvcError, match=f"'{wrong}' is not a blend: write one as Willow:0.7,Alder:0.3"):
            library.open(wrong)


@pytest.mark.parametrize("weight", ["-1", "1e308", "1e-300", "nan", "inf", "1" * 400, "1001"])
def test_absurd_weights_are_refused_in_a_sentence(library: VoiceLibrary, weight: str) -> None:
    with pytest.raises(RtvcError, match="cannot be the weight of 'Willow': write 0 or a number from") as refused:
        library.open(f"Willow:{weight},Alder:1")
    assert len(str(refused.value)) < 250


def test_a_voice_named_twice_in_a_blend_counts_once_with_both_weights(library: VoiceLibrary) -> None:
    blend = library.open("Willow:0.25,Alder:0.5,Willow:0.25")
    assert isinstance(blend, Blend)
    assert [(voice.name, weight) for voice, weight in blend.parts] == [("Willow", 0.5), ("Alder", 0.5)]
    with pytest.raises(RtvcError, match="at most 16 voices, and this one has 20"):
        library.open(",".join(f"{index}.wav:1" for index in range(20)))


def test_removal(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    library.remove("one")
    assert "one" not in [voice.name for voice in library.list()]
    with pytest.raises(RtvcError, match="no voice 'one' to remove"):
        library.remove("one")
    with pytest.raises(RtvcError, match="came with the program"):
        library.remove(shipped_voices()[0].name)


def test_removing_a_link_leaves_what_it_points_to(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    elsewhere = (library.folder / "one").rename(tmp_path / "elsewhere")
    (library.folder / "one").symlink_to(elsewhere)
    assert library.find("one").speech_seconds(pack) > 4
    library.remove("one")
    assert own(library) == []
    assert (elsewhere / "voice.json").exists()


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
    with pytest.raises(RtvcError, match=r"There is a voice 'twin' already: choose another name"):
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


def test_memory_does_not_grow_with_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtvc.voices.analysis.LONGEST_SECONDS", 8.0)
    record(tmp_path / "long.wav", 30, 192_000)
    tracemalloc.start()
    audio, rate = read_recordings([tmp_path / "long.wav"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (rate, len(audio)) == (48_000, 8 * 48_000)
    assert peak < 3 * audio.nbytes


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_recordings_are_read_in_blocks_as_they_are_resampled_whole(tmp_path: Path, rate: int) -> None:
    path = record(tmp_path / "a.wav", 1.2345, rate)
    other = record(tmp_path / "b.wav", 0.5, 48_000)
    audio, highest = read_recordings([path, other])
    sound = AudioFile(path).read()
    expected = np.concatenate([resample(sound, rate, 48_000), AudioFile(other).read()])
    assert highest == 48_000
    np.testing.assert_allclose(audio, expected, atol=1e-5)


def test_a_name_too_long_for_a_path_is_a_blend_or_no_voice(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    names = [voice.name for voice in shipped_voices()]
    assert isinstance(library.open(",".join(f"{name}:0.5" for name in names * 20)), Blend)
    with pytest.raises(RtvcError, match="There is no voice 'xxx"):
        library.open("x" * 5000)
    with pytest.raises(RtvcError, match=r"cannot be read \(File name too long\)"):
        library.open("x" * 5000 + ".wav").features(pack)


def test_shipped_voices_are_credited_described_and_long_enough() -> None:
    mini = find_pack("mini")
    voices = shipped_voices()
    assert len(voices) >= 12
    assert {voice.register for voice in voices} == {"low", "medium", "high"}
    for voice in voices:
        assert re.search(r"CC0|CC BY 4\.0", voice.credit)
        assert voice.description
        assert voice.warning(mini) is None
        assert (voice.recording.rate, voice.recording.channels) == (16_000, 1)
        assert 5 <= voice.recording.duration <= 8


def test_an_unknown_voice_is_answered_with_those_there_are(library: VoiceLibrary) -> None:
    with pytest.raises(RtvcError, match=f"no voice 'nobody'. Choose one of .*{shipped_voices()[0].name}"):
        library.open("nobody")
    with pytest.raises(RtvcError, match=r"no voice 'Wilow'. Did you mean Willow\?$"):
        library.open("Wilow")


def test_a_folder_named_like_a_voice_does_not_hide_it(
    library: VoiceLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shipped_voices()[0]
    (tmp_path / "here" / shipped.name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    found = library.open(shipped.name)
    assert isinstance(found, Voice)
    assert found.reference == shipped.reference
    with pytest.raises(RtvcError, match="There is no voice ''"):
        library.open("")


def test_stored_and_shipped_voices_and_blends_have_a_place_for_maps_that_take_long_to_fit(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    shipped = shipped_voices()[0].name
    maps = library.open("one").maps
    assert maps is not None
    assert maps.is_relative_to(library.folder / "one")
    place = library.open(shipped).maps
    assert place is not None
    assert library.open(f"{tmp_path / 'a.wav'}:0.5,{shipped}:0.5").maps == place
    assert library.open(str(tmp_path / "a.wav")).maps is None
    place.mkdir(parents=True)
    assert own(library) == ["one"]


def test_a_voice_is_renamed_with_everything_it_has(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    library.add("two", [record(tmp_path / "b.wav")], pack)
    library.rename("one", "three")
    assert own(library) == ["three", "two"]
    assert any((library.folder / "three").rglob("features-*.npz"))
    for name, new_name, reason in (
        ("three", "two", "already"),
        ("one", "four", "no voice"),
        ("two", "../x", "cannot"),
    ):
        with pytest.raises(RtvcError, match=reason):
            library.rename(name, new_name)
