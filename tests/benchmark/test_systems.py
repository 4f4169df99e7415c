"""Systems that are compared: packs, copies, and WORLD with MKL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtvc.benchmark.classical import WorldMkl, world_copy
from rtvc.benchmark.metrics import SAMPLE_RATE
from rtvc.benchmark.pitch import track_pitch
from rtvc.benchmark.systems import PackConverter, References, noisy_copy
from rtvc.dsp.stage import Block
from rtvc.files.conversion import Conversion
from rtvc.transport.choice import MapChoice
from tests.support.packs import identity_pack
from tests.support.quality import tone
from tests.support.vowels import HIGH, LOW


def test_the_noise_of_a_copy_lies_30_db_below_it() -> None:
    source = tone(200, 1, SAMPLE_RATE)
    noise = noisy_copy(source, source) - source
    assert 10 * np.log10(np.mean(source**2) / np.mean(noise**2)) == pytest.approx(30, abs=0.2)
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    assert spectrum[:4000].mean() == pytest.approx(spectrum[4000:].mean(), rel=0.1)


def test_a_pack_without_conversion_gives_the_source_back_in_time(tmp_path: Path) -> None:
    pack = identity_pack(tmp_path / "pack")
    source, reference = LOW(), HIGH(seconds=3)
    result = PackConverter(pack, Conversion(MapChoice(strength=0.0)))(source, reference)
    assert result.shape == source.shape
    assert np.abs(result - source)[800:-800].max() < 0.02
    assert np.corrcoef(result, source)[0, 1] > 0.999
    assert np.abs(PackConverter(pack, Conversion())(source, reference) - source).max() > 0.1


def test_a_reference_is_used_whole_and_analysed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = identity_pack(tmp_path / "pack")
    source, reference = LOW(), np.concatenate([LOW(seconds=2), HIGH(seconds=2)])
    result = PackConverter(pack, Conversion())(source, reference)
    monkeypatch.setattr("rtvc.voices.analysis.LONGEST_SECONDS", 2.0)
    np.testing.assert_array_equal(PackConverter(pack, Conversion())(source, reference), result)
    references = References()
    assert references.features(reference, pack) is references.features(reference.copy(), pack)


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
