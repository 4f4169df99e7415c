"""Speakers, their references, and the pairs made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.speakers import (
    find_speakers,
    load,
    make_pairs,
    median_pitch,
    pair_kind,
    read_speaker_list,
    reference_audio,
)
from rtvc.errors import RtvcError
from tests.support.quality import tone


def test_the_reference_is_the_first_recording_that_is_long_enough(folder: Path) -> None:
    ann, bob, eve = find_speakers(folder, 5)
    assert [ann.name, bob.name, eve.name] == ["corpus/ann", "corpus/bob", "corpus/eve"]
    assert [path.name for path in ann.reference] == ["ann-1.flac"]
    assert [path.name for path in ann.others] == ["ann-0.flac", "ann-2.flac", "ann-3.flac", "ann-4.flac"]
    assert len(reference_audio(ann, 5)) == 5 * SAMPLE_RATE


def test_recordings_are_joined_to_a_longer_reference(folder: Path) -> None:
    ann = find_speakers(folder, 12)[0]
    assert [path.name for path in ann.reference] == ["ann-0.flac", "ann-1.flac", "ann-2.flac"]
    assert len(reference_audio(ann, 12)) == 12 * SAMPLE_RATE
    assert len(reference_audio(ann, 5)) == 5 * SAMPLE_RATE
    assert not set(ann.reference) & set(ann.others)


def test_every_ordered_pair_hears_another_long_enough_sentence(folder: Path) -> None:
    pairs = make_pairs(find_speakers(folder, 5))
    names = {(pair.source.name, pair.target.name) for pair in pairs}
    assert len(pairs) == len(names) == 6
    assert all(source != target for source, target in names)
    for pair in pairs:
        assert pair.recording in pair.source.others
        assert "-0" not in pair.recording.name
    of_ann = [pair.recording for pair in pairs if pair.source.name == "corpus/ann"]
    assert len(set(of_ann)) == 2


def test_a_folder_that_does_not_serve_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match="ann has 5 recordings, too few for 17 s"):
        find_speakers(folder, 17)
    lonely = tmp_path / "corpus" / "ann"
    with pytest.raises(RtvcError, match="contains the recordings of 1 speakers"):
        find_speakers(lonely, 5)
    (lonely / "ann-5.wav").write_bytes(b"no sound at all")
    with pytest.raises(RtvcError, match=r"ann-5\.wav"):
        find_speakers(folder, 5)


def test_recordings_of_other_rates_are_resampled(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(200, 1, 48000)] * 2, axis=1), 48000)
    audio = load(tmp_path / "a.wav")
    assert audio.shape == (SAMPLE_RATE,)
    assert audio.dtype == np.float32
    assert np.nanmedian(track_pitch(audio, SAMPLE_RATE)) == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_subset_uses_every_speaker_equally_and_grows(folder: Path, seed: int) -> None:
    speakers = find_speakers(folder, 5)
    everything = make_pairs(speakers)
    three, four = (make_pairs(speakers, count, seed) for count in (3, 4))
    assert len(three) == 3
    assert {pair.source.name for pair in three} == {pair.target.name for pair in three} == {s.name for s in speakers}
    assert all(pair in four for pair in three)
    assert all(pair in everything for pair in four)
    assert len(make_pairs(speakers, 100, seed)) == 6


def test_pairs_can_lead_to_one_speaker_alone(folder: Path) -> None:
    speakers = find_speakers(folder, 5)
    name = speakers[1].name
    assert [pair.source.name for pair in make_pairs(speakers, target=name)] == [speakers[0].name, speakers[2].name]
    assert len(make_pairs(speakers, 1, target=name)) == 1
    ann, bob, _ = find_speakers(folder, 12, target="corpus/ann")
    assert [len(speaker.reference) for speaker in (ann, bob)] == [3, 1]
    assert len(bob.others) == 4
    with pytest.raises(RtvcError, match="There is no speaker joe: name one of corpus/ann"):
        make_pairs(speakers, target="joe")


def test_a_list_chooses_the_speakers(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "readers.txt"
    listed.write_text("corpus/eve  # the highest\n\n# corpus/bob\ncorpus/ann\n")
    names = read_speaker_list(listed)
    assert [speaker.name for speaker in find_speakers(folder, 5, names)] == ["corpus/ann", "corpus/eve"]
    with pytest.raises(RtvcError, match="contains no recordings of corpus/joe"):
        find_speakers(folder, 5, [*names, "corpus/joe"])
    with pytest.raises(RtvcError, match="cannot be read as a list of speakers"):
        read_speaker_list(tmp_path / "missing.txt")


def test_the_kind_of_a_pair_comes_from_sex_and_pitch(folder: Path) -> None:
    ann, bob, eve = find_speakers(folder, 5)
    pitches = {speaker.name: median_pitch(speaker) for speaker in (ann, bob, eve)}
    pairs = {(pair.source.name[7:], pair.target.name[7:]): pair for pair in make_pairs([ann, bob, eve])}

    def kind(source: str, target: str) -> tuple[bool, float]:
        pair = pairs[source, target]
        found = pair_kind(pair, pitches[pair.source.name], pitches[pair.target.name])
        return found.same_sex, round(found.semitones, 1)

    assert kind("ann", "eve") == (True, 5.2)
    assert kind("bob", "eve") == (False, 7.5)
    (folder / "speakers.csv").write_text("speaker,sex\neve,M\ncorpus/bob,male\n")
    pairs = {(pair.source.name[7:], pair.target.name[7:]): pair for pair in make_pairs(find_speakers(folder, 5))}
    assert kind("bob", "eve") == (True, 7.5)
    (folder / "speakers.csv").write_text("name,sex\neve,M\n")
    with pytest.raises(RtvcError, match="needs the columns speaker and sex"):
        find_speakers(folder, 5)
