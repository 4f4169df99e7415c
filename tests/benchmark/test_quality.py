"""The protocol over pairs of speakers, and the report that it ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.listener import Listener, Row
from rtvc.benchmark.quality import by_system, measure_pairs, summarize, verification
from rtvc.benchmark.speakers import (
    find_speakers,
    make_pairs,
)
from rtvc.benchmark.systems import Converter, System, source_copy
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from tests.support.packs import identity_pack
from tests.support.quality import LevelRecogniser


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
    # A verifier tells every copy of a source from the target, and no copy of the target.
    assert verification([asdict(row) for row in rows if row.system == "copy"]).mean == 0
    assert verification([asdict(row) for row in rows if row.system == "perfect"]).mean >= 0.4
    kept = sorted(path.name for path in (tmp_path / "kept" / "corpus-ann-to-corpus-bob").iterdir())
    expected = ["copy-5s", "perfect-3s", "quiet-5s", "reference-3s", "reference-5s", "source"]
    assert kept == [f"{name}.flac" for name in expected]


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


def test_features_of_the_target_lie_nearer_to_it(folder: Path, tmp_path: Path, simple_judges: None) -> None:
    listener = Listener(pack=identity_pack(tmp_path / "pack"))
    systems = [System("copy", source_copy), System("perfect", perfect, 3.0)]
    rows = list(measure_pairs(make_pairs(find_speakers(folder, 5), 1), systems, listener))
    copied, converted = (row.energy_distance for row in rows)
    assert copied is not None
    assert converted is not None
    assert converted < 0.2 * copied


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
