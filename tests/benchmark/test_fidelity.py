import json
from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.fidelity import feature_errors, fidelity_report, log_spectral_distance, measure
from rtvc.dsp.stage import Block
from tests.support.packs import identity_pack
from tests.support.sounds import babble

RATE, HOP = 16_000, 320


def encode(audio: Block) -> Block:
    return audio[: len(audio) // HOP * HOP].reshape(-1, HOP)


def vocode(features: Block) -> Block:
    return features.reshape(-1)


@pytest.mark.parametrize("step", [1, 3])
def test_a_pack_that_streams_exactly_has_no_error(tmp_path: Path, step: int) -> None:
    pack = identity_pack(tmp_path, roles=False)
    fidelity = measure(pack, encode, vocode, [babble(1.5, RATE), babble(1, RATE, seed=1)], step)
    assert fidelity.feature_error == 0
    assert fidelity.feature_cosine == pytest.approx(1)
    assert fidelity.vocoder_distance == fidelity.distance == 0
    assert (fidelity.latency_ms, fidelity.step_ms) == (40, 20 * step)
    assert 0 < fidelity.median_ms <= fidelity.p99_ms


def test_other_models_show_as_errors(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path, roles=False)
    fidelity = measure(pack, lambda audio: 2 * encode(audio), vocode, [babble(1.5, RATE)])
    assert fidelity.feature_error == pytest.approx(0.5, abs=1e-5)
    assert fidelity.feature_cosine == pytest.approx(1, abs=1e-5)
    assert fidelity.vocoder_distance == 0
    assert fidelity.distance == pytest.approx(20 * np.log10(2), abs=0.01)


def test_errors_of_features() -> None:
    one = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    error, cosine = feature_errors(one, one)
    assert error == 0
    assert cosine == pytest.approx(0.5)
    assert feature_errors(-one, one)[0] == 2


def test_the_log_spectral_distance_is_that_of_the_gain() -> None:
    sound = babble(1, RATE)
    assert log_spectral_distance(sound, sound[:9000], RATE) == 0
    assert log_spectral_distance(10 * sound, sound, RATE) == pytest.approx(20, abs=0.01)


def test_the_report_has_a_line_for_each_pack(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path, roles=False)
    rows = {name: measure(pack, encode, vocode, [babble(1, RATE)]) for name in ("one", "other")}
    report = fidelity_report(rows, {"step": 1}, {"identity": pack.digest}, "Fidelity")
    assert [row[0] for row in report.tables[0].rows] == ["one", "other"]
    assert json.loads(json.dumps(report.as_dict()))["results"]["one"]["feature_error"] == 0
