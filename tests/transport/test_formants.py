"""The shift of formants: exact on the spectra that cepstra stand for, and audible through the embedded pack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rtvc.chain.voice_converter import VoiceConverter, unchanged
from rtvc.errors import RtvcError
from rtvc.features import CepstralEnvelope, FeatureRoles
from rtvc.packs.pack import find_pack
from rtvc.transport import TransportStage
from rtvc.transport.formants import formant_matrix
from rtvc.transport.pitch import PitchControl, PitchTransport
from rtvc.voices.library import shipped_voices

WHOLE = CepstralEnvelope((64, 64), 64, 8000.0)
"""Keeps all orders, so that cepstra and spectra say the same."""


def mel_centres(bands: int) -> npt.NDArray[np.float64]:
    centres: npt.NDArray[np.float64] = 700 * np.expm1(np.arange(1, bands + 1) / (bands + 1) * np.log1p(8000 / 700))
    return centres


def cosines(bands: int) -> npt.NDArray[np.float64]:
    basis: npt.NDArray[np.float64] = np.cos(
        np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(bands))
    ) * np.sqrt(2 / bands)
    basis[:, 0] /= np.sqrt(2)
    return basis


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.15])
def test_a_formant_moves_by_the_factor_and_the_orders_over_time_keep_apart(factor: float) -> None:
    centres = mel_centres(64)
    formant = np.exp(-((np.log(centres / 1500) / 0.2) ** 2))  # a peak at 1.5 kHz
    cepstra = np.concatenate([formant @ cosines(64), np.zeros(64)])
    moved = (cepstra @ formant_matrix(WHOLE, factor)).reshape(2, 64) @ cosines(64).T
    assert not moved[1].any()
    peak = np.exp(np.average(np.log(centres), weights=np.maximum(moved[0], 0) ** 4))
    assert peak == pytest.approx(1500 * factor, rel=0.02)


def test_no_shift_is_the_identity() -> None:
    envelope = CepstralEnvelope((40, 24, 16, 16), 64, 8000.0)
    np.testing.assert_allclose(formant_matrix(envelope, 1.0), np.eye(96), atol=1e-5)


def test_only_cepstra_move_and_a_change_is_faded() -> None:
    envelope = CepstralEnvelope((4, 2), 4, 8000.0)
    roles = FeatureRoles(8, 9, (2, 8), envelope)
    stage = TransportStage(PitchTransport(None), 1.0, 50, pitch=PitchControl(formants=1.15), roles=roles)
    features = np.random.default_rng(0).standard_normal((20, 10)).astype(np.float32)
    moved = stage.process(features)
    np.testing.assert_array_equal(moved[:, [0, 1, 8, 9]], features[:, [0, 1, 8, 9]])
    np.testing.assert_allclose(moved[:, 2:8], features[:, 2:8] @ formant_matrix(envelope, 1.15), atol=1e-5)
    stage.set(PitchTransport(None), 1.0)
    assert not np.array_equal(stage.process(features), features)
    np.testing.assert_array_equal(stage.process(features), features)


def test_the_sound_of_the_embedded_pack_moves_and_its_pitch_stays() -> None:
    pack = find_pack("mini")
    sound = shipped_voices()[0].recording.read()[: 2 * pack.sample_rate]
    spectra = {}
    for factor in (0.85, 1.0, 1.15):
        converter = VoiceConverter(pack, unchanged(pack), pitch=PitchControl(formants=factor))
        converted = converter.process(sound[: len(sound) // pack.hop * pack.hop])
        power = np.abs(np.fft.rfft(converted[: len(converted) // 512 * 512].reshape(-1, 512) * np.hanning(512))) ** 2
        spectra[factor] = power.mean(axis=0)[4:160]  # 125 Hz to 5 kHz
    frequency = np.arange(4, 160)
    centre = {factor: float(np.average(frequency, weights=power**0.3)) for factor, power in spectra.items()}
    assert centre[0.85] < 0.97 * centre[1.0] < 0.97 / 1.03 * centre[1.15]


def test_formants_out_of_range_or_without_an_envelope_are_refused() -> None:
    pack = find_pack("mini")
    PitchControl(formants=0.85).check(pack.roles, "mini")
    with pytest.raises(RtvcError, match=r"must be from 0\.85 to 1\.15, not 1\.5"):
        PitchControl(formants=1.5).check(pack.roles, "mini")
    with pytest.raises(RtvcError, match="large does not specify its formants: leave the formants at 1"):
        PitchControl(formants=1.1).check(FeatureRoles(), "large")
    with pytest.raises(RtvcError, match="do not fit features"):
        FeatureRoles(cepstra=(0, 6), envelope=WHOLE).check(10)
