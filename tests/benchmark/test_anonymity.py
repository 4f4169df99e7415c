"""What a converted folder tells of its speakers, with a pack and judges that need no model."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark import anonymity
from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.files.conversion import Conversion, Outcome
from rtvc.files.folder_task import Digests, Recipe, Record, Task
from rtvc.files.manifest import Manifest
from rtvc.packs.pack import ModelPack
from rtvc.voices.library import VoiceLibrary
from tests.support.commands import refusal, rtvc
from tests.support.quality import SPEAKERS, LevelRecogniser, PitchListener, tone

pytest.importorskip("pyarrow", reason="needs the extra 'cluster'")


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anonymity, "SpeakerEncoder", PitchListener)
    monkeypatch.setattr(anonymity, "Recogniser", LevelRecogniser)
    monkeypatch.setattr(anonymity, "overall_quality", lambda audio: float(5 * np.abs(audio).max()))
    monkeypatch.setattr(
        anonymity, "character_error_rate", lambda reference, words: float(reference.split() != words.split())
    )


def converted(folder: Path, pack: ModelPack, pitches: dict[str, float]) -> list[object]:
    """Write the conversions of the corpus, each speaker at a pitch, and return the command that measures them."""
    corpus, output = folder / "corpus", folder / "out"
    voice = VoiceLibrary().find("Willow")
    recipe = Recipe.of("Willow", voice, pack, Conversion())
    with Manifest(output / "manifest.parquet", corpus, output) as manifest:
        for source in sorted(corpus.rglob("*.flac")):
            target = output / source.relative_to(corpus)
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, tone(pitches[source.parent.name], soundfile.info(source).duration), SAMPLE_RATE)
            outcome = Outcome(1.0, 1.0, Fraction(0), [])
            manifest.add(Record(Task(source, target, recipe), Digests("a", "b"), outcome))
        manifest.add(Record(Task(corpus / "eve" / "x.flac", output / "eve" / "x.flac", recipe), error="damaged"))
    return ["bench", "anonymity", corpus, output, "--json", folder / "report.json", "--force"]


def test_one_voice_for_all_hides_them_and_a_voice_each_links_their_recordings(
    folder: Path, pack: ModelPack, judges: None
) -> None:
    rates = []
    for pitches in (dict.fromkeys(SPEAKERS, 140.0), {"ann": 110.0, "bob": 170.0, "eve": 230.0}):
        printed = rtvc(*converted(folder, pack, pitches))
        report = json.loads((folder / "report.json").read_text())["results"]
        rates.append({name: rate["mean"] for name, rate in report["equal_error_rate"].items()})
        assert "15 recordings of 3 speakers in 1 voices" in printed
        assert len(report["rows"]) == 15
        row = report["rows"][0]
        assert row["similarity_of_source"] > row["similarity_to_source"]
        assert row["transcript_error"] == 0
    same, swapped = rates
    assert same["original, original"] == swapped["original, original"] == 0
    assert same["converted, converted"] > 0.4
    assert same["original, converted"] > 0.3
    assert swapped["converted, converted"] == 0
    assert swapped["original, converted"] > 0.6  # Each sounds like another of them.


def test_it_needs_a_manifest_of_two_speakers(folder: Path, pack: ModelPack, judges: None) -> None:
    words = converted(folder, pack, SPEAKERS)
    assert "15 recordings" in rtvc(*words, "--recordings", "9")
    assert "6 recordings" in rtvc(*words, "--recordings", "2")
    assert "no folder names its speaker" in refusal(*words, "--speaker-folder", "2")
    assert "there is no manifest" in refusal(*words, "--manifest", folder / "missing")


def test_a_manifest_leads_to_its_own_folders_only(folder: Path, pack: ModelPack) -> None:
    recipe = Recipe.of("Willow", VoiceLibrary().find("Willow"), pack, Conversion())
    path = folder / "out" / "manifest.parquet"
    row = {"source": "../secret.wav", "output": "a.wav", "output_sha256": "b", **vars(recipe)}
    path.parent.mkdir()
    path.with_name("manifest.parquet.journal").write_text(json.dumps(row) + "\n")
    with Manifest(path, folder / "corpus", folder / "out"):
        pass
    assert "lies outside of its folder" in refusal("bench", "anonymity", folder / "corpus", folder / "out")
