"""The protocol over pairs of speakers, and the report that it ends in."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark import quality
from rtvc.benchmark.classical import WorldMkl, world_copy
from rtvc.benchmark.metrics import SAMPLE_RATE, Embedding
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.quality import (
    PackConverter,
    Row,
    System,
    compare,
    find_speakers,
    load,
    make_pairs,
    noisy_copy,
    quality_report,
    reference_audio,
    source_copy,
    summarize,
)
from rtvc.benchmark.report import Report, Table, plain
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion
from rtvc.transport.choice import MapChoice
from tests.benchmark.test_metrics import HIGH, LOW
from tests.support.packs import identity_pack

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
    """Takes the median pitch for the voice: a speaker encoder that is exact on these tones."""

    def embed(self, audio: Block) -> Embedding | None:
        hertz = track_pitch(audio, SAMPLE_RATE)
        if np.isnan(hertz).all():
            return None
        angle = math.log2(float(np.nanmedian(hertz)) / 60) * math.pi / 6
        return np.array([math.cos(angle), math.sin(angle)], np.float32)


class LengthTranscriber:
    """Hears a word a second, spelt by how loud it is."""

    def transcript(self, audio: Block) -> str:
        seconds = audio[: len(audio) // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
        return " ".join("loud" if np.abs(second).max() > 0.15 else "soft" for second in seconds)


@pytest.fixture
def simple_ears(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put listeners that need no package of the extra in the models' place: the protocol is what is tested."""
    monkeypatch.setattr(quality, "SpeakerEncoder", PitchListener)
    monkeypatch.setattr(quality, "Transcriber", LengthTranscriber)
    monkeypatch.setattr(quality, "overall_quality", lambda audio: float(5 * np.abs(audio).max()))


def perfect(source: Block, reference: Block) -> Block:
    return np.resize(reference, source.shape)


def quiet(source: Block, reference: Block) -> Block:
    return np.asarray(0.5 * source, np.float32)


def test_a_converter_is_told_from_a_copy(folder: Path, tmp_path: Path, simple_ears: None) -> None:
    calls: list[tuple[int, int]] = []
    systems = [System("copy", source_copy), System("perfect", perfect, 3.0), System("quiet", quiet)]
    rows = list(compare(folder, systems, tmp_path / "kept", progress=lambda done, all_: calls.append((done, all_))))
    assert calls == [(index + 1, 18) for index in range(18)]
    lines = summarize(rows)
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


def test_what_was_said_may_lie_beside_a_recording(folder: Path, simple_ears: None) -> None:
    (folder / "corpus" / "ann" / "ann-2.txt").write_text("Loud, loud. Loud loud!")
    rows = list(compare(folder, [System("copy", source_copy)]))
    by_text = {row.recording: row.text_error for row in rows if row.text_error is not None}
    assert by_text == {"ann-2.flac": 0.0}


def test_every_conversion_is_drawn(folder: Path, tmp_path: Path, simple_ears: None) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `picture`")
    list(compare(folder, [System("a copy", source_copy)], pairs=2, pictures=tmp_path / "drawn"))
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [path.name for path in drawn] == [
        "corpus-ann-to-corpus-bob-a-copy-5s.png",
        "corpus-bob-to-corpus-eve-a-copy-5s.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_fewer_pairs_are_spread_over_all(folder: Path, simple_ears: None) -> None:
    rows = list(compare(folder, [System("copy", source_copy)], pairs=3))
    assert {row.source for row in rows} == {"corpus/ann", "corpus/bob", "corpus/eve"}


@pytest.mark.parametrize(
    "broken", [lambda source, reference: source[:-1], lambda source, reference: source * np.float32(np.nan)]
)
def test_a_result_that_is_not_sound_is_refused(folder: Path, simple_ears: None, broken: quality.Converter) -> None:
    with pytest.raises(RtvcError, match=r"broken turned .* into something that is not sound"):
        list(compare(folder, [System("broken", broken)]))


def test_silence_counts_as_no_voice_and_no_words(folder: Path, simple_ears: None) -> None:
    mute = System("mute", lambda source, reference: np.zeros_like(source))
    rows = list(compare(folder, [mute], pairs=2))
    assert [row.similarity_to_target for row in rows] == [0.0, 0.0]
    assert [row.closer_to_target for row in rows] == [False, False]
    assert [row.pitch_correlation for row in rows] == [None, None]


def row(system: str, target: str, similarity: float, seconds: float = 5.0) -> Row:
    return Row(
        *(system, seconds, "a", target, "a.flac", similarity, 0.5, similarity > 0.5),
        *(3.0, 3.1, 0.25, None, None, 0.0, 0.1),
    )


def test_the_report_holds_the_same_figures_in_every_form(tmp_path: Path) -> None:
    rows = [row("ours <b>", "b", 0.6), row("ours <b>", "c", 0.9), row("copy", "b", 0.4), row("copy", "c", 0.3)]
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

    report.write_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "0.75\n0.60…0.90" in page
    assert "ours &lt;b&gt;" in page
    assert "ab12" in page
    assert "pitch\ncorrelation" not in page
    assert "transcript\nerror" in page


def test_a_page_carries_its_figures_inside(tmp_path: Path) -> None:
    report = Report("latency", {}, {}, tables=[Table("T", ("a", "b"), [("x", "1")])], figures={"A curve": b"\x89PNG"})
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
