import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.voices.enrolment import EnrolmentLibrary, enrol_audio, enrol_files
from tests.support.mutate import mutants
from tests.support.packs import identity_pack
from tests.support.sounds import babble

MICROPHONE = "../../etc/passwd: a microphone (ALSA)"


def test_it_knows_how_much_speech_there_was_and_how_loud(pack: ModelPack) -> None:
    sound = 0.1 * babble(6, 16_000)
    sound[2 * 16_000 : 3 * 16_000] = 0
    enrolment = enrol_audio(sound, 16_000, pack, MICROPHONE)
    assert enrolment.speech_seconds == pytest.approx(5, abs=0.1)
    spoken = np.delete(sound, slice(2 * 16_000, 3 * 16_000))
    assert enrolment.level_dbfs == pytest.approx(20 * np.log10(np.std(spoken)), abs=0.3)
    # The features are those of sound at the pack's own level.
    ordinary = pack.roles.ordinary(pack.feature_dim)
    power = np.mean(np.square(enrolment.features.frames[:, ordinary]))
    assert 10 * np.log10(power) == pytest.approx(pack.level_dbfs, abs=0.3)


def test_too_little_speech_is_refused_and_little_is_warned_of(pack: ModelPack) -> None:
    with pytest.raises(RtvcError, match=r"contains 2\.0 s of speech"):
        enrol_audio(babble(2, 16_000), 16_000, pack, MICROPHONE)
    with pytest.raises(RtvcError, match=r"contains 0\.0 s of speech"):
        enrol_audio(np.zeros(160_000, np.float32), 16_000, pack, MICROPHONE)
    assert "4.0 s" in (enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE).warning or "")
    assert enrol_audio(babble(11, 16_000), 16_000, pack, MICROPHONE).warning is None


def test_noise_suppression_switched_since_is_told(pack: ModelPack) -> None:
    enrolment = enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE)
    cleaned = replace(enrolment, noise_suppression=NoiseSuppression.STRONG)
    unknown = replace(enrolment, noise_suppression=None)  # stored by an earlier version
    for level in NoiseSuppression:
        off = level is NoiseSuppression.OFF
        assert bool(enrolment.mismatch(level)) != off
        assert bool(cleaned.mismatch(level)) == off
        assert not unknown.mismatch(level)


def test_several_files_of_different_rates_count_together(pack: ModelPack, tmp_path: Path) -> None:
    for index, rate in enumerate((16_000, 44_100)):
        soundfile.write(tmp_path / f"{index}.wav", babble(2, rate, index), rate)
    enrolment = enrol_files([tmp_path / "0.wav", tmp_path / "1.wav"], pack, MICROPHONE)
    assert enrolment.speech_seconds == pytest.approx(4, abs=0.1)


def test_it_is_kept_for_its_microphone_and_pack_only(pack: ModelPack, tmp_path: Path) -> None:
    library = EnrolmentLibrary(tmp_path / "data")
    enrolment = enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE)
    library.save(enrolment, pack)
    loaded = library.load(MICROPHONE, pack)
    assert loaded is not None
    assert loaded.noise_suppression is NoiseSuppression.OFF
    assert (loaded.microphone, loaded.level_dbfs, loaded.speech_seconds) == (
        MICROPHONE,
        enrolment.level_dbfs,
        enrolment.speech_seconds,
    )
    np.testing.assert_array_equal(loaded.features.frames, enrolment.features.frames)
    np.testing.assert_array_equal(loaded.features.statistics.covariance, enrolment.features.statistics.covariance)
    assert library.load("another microphone", pack) is None
    assert library.load(MICROPHONE, identity_pack(tmp_path / "pack", roles=False)) is None
    assert [path.parent for path in tmp_path.rglob("*.npz") if "pack" not in path.parts] != []
    assert {path.parent for path in (tmp_path / "data").rglob("*.npz")} == {tmp_path / "data"}


def test_a_new_enrolment_takes_the_old_ones_place_and_can_be_removed(pack: ModelPack, tmp_path: Path) -> None:
    library = EnrolmentLibrary(tmp_path)
    for seconds in (4, 5):
        library.save(enrol_audio(babble(seconds, 16_000), 16_000, pack, MICROPHONE), pack)
    loaded = library.load(MICROPHONE, pack)
    assert loaded is not None
    assert loaded.speech_seconds == pytest.approx(5, abs=0.1)
    assert len(list(tmp_path.iterdir())) == 1
    assert library.remove(MICROPHONE, pack)
    assert not library.remove(MICROPHONE, pack)
    assert library.load(MICROPHONE, pack) is None


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_file_is_named(pack: ModelPack, tmp_path: Path, damage: str) -> None:
    library = EnrolmentLibrary(tmp_path)
    library.save(enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE), pack)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}[damage])
    with pytest.raises(RtvcError, match=r"is damaged: enrol again"):
        library.load(MICROPHONE, pack)


def test_a_failed_save_leaves_the_old_enrolment(
    pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = EnrolmentLibrary(tmp_path)
    library.save(enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE), pack)

    def fail(file: BinaryIO, **arrays: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(RtvcError, match="No space left"):
        library.save(enrol_audio(babble(5, 16_000), 16_000, pack, MICROPHONE), pack)
    loaded = library.load(MICROPHONE, pack)
    assert loaded is not None
    assert loaded.speech_seconds == pytest.approx(4, abs=0.1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("count", [200, pytest.param(5_000, marks=pytest.mark.fuzz)])
def test_any_damage_is_named_in_a_sentence(pack: ModelPack, tmp_path: Path, count: int) -> None:
    library = EnrolmentLibrary(tmp_path)
    library.save(enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE), pack)
    (path,) = tmp_path.iterdir()
    content, refused = path.read_bytes(), []
    # Damage in the first 400 bytes falls on archive and array headers.
    for damaged in (*mutants(content, count // 2, within=400), *mutants(content, count // 2, seed=1)):
        path.write_bytes(damaged)
        try:
            library.load(MICROPHONE, pack)
        except RtvcError as error:
            refused.append(str(error))
    assert set(refused) == {f"{path} is damaged: enrol again with `rtvc enrol`."}


@pytest.mark.skipif(os.name != "posix", reason="other systems have no file modes")
def test_only_the_user_can_read_enrolments_and_older_ones_are_made_private(pack: ModelPack, tmp_path: Path) -> None:
    library = EnrolmentLibrary(tmp_path / "enrolments")
    library.save(enrol_audio(babble(4, 16_000), 16_000, pack, MICROPHONE), pack)
    (path,) = library.folder.iterdir()

    def modes() -> list[int]:
        return [entry.stat().st_mode & 0o777 for entry in (library.folder, path)]

    assert modes() == [0o700, 0o600]
    library.folder.chmod(0o755)
    path.chmod(0o644)
    assert library.load(MICROPHONE, pack) is not None
    assert modes() == [0o700, 0o600]
