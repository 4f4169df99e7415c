"""Which recording gets which voice: one for each speaker, at random or from a table."""

from pathlib import Path, PurePath

import pytest

from rtvc.errors import RtvcError
from rtvc.files.folder_voices import random_voices, voices_of_table
from rtvc.voices.library import shipped_voices


def test_a_speaker_always_gets_the_same_random_voice() -> None:
    names = {voice.name for voice in shipped_voices()}
    speakers = [f"p{number}" for number in range(200)]
    chosen = {speaker: random_voices(1)(PurePath(speaker, "a.wav")) for speaker in speakers}
    assert set(chosen.values()) == names
    assert all(random_voices(1)(PurePath(speaker, "deep", "b.flac")) == chosen[speaker] for speaker in speakers)
    assert any(random_voices(2)(PurePath(speaker, "a.wav")) != chosen[speaker] for speaker in speakers)


def test_the_folder_that_names_the_speaker_can_lie_deeper() -> None:
    voice_of = random_voices(speaker_folder=2)
    speakers = [PurePath("train", f"p{number}") for number in range(20)]
    assert len({voice_of(speaker / "a.wav") for speaker in speakers}) > 1
    with pytest.raises(RtvcError, match=r"train.a\.wav: no folder names its speaker"):
        voice_of(PurePath("train", "a.wav"))


def test_the_longest_path_of_a_table_counts(tmp_path: Path) -> None:
    table = tmp_path / "voices.csv"
    table.write_text("path,voice\n., Willow\np225,Alder\np225/b.wav,/voices/some one.wav\n", encoding="utf-8-sig")
    voice_of = voices_of_table(table)
    assert voice_of(PurePath("p226", "a.wav")) == "Willow"
    assert voice_of(PurePath("p225", "deep", "a.wav")) == "Alder"
    assert voice_of(PurePath("p225", "b.wav")) == "/voices/some one.wav"


def test_tables_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "voices.csv"
    with pytest.raises(RtvcError, match="cannot be read"):
        voices_of_table(table)
    for content in (b"speaker,voice\np225,Alder\n", b"path,voice\np225\n", b"\xff\xfe"):
        table.write_bytes(content)
        with pytest.raises(RtvcError, match="needs the columns path and voice"):
            voices_of_table(table)
    table.write_text("path,voice\np225,Alder\n")
    with pytest.raises(RtvcError, match=r"a\.wav: has no voice in"):
        voices_of_table(table)(PurePath("p226", "a.wav"))
