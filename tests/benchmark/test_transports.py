import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtvc.benchmark import transports
from rtvc.benchmark.transports import memory_bytes, random_voice, transports_report
from rtvc.cli import app
from rtvc.errors import RtvcError
from rtvc.features import FeatureRoles
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS, fit
from tests.support.packs import identity_pack
from tests.support.transports import QUICK_FLOW


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"), hop=160)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    # Before each timing it collects the garbage of all libraries that the tests have imported.
    monkeypatch.setattr(transports, "gc_frozen", nullcontext)


def test_every_transport_is_a_line_in_every_size(pack: ModelPack) -> None:
    shares: list[float] = []
    report = transports_report(pack, dimensions=[8], reference_seconds=[1, 2], seconds=0.1, progress=shares.append)
    rows = report.results["transports"]
    assert [(row["transport"], row["dimensions"], row["reference_seconds"]) for row in rows] == [
        (name, 8, length) for length in (1, 2) for name in FITS
    ]
    for row in rows:
        assert 0 < row["frame_milliseconds"]["p50"] <= row["frame_milliseconds"]["p99"]
        assert row["fit_seconds"] > 0
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(report.tables[0].rows) == len(rows)
    by_case = {(row["transport"], row["dimensions"], row["reference_seconds"]): row["memory_bytes"] for row in rows}
    # An affine map is a matrix and an offset; what picks frames of the reference holds all of them.
    assert by_case["mkl", 8, 1] == by_case["mkl", 8, 2] == 4 * (8 * 8 + 8)
    assert 4 * 100 * 8 < by_case["knn", 8, 1] < by_case["knn", 8, 2] / 1.8


def test_without_dimensions_the_packs_are_taken(pack: ModelPack) -> None:
    (row,) = transports_report(pack, ["mkl"], reference_seconds=[1], seconds=0.1).results["transports"]
    assert row["dimensions"] == pack.feature_dim


def test_memory_counts_the_layers_of_a_flow() -> None:
    one, other = (random_voice(20, 6, FeatureRoles(), seed) for seed in (1, 2))
    flow = fit("flow", one, other, hidden=10)
    layers = 7 * 10 + 10 + 10 * 10 + 10 + 10 * 6 + 6
    assert memory_bytes(flow) == 4 * (layers + 2 * 6)


def test_random_voices_differ_and_half_of_their_frames_are_voiced() -> None:
    one, other = (random_voice(100, 6, FeatureRoles(4, 5), seed) for seed in (1, 2))
    assert one.statistics.voiced_count == 50
    assert np.abs(one.statistics.mean - other.statistics.mean).max() > 0.5


def test_the_command_writes_its_report(pack: ModelPack, tmp_path: Path) -> None:
    figures = tmp_path / "report.json"
    arguments = ["bench", "transports", "--pack", str(pack.folder), "--transport", "knn", "--dim", "8"]
    arguments += ["--reference", "1", "--seconds", "0.1", "--json", str(figures)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "knn" in result.output
    (row,) = json.loads(figures.read_text())["results"]["transports"]
    assert (row["transport"], row["dimensions"], row["reference_seconds"]) == ("knn", 8, 1)
    with pytest.raises(RtvcError, match="no transport named 'magic'"):
        CliRunner().invoke(
            app, ["bench", "transports", "--pack", str(pack.folder), "--transport", "magic"], catch_exceptions=False
        )
