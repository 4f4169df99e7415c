import json
from pathlib import Path

import pytest

from export.measured import add_measured
from rtvc.benchmark.quality import quality_report
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from tests.support.packs import identity_pack
from tests.support.quality import quality_row


def report(path: Path, digest: str, system: str, overdrive: float = 1.0) -> Path:
    rows = [
        quality_row(system, target, similarity, pitch_correlation=0.9)
        for target, similarity in (("b", 0.7), ("c", 0.8))
    ]
    quality_report(rows, {}, {"identity": {"digest": digest, "overdrive": overdrive}}).write_json(path)
    return path


def test_a_card_takes_the_figures_of_its_own_pack(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    add_measured(pack, [report(tmp_path / "q.json", pack.digest, "identity mkl, K = 2")])
    measured = json.loads((pack.folder / "card.json").read_text())["measured"]["quality"]
    assert measured["similarity_to_target"] == pytest.approx(0.75)
    assert measured["closer_to_target"] == 1
    assert measured["pairs"] == 2
    assert ModelPack(pack.folder).digest == pack.digest


def test_figures_of_the_other_benchmark_stay(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    throughput = tmp_path / "t.json"
    content = {"benchmark": "throughput", "packs": {"identity": {"digest": pack.digest}}}
    throughput.write_text(json.dumps({**content, "results": {"real_time_factor": 0.0781}}))
    add_measured(pack, [throughput])
    quality = report(tmp_path / "q.json", pack.digest, "identity mkl, K = 2")
    measured = add_measured(ModelPack(pack.folder), [quality])
    assert measured["real_time_factor_step_1_thread_1"] == 0.078
    assert measured["quality"]["pairs"] == 2


def test_figures_of_another_pack_or_setting_are_refused(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    with pytest.raises(RtvcError, match="made of another pack"):
        add_measured(pack, [report(tmp_path / "q.json", "0" * 64, "identity mkl, K = 2")])
    with pytest.raises(RtvcError, match="another overdrive"):
        add_measured(pack, [report(tmp_path / "o.json", pack.digest, "identity mkl, K = 2", overdrive=1.5)])
    with pytest.raises(RtvcError, match="no figures of identity mkl, K = 2"):
        add_measured(pack, [report(tmp_path / "r.json", pack.digest, "identity mkl, K = 9")])
