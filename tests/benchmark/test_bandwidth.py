from pathlib import Path

import numpy as np
import pytest

from rtvc.app.effects import RACKS
from rtvc.benchmark.bandwidth import RATE, bandwidth_report
from rtvc.dsp.effects import NO_EFFECTS
from rtvc.errors import RtvcError
from tests.support.sounds import write


def test_air_brings_noise_closer_to_what_was_cut_from_it(tmp_path: Path) -> None:
    with pytest.raises(RtvcError, match=r"contains no recordings at 44\.1 kHz"):
        bandwidth_report(tmp_path, NO_EFFECTS)
    # Bursts of white noise, as of consonants.
    noise = 0.05 * np.random.default_rng(0).standard_normal(2 * RATE) * (np.arange(2 * RATE) // 4_800 % 2)
    write(tmp_path / "noise.wav", noise.astype(np.float32), RATE)
    report = bandwidth_report(tmp_path, RACKS["Air"])
    lsd = report.results["lsd_db"]
    assert lsd["8 to 12 kHz"]["with"] < 0.3 * lsd["8 to 12 kHz"]["without"]
    assert lsd["0 to 7 kHz"]["with"] == pytest.approx(lsd["0 to 7 kHz"]["without"], abs=0.5)
    assert report.results["latency_milliseconds"] == 0
    same = bandwidth_report(tmp_path, NO_EFFECTS).results["lsd_db"]["8 to 12 kHz"]
    assert same["with"] == same["without"]
