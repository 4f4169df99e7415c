"""`rtvc bench quality` from the command line, with a stand-in pack and judges that need no package of the extra."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtvc.benchmark import listener
from rtvc.benchmark.conditions import ChangeLevel
from rtvc.benchmark.systems import System, source_copy
from rtvc.cli import app
from rtvc.commands import bench_quality
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion
from rtvc.packs.card import Defaults
from rtvc.packs.runtime import Runtime
from rtvc.transport.trained_maps import MapLibrary


@dataclass(frozen=True)
class FakePack:
    name: str = "fake"
    digest: str = "ab12"
    defaults: Defaults = field(default_factory=lambda: Defaults(64, 1, Runtime()))


@dataclass(frozen=True)
class FakeConverter:
    """Gives the reference back at full strength, and the source at none."""

    pack: FakePack
    conversion: Conversion
    references: object = None

    def __call__(self, source: Block, reference: Block) -> Block:
        return np.resize(reference, source.shape) if self.conversion.map.strength else source


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, simple_judges: None, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_quality, "default_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(bench_quality, "find_pack", lambda name, runtime: FakePack(name))
    monkeypatch.setattr(bench_quality, "PackConverter", FakeConverter)
    monkeypatch.setattr(listener, "standard_features", lambda audio, pack: audio[::320, None])
    monkeypatch.setattr(bench_quality, "COPIES", (System("source copy", source_copy),))
    monkeypatch.setattr(bench_quality, "CLASSICAL", ())


def run(*arguments: object, command: str = "quality") -> str:
    result = CliRunner().invoke(app, ["bench", command, *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_systems_are_compared_and_reported(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run(folder / "corpus", "--pairs", 2, "--json", report, "--html", tmp_path / "report.html")
    written = json.loads(report.read_text())
    by_name = {system["system"]: system for system in written["results"]["systems"]}
    assert list(by_name) == ["source copy", "mini resynthesis", "mini mkl, K = 64"]
    closer = {name: system["closer_to_target"]["mean"] for name, system in by_name.items()}
    assert closer == {"source copy": 0, "mini resynthesis": 0, "mini mkl, K = 64": 1}
    assert written["packs"] == {"mini": {"digest": "ab12", "overdrive": 1.0}}
    assert written["settings"]["pairs"] == 2
    assert "mini mkl, K = 64" in (tmp_path / "report.html").read_text()


def test_two_reports_are_compared_without_measuring(folder: Path, tmp_path: Path) -> None:
    reports = [tmp_path / "old.json", tmp_path / "new.json"]
    (tmp_path / "readers.txt").write_text("ann\nbob\n")
    for report in reports:
        run(folder / "corpus", "--no-baselines", "--readers", tmp_path / "readers.txt", "--json", report)
    assert json.loads(reports[0].read_text())["settings"]["readers"] == ["ann", "bob"]
    run("--compare", *reports, "--json", tmp_path / "change.json")
    kinds = json.loads((tmp_path / "change.json").read_text())["results"]["mini mkl, K = 64, 5 s"]
    assert kinds["all pairs"]["similarity_to_target"] == {"mean": 0, "low": 0, "high": 0, "count": 2}
    with pytest.raises(RtvcError, match="Name a folder of speakers"):
        run("--no-baselines")


def test_every_transport_block_size_and_reference_is_a_line(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = "--transport all --block-size 2 --block-size 8 --reference 3 --reference 5 --no-baselines --pairs 1"
    run(folder, *arguments.split(), "--strength", 0.5, "--strength", 1, "--pack", "other", "--json", report)
    lines = [
        (line["system"], line["reference_seconds"]) for line in json.loads(report.read_text())["results"]["systems"]
    ]
    names = ["other mkl, K = 2", "other mkl, K = 8", "other knn", "other sinkhorn", "other flow"]
    assert lines == [
        (name + strength, seconds) for name in names for strength in (", strength 0.5", "") for seconds in (3.0, 5.0)
    ]


def test_a_trained_map_is_measured_towards_its_speaker(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match="name its speaker with --target"):
        run(folder, "--transport", "not:Iris")
    report = tmp_path / "report.json"
    transports = ["--transport", "mkl", "--transport", "not:Iris"]
    run(folder / "corpus", *transports, "--target", "ann", "--no-baselines", "--json", report)
    written = json.loads(report.read_text())
    assert [line["system"] for line in written["results"]["systems"]] == ["mini mkl, K = 64", "mini not:Iris"]
    assert {row["target"] for row in written["results"]["rows"]} == {"ann"}


def test_all_takes_the_trained_maps_towards_the_target_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = {("ann", "ab12"): [("not:ann", None)]}
    monkeypatch.setattr(MapLibrary, "leading_to", lambda library, voice, digest: maps.get((voice, digest), []))
    report = tmp_path / "report.json"
    run(folder / "corpus", "--transport", "all", "--target", "ann", "--no-baselines", "--pairs", 1, "--json", report)
    systems = json.loads(report.read_text())["results"]["systems"]
    names = ["mkl, K = 64", "knn", "sinkhorn", "flow", "not:ann"]
    assert [line["system"] for line in systems] == [f"mini {name}" for name in names]
    assert {line["equal_error_rate"]["count"] for line in systems} == {1}


def test_each_condition_stands_beside_what_was_heard_unconverted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_quality, "benchmark_module", lambda name: None)
    monkeypatch.setattr(bench_quality, "find_conditions", lambda speakers, noise: {"level +15 dB": ChangeLevel(15)})
    report = tmp_path / "report.json"
    run(folder / "corpus", "--pairs", 2, "--json", report, command="robustness")
    lines = json.loads(report.read_text())["results"]["systems"]
    assert [line["system"] for line in lines] == ["level +15 dB: unconverted", "level +15 dB: mini"]
    assert [line["closer_to_target"]["mean"] for line in lines] == [0, 1]


def test_classical_baselines_are_left_out_where_pyworld_is_missing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_quality, "CLASSICAL", (System("WORLD copy", source_copy),))
    monkeypatch.setitem(sys.modules, "pyworld", None)
    report = tmp_path / "report.json"
    output = run(folder, "--pairs", 1, "--json", report)
    assert "Skipping the WORLD baselines" in output
    assert "WORLD copy" not in report.read_text()


def test_a_report_is_not_overwritten_unasked(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("old")
    with pytest.raises(RtvcError, match=r"already exists; use --force"):
        run(folder, "--json", report)
    assert report.read_text() == "old"
    run(folder, "--pairs", 1, "--json", report, "--force")
    assert json.loads(report.read_text())["benchmark"] == "quality"


@pytest.mark.parametrize("option", ["--keep", "--pictures"])
def test_a_folder_that_is_a_file_is_refused_before_anything_is_measured(
    folder: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RtvcError, match="file: the folder cannot be created"):
        run(folder, option, tmp_path / "file")


def test_an_unknown_transport_is_refused(folder: Path) -> None:
    with pytest.raises(RtvcError, match="no transport named 'magic'"):
        run(folder, "--transport", "magic")
