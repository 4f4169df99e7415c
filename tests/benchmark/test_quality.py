"""The protocol over pairs of speakers, and the report that it ends in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark import listener
from rtvc.benchmark.classical import WorldMkl, world_copy
from rtvc.benchmark.listener import Listener, Row
from rtvc.benchmark.metrics import SAMPLE_RATE, Embedding
from rtvc.benchmark.paired import compare_quality
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.quality import by_system, measure_pairs, quality_report, summarize
from rtvc.benchmark.report import Report, Table, plain
from rtvc.benchmark.speakers import (
    find_speakers,
    load,
    make_pairs,
    median_pitch,
    pair_kind,
    read_speaker_list,
    reference_audio,
)
from rtvc.benchmark.systems import Converter, PackConverter, System, noisy_copy, source_copy
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion
from rtvc.transport.choice import MapChoice
from tests.benchmark.test_metrics import HIGH, LOW
from tests.support.packs import identity_pack
from tests.support.quality import quality_row

SPEAKERS = {"ann": 230.0, "bob": 110.0, "eve": 170.0}


def tone(hertz: float, seconds: float, rate: int = SAMPLE_RATE) -> Block:
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(0.2 * np.sign(np.sin(2 * np.pi * hertz * times)), np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three speakers, each of one pitch, with recordings of 2, 6, 4, 3.5 and 5 s."""
    for name, hertz in SPEAKERS.items():
        place = tmp_path / "corpus" / name
        place.mkdir(parents=True)
        for index, seconds in enumerate([2, 6, 4, 3.5, 5]):
            soundfile.write(place / f"{name}-{index}.flac", tone(hertz, seconds), SAMPLE_RATE)
    (tmp_path / "corpus" / "ann" / "notes.md").write_text("not a recording")
    return tmp_path


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
    with pytest.raises(RtvcError, match="ann has 5 recordings, too few beside 17 s"):
        find_speakers(folder, 17)
    lonely = tmp_path / "corpus" / "ann"
    with pytest.raises(RtvcError, match="holds the recordings of 1 speakers"):
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


class PitchListener:
    """Takes the pitch for the voice, by zero crossings: a speaker encoder that is exact on these tones."""

    def embed(self, audio: Block) -> Embedding | None:
        crossings = np.count_nonzero(np.diff(np.signbit(audio)))
        if crossings == 0:
            return None
        angle = math.log2(crossings * SAMPLE_RATE / (2 * len(audio)) / 60) * math.pi / 6
        return np.array([math.cos(angle), math.sin(angle)], np.float32)


