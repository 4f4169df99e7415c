"""Reports as JSON and as pages, and two of them compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.listener import Row
from rtvc.benchmark.paired import compare_quality
from rtvc.benchmark.quality import quality_report
from rtvc.benchmark.report import Report, Table, plain
from rtvc.errors import RtvcError
from tests.support.quality import quality_row


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
