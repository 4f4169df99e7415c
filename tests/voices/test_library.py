import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.audio_file import AudioFile
from rtvc.dsp.resample import resample
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.voices.analysis import read_recordings
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Blend, Voice
from tests.support.packs import identity_pack
from tests.support.sounds import babble
from tests.support.voices import own, record


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
    with pytest.raises(RtvcError, match=r"A voice named 'one' already exists.*--force"):
        library.add("one", [record(tmp_path / "b.wav", 3)], pack)
    library.add("one", [tmp_path / "b.wav"], pack, replace=True)
    assert library.find("one").speech_seconds(pack) == pytest.approx(3, abs=0.2)


def test_a_bad_recording_leaves_nothing_behind(library: VoiceLibrary, pack: ModelPack, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    with pytest.raises(RtvcError, match=r"bad.wav"):
        library.add("one", [tmp_path / "bad.wav"], pack)
    soundfile.write(tmp_path / "silent.wav", np.zeros(48_000), 48_000)
    with pytest.raises(RtvcError, match=r"^.*/silent\.wav: contains no speech"):
        library.add("one", [tmp_path / "silent.wav"], pack)
    assert not library.folder.exists() or not list(library.folder.iterdir())


def test_too_little_speech_is_refused_and_little_is_warned_of(pack: ModelPack, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match=r"contains 0\.\d s of speech; a voice needs at least 1 s"):
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