class LevelRecogniser:
    """Recognises a word per second, by its level."""

    def __init__(self, phones: bool = False) -> None:
        pass

    def words(self, audio: Block) -> str:
        seconds = audio[: len(audio) // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
        return " ".join("loud" if np.abs(second).max() > 0.15 else "soft" for second in seconds)

    def phones(self, audio: Block) -> list[str]:
        return self.words(audio).split()


@pytest.fixture
def simple_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the models by stand-ins that need no package of the extra: these tests are of the protocol."""
    monkeypatch.setattr(listener, "SpeakerEncoder", PitchListener)
    monkeypatch.setattr(listener, "Recogniser", LevelRecogniser)
    monkeypatch.setattr(listener, "overall_quality", lambda audio: float(5 * np.abs(audio).max()))


def perfect(source: Block, reference: Block) -> Block:
    return np.resize(reference, source.shape)


def quiet(source: Block, reference: Block) -> Block:
    return np.asarray(0.5 * source, np.float32)


def measured(
    folder: Path,
    systems: list[System],
    pairs: int | None = None,
    keep: Path | None = None,
    pictures: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    chosen = make_pairs(find_speakers(folder, max(system.reference_seconds for system in systems)), pairs)
    return list(measure_pairs(chosen, systems, Listener(), keep, pictures, progress))


def test_a_converter_is_told_from_a_copy(folder: Path, tmp_path: Path, simple_judges: None) -> None:
    calls: list[tuple[int, int]] = []
    systems = [System("copy", source_copy), System("perfect", perfect, 3.0), System("quiet", quiet)]
    rows = measured(folder, systems, keep=tmp_path / "kept", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(index + 1, 18) for index in range(18)]
    lines = {group: summarize(members) for group, members in by_system([asdict(row) for row in rows]).items()}
    assert list(lines) == [("copy", 5.0), ("perfect", 3.0), ("quiet", 5.0)]

    def mean(system: str, seconds: float, measure: str) -> float:
        estimate = lines[system, seconds][measure]
        assert estimate is not None
        assert estimate.count == 6
        return estimate.mean

    assert mean("copy", 5.0, "closer_to_target") == 0
    assert mean("copy", 5.0, "similarity_to_source") == pytest.approx(1, abs=1e-3)
    assert mean("copy", 5.0, "transcript_error") == 0
    assert mean("perfect", 3.0, "closer_to_target") == 1
    assert mean("perfect", 3.0, "similarity_to_target") == pytest.approx(1, abs=1e-3)
    assert mean("quiet", 5.0, "transcript_error") > 0.5
    assert mean("copy", 5.0, "phone_error") == 0
    assert mean("quiet", 5.0, "phone_error") == 1
    assert mean("quiet", 5.0, "quality") == pytest.approx(0.5, abs=0.02)
    assert all(row.quality_of_source == pytest.approx(1.0, abs=0.02) for row in rows)
    kept = sorted(path.name for path in (tmp_path / "kept" / "corpus-ann-to-corpus-bob").iterdir())
    expected = ["copy-5s", "perfect-3s", "quiet-5s", "reference-3s", "reference-5s", "source"]
    assert kept == [f"{name}.flac" for name in expected]


def test_the_noise_of_a_copy_lies_30_db_below_it() -> None:
    source = tone(200, 1, SAMPLE_RATE)
    noise = noisy_copy(source, source) - source
    assert 10 * np.log10(np.mean(source**2) / np.mean(noise**2)) == pytest.approx(30, abs=0.2)
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    assert spectrum[:4000].mean() == pytest.approx(spectrum[4000:].mean(), rel=0.1)


def test_what_was_said_may_lie_beside_a_recording(folder: Path, simple_judges: None) -> None:
    (folder / "corpus" / "ann" / "ann-2.txt").write_text("Loud, loud. Loud loud!")
    rows = measured(folder, [System("copy", source_copy)])
    by_text = {row.recording: row.text_error for row in rows if row.text_error is not None}
    assert by_text == {"ann-2.flac": 0.0}


def test_every_conversion_is_drawn(folder: Path, tmp_path: Path, simple_judges: None) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `picture`")
    measured(folder, [System("a copy", source_copy)], pairs=2, pictures=tmp_path / "drawn")
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [path.name for path in drawn] == [
        "corpus-ann-to-corpus-eve-a-copy-5s.png",
        "corpus-eve-to-corpus-bob-a-copy-5s.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


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
    with pytest.raises(RtvcError, match="There is no speaker joe: name one of corpus/ann"):
        make_pairs(speakers, target="joe")


def test_a_list_chooses_the_speakers(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "readers.txt"
    listed.write_text("corpus/eve  # the highest\n\n# corpus/bob\ncorpus/ann\n")
    names = read_speaker_list(listed)
    assert [speaker.name for speaker in find_speakers(folder, 5, names)] == ["corpus/ann", "corpus/eve"]
    with pytest.raises(RtvcError, match="holds no recordings of corpus/joe"):
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


def test_measures_of_recordings_are_computed_once(
    folder: Path, tmp_path: Path, simple_judges: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, systems = make_pairs(find_speakers(folder, 5), 3), [System("copy", source_copy)]
    first = list(measure_pairs(pairs, systems, Listener(tmp_path / "cache")))
    heard: list[int] = []
    words = LevelRecogniser.words

    def counted(recogniser: LevelRecogniser, audio: Block) -> str:
        heard.append(len(audio))
        return words(recogniser, audio)

    monkeypatch.setattr(LevelRecogniser, "words", counted)
    damaged = next((tmp_path / "cache").glob("*-pocketsphinx-[0-9]*"))
    damaged.write_text("{")
    second = list(measure_pairs(pairs, systems, Listener(tmp_path / "cache")))
    # The words and phones of each result, and the words of the source whose file was damaged.
    assert len(heard) == 2 * 3 + 1
    assert [row.transcript_of_source for row in second] == [row.transcript_of_source for row in first]
    assert [row.similarity_to_target for row in second] == [row.similarity_to_target for row in first]


def write_rows(path: Path, *rows: Row) -> Path:
    quality_report(rows, {}, {"mini": {"digest": "ab12"}}).write_json(path)
    return path


def test_two_reports_are_compared_pair_by_pair(tmp_path: Path) -> None:
    old = write_rows(tmp_path / "old.json", *(quality_row("old", name, 0.1 * i) for i, name in enumerate("bcde")))
    new = write_rows(
        tmp_path / "new.json",
        *(quality_row("new", name, 0.1 * i + 0.02, semitones_apart=2.0 * i) for i, name in enumerate("bcdef")),
    )
    (kinds,) = compare_quality(old, new).results.values()
    change = kinds["all pairs"]["similarity_to_target"]
    assert (change["count"], change["mean"]) == (4, pytest.approx(0.02))
    assert (change["low"], change["high"]) == (pytest.approx(0.02), pytest.approx(0.02))
    assert kinds["pitch < 4 semitones apart"]["quality"]["count"] == 2
    assert kinds["other sex"]["quality"] is None
    report = compare_quality(old, new)
    assert report.tables[0].rows[0][:3] == ("new against old\nall pairs", "4", "+0.020*\n+0.020…+0.020")


def test_reports_that_share_nothing_are_not_compared(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "one.json", quality_row("x", "b"), quality_row("y", "b"))
    other = write_rows(tmp_path / "other.json", quality_row("z", "b"))
    apart = write_rows(tmp_path / "apart.json", quality_row("x", "c"))
    with pytest.raises(RtvcError, match="no system in common"):
        compare_quality(one, other)
    with pytest.raises(RtvcError, match="no pair in common"):
        compare_quality(one, apart)
    apart.write_text(json.dumps({"benchmark": "latency", "packs": {}, "results": {}}))
    with pytest.raises(RtvcError, match="is not a report of `rtvc bench quality"):
        compare_quality(one, apart)


@pytest.mark.parametrize(
    "broken", [lambda source, reference: source[:-1], lambda source, reference: source * np.float32(np.nan)]
)
def test_a_result_that_is_not_sound_is_refused(folder: Path, simple_judges: None, broken: Converter) -> None:
    with pytest.raises(RtvcError, match=r"broken returned invalid audio for"):
        measured(folder, [System("broken", broken)])


def test_silence_counts_as_no_voice_and_no_words(folder: Path, simple_judges: None) -> None:
    mute = System("mute", lambda source, reference: np.zeros_like(source))
    rows = measured(folder, [mute], pairs=2)
    assert [row.similarity_to_target for row in rows] == [0.0, 0.0]
    assert [row.closer_to_target for row in rows] == [False, False]
    assert [row.pitch_correlation for row in rows] == [None, None]


def test_the_report_holds_the_same_figures_in_every_form(tmp_path: Path) -> None:
    rows = [
        quality_row(system, target, similarity)
        for system, target, similarity in [
            *(("ours <b>", "b", 0.6), ("ours <b>", "c", 0.9)),
            *(("copy", "b", 0.4), ("copy", "c", 0.3)),
        ]
    ]
    report = quality_report(rows, {"folder": Path("speakers")}, {"mini": {"version": "1", "sha256": "ab12"}})
    report.write_json(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["benchmark"] == "quality"
    assert written["settings"] == {"folder": "speakers"}
    assert written["packs"]["mini"]["sha256"] == "ab12"
    assert written["machine"]["cores"] >= 1
    assert written["versions"]["numpy"] == np.__version__
    ours, copy = written["results"]["systems"]
    assert ours["similarity_to_target"]["mean"] == pytest.approx(0.75)
    assert (ours["closer_to_target"]["mean"], copy["closer_to_target"]["mean"]) == (1, 0)
    assert ours["pitch_correlation"] is None
    assert len(written["results"]["rows"]) == 4
    counts = [line["quality"] and line["quality"]["count"] for line in written["results"]["kinds"]]
    assert counts == 2 * [2, None, 2, None]

    report.write_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "0.750\n0.600…0.900" in page
    assert "ours &lt;b&gt;" in page
    assert "ab12" in page
    assert "pitch\ncorrelation" not in page
    assert "transcript\nerror" in page


def test_a_page_carries_its_figures_inside(tmp_path: Path) -> None:
    report = Report("latency", {}, {}, tables=[Table("T", ("a", "b"), [("x", "1")])], images={"A curve": b"\x89PNG"})
    report.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert 'src="data:image/png;base64,iVBORw=="' in page
    assert "http" not in page


def test_a_failed_report_leaves_the_old_one(tmp_path: Path) -> None:
    report = Report("latency", {}, {})
    with pytest.raises(RtvcError, match="cannot be written"):
        report.write_json(tmp_path / "nowhere" / "report.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RtvcError, match="cannot be written"):
        report.write_json(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_json_carries_no_value_that_json_does_not_know() -> None:
    figures = {"a": np.float32(0.5), "b": (1, float("nan")), "c": np.arange(2), "d": Path("x"), "e": np.bool_(True)}
    assert plain(figures) == {"a": 0.5, "b": [1, None], "c": [0, 1], "d": "x", "e": True}


def test_a_pack_without_conversion_gives_the_source_back_in_time(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    source, reference = LOW(), HIGH(seconds=3)
    result = PackConverter(pack, Conversion(MapChoice(strength=0.0)))(source, reference)
    assert result.shape == source.shape
    assert np.abs(result - source)[800:-800].max() < 0.02
    assert np.corrcoef(result, source)[0, 1] > 0.999
    assert np.abs(PackConverter(pack, Conversion())(source, reference) - source).max() > 0.1


@pytest.fixture
def world() -> None:
    pytest.importorskip("pyworld", reason="the classical baseline needs pyworld, of the extra `benchmark`")


def test_the_classical_copy_keeps_length_and_tune(world: None) -> None:
    source = LOW()
    copy = world_copy(source, HIGH())
    assert copy.shape == source.shape
    assert copy.dtype == np.float32
    before, after = track_pitch(source, SAMPLE_RATE), track_pitch(copy, SAMPLE_RATE)
    both = np.isfinite(before) & np.isfinite(after)
    assert both.mean() > 0.7
    assert np.median(np.abs(np.log2(after[both] / before[both]))) < 0.02


def test_the_classical_map_moves_pitch_and_envelope_to_the_reference(world: None) -> None:
    source, reference = LOW(), HIGH()
    result = WorldMkl(2)(source, reference)
    assert result.shape == source.shape

    def centre(audio: Block) -> float:
        power = np.abs(np.fft.rfft(audio)) ** 2
        return float((np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE) * power).sum() / power.sum())

    assert np.nanmedian(track_pitch(result, SAMPLE_RATE)) == pytest.approx(240, rel=0.1)
    assert abs(centre(result) - centre(reference)) < 0.5 * abs(centre(source) - centre(reference))
