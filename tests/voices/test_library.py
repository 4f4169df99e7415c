from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.voices.library import Blend, Voice, VoiceLibrary, check_name, shipped_voices
from tests.support.packs import identity_pack
from tests.support.sounds import babble


@pytest.fixture
def pack(tmp_path: Path) -> ModelPack:
    return identity_pack(tmp_path / "pack")


@pytest.fixture
def library(tmp_path: Path) -> VoiceLibrary:
    return VoiceLibrary(tmp_path / "voices")


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
    assert len(list((library.folder / "one").glob("features-*.npz"))) == 2


@pytest.mark.parametrize(
    "name", ["..", ".", "../up", "a/b", "a\\b", "", " a", "a ", "nul", "COM1", "x" * 65, "a\n", ".hid"]
)
def test_names_that_could_leave_the_folder_are_refused(library: VoiceLibrary, pack: ModelPack, name: str) -> None:
    with pytest.raises(RtvcError, match="cannot be a voice's name"):
        check_name(name)
    with pytest.raises(RtvcError):
        library.add(name, [], pack)
    with pytest.raises(RtvcError):
        library.remove(name)


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
        library.open("first:0,second:0").features(pack)
    for wrong in ("first:-1,second:2", "first:abc,second:1", "first,second", "first:0.6,"):
        with pytest.raises(RtvcError, match=f"'{wrong}' is not a blend: write one as Willow:0.7,Alder:0.3"):
            library.open(wrong)


def test_removal(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    library.remove("one")
    assert "one" not in [voice.name for voice in library.list()]
    with pytest.raises(RtvcError, match="no voice 'one' to remove"):
        library.remove("one")
    with pytest.raises(RtvcError, match="came with the program"):
        library.remove(shipped_voices()[0].name)


@pytest.mark.parametrize("damage", ["cut", "empty", "version"])
def test_damaged_features_are_made_anew(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    if damage == "version":
        monkeypatch.setattr("rtvc.voices.statistics.ARRAYS_VERSION", 0)
    voice = library.add("one", [record(tmp_path / "a.wav")], pack)
    monkeypatch.undo()
    stored = next((library.folder / "one").glob("features-*.npz"))
    if damage != "version":
        stored.write_bytes(stored.read_bytes()[: 100 if damage == "cut" else 0])
    before = stored.read_bytes()
    features = voice.features(pack)
    assert features.statistics.count / pack.frame_rate == pytest.approx(5, abs=0.2)
    assert stored.read_bytes() != before
    monkeypatch.setattr("rtvc.voices.library.reference_features", None)
    np.testing.assert_array_equal(voice.features(pack).frames, features.frames)


def test_a_disk_that_takes_no_features_costs_no_more_than_the_analysis(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = library.add("one", [record(tmp_path / "a.wav")], pack)
    stored = next((library.folder / "one").glob("features-*.npz"))
    stored.unlink()

    def full(*arguments: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(voice.features(pack).frames) > 0
    assert sorted(path.name for path in (library.folder / "one").iterdir()) == ["reference.wav", "voice.json"]
    with pytest.raises(RtvcError, match=r"two: cannot be written \(No space left on device\)"):
        library.add("two", [tmp_path / "a.wav"], pack)
    assert [path.name for path in library.folder.iterdir()] == ["one"]


def test_a_voice_that_cannot_be_replaced_is_kept(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add("one", [record(tmp_path / "a.wav", 5)], pack)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RtvcError, match=r"one: cannot be written \(Permission denied\)"):
        library.add("one", [record(tmp_path / "b.wav", 3)], pack, replace=True)
    assert [path.name for path in library.folder.iterdir()] == ["one"]
    assert library.find("one").speech_seconds(pack) == pytest.approx(5, abs=0.2)


def test_a_folder_that_is_there_is_not_replaced_unasked(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    """It may be a voice of another spelling, where the file system tells no small letters from capitals."""
    library.add("one", [record(tmp_path / "a.wav", 5)], pack)
    (library.folder / "two").mkdir()
    with pytest.raises(RtvcError, match="already"):
        library.add("two", [tmp_path / "a.wav"], pack)
    with pytest.raises(RtvcError, match="already"):
        library.rename("one", "two")
    assert sorted(path.name for path in library.folder.iterdir()) == ["one", "two"]
    library.add("two", [tmp_path / "a.wav"], pack, replace=True)
    assert [voice.name for voice in library.list() if voice.folder] == ["one", "two"]


def test_what_a_killed_run_was_adding_is_no_voice(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    (library.folder / "one").rename(library.folder / ".rtvc-x.part")
    assert [voice for voice in library.list() if voice.folder] == []


def test_a_name_too_long_for_a_path_is_a_blend_or_no_voice(
    library: VoiceLibrary, pack: ModelPack, tmp_path: Path
) -> None:
    names = [voice.name for voice in shipped_voices()]
    assert isinstance(library.open(",".join(f"{name}:0.5" for name in names * 20)), Blend)
    with pytest.raises(RtvcError, match="There is no voice 'xxx"):
        library.open("x" * 5000)
    with pytest.raises(RtvcError, match=r"cannot be read \(File name too long\)"):
        library.open("x" * 5000 + ".wav").features(pack)


def test_shipped_voices_are_credited_and_long_enough() -> None:
    mini = find_pack("mini")
    voices = shipped_voices()
    assert len(voices) >= 3
    for voice in voices:
        assert voice.credit
        assert voice.warning(mini) is None
        assert voice.recording.duration <= 10


def test_an_unknown_voice_is_answered_with_those_there_are(library: VoiceLibrary) -> None:
    with pytest.raises(RtvcError, match=f"no voice 'nobody': choose one of .*{shipped_voices()[0].name}"):
        library.open("nobody")


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
    assert library.open("one").maps == library.folder / "one"
    place = library.open(shipped).maps
    assert place is not None
    assert library.open(f"{tmp_path / 'a.wav'}:0.5,{shipped}:0.5").maps == place
    assert library.open(str(tmp_path / "a.wav")).maps is None
    place.mkdir(parents=True)
    assert [voice.name for voice in library.list() if voice.folder] == ["one"]


def test_a_voice_is_renamed_with_everything_it_has(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    library.add("one", [record(tmp_path / "a.wav")], pack)
    library.add("two", [record(tmp_path / "b.wav")], pack)
    library.rename("one", "three")
    assert [voice.name for voice in library.list() if voice.folder] == ["three", "two"]
    assert any((library.folder / "three").glob("features-*.npz"))
    for name, new_name, reason in (
        ("three", "two", "already"),
        ("one", "four", "no voice"),
        ("two", "../x", "cannot"),
    ):
        with pytest.raises(RtvcError, match=reason):
            library.rename(name, new_name)
