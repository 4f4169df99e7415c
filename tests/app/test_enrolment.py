from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.app import enrolment as app_enrolment
from rtvc.app.enrolment import (
    EnrolmentProgress,
    enrol_recordings,
    find_enrolment,
    record_enrolment,
    remove_enrolment,
    store_enrolment,
)
from rtvc.devices import portaudio
from rtvc.devices.portaudio import Device
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.voices.enrolment import EnrolmentLibrary
from tests.support.packs import identity_pack
from tests.support.sounds import babble

RATE = 16_000
MICROPHONE = Device("WASAPI", "mic", "Microphone", 1, 0, 48_000, 0, default_input=True)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(identity_pack(tmp_path_factory.mktemp("packs") / "identity").folder)


@pytest.fixture
def enrolments(tmp_path: Path) -> EnrolmentLibrary:
    return EnrolmentLibrary(tmp_path / "enrolments")


@pytest.fixture(autouse=True)
def _microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A microphone that gives 60 s of speech-like noise at once."""

    def blocks(device: Device, seconds: float) -> Iterator[tuple[Block, int]]:
        assert device == MICROPHONE
        sound = babble(seconds, RATE)
        for start in range(0, len(sound), RATE // 10):
            yield sound[start : start + RATE // 10], RATE

    monkeypatch.setattr(portaudio, "refresh", lambda: None)
    monkeypatch.setattr(portaudio, "list_devices", lambda: [MICROPHONE])
    monkeypatch.setattr(app_enrolment, "microphone_blocks", blocks)


def test_a_recorded_enrolment_is_stored_for_its_microphone(pack: str, enrolments: EnrolmentLibrary) -> None:
    heard: list[EnrolmentProgress] = []
    enrolment = record_enrolment(None, 6.0, pack, progress=heard.append, enrolments=enrolments)
    assert enrolment.microphone == str(MICROPHONE.identity)
    assert enrolment.speech_seconds == pytest.approx(6, abs=0.1)
    assert len(heard) == 60
    assert heard[-1].seconds == pytest.approx(6)
    assert heard[-1].speech_seconds == pytest.approx(6, abs=0.1)
    assert -35 < heard[-1].level_dbfs < heard[-1].peak_dbfs < 0
    found = find_enrolment(None, pack, enrolments=enrolments)
    assert found is not None
    assert found.speech_seconds == pytest.approx(enrolment.speech_seconds)
    np.testing.assert_allclose(found.features.frames, enrolment.features.frames)


def test_a_recording_can_end_early_and_is_used(pack: str, enrolments: EnrolmentLibrary) -> None:
    heard: list[EnrolmentProgress] = []
    enrolment = record_enrolment(
        None, 60.0, pack, progress=heard.append, enough=lambda: len(heard) == 40, enrolments=enrolments
    )
    assert enrolment.speech_seconds == pytest.approx(4, abs=0.1)


def test_an_abandoned_recording_stores_nothing(pack: str, enrolments: EnrolmentLibrary) -> None:
    class Cancelled(Exception):  # noqa: N818
        pass

    def cancel(heard: EnrolmentProgress) -> None:
        if heard.seconds > 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        record_enrolment(None, 60.0, pack, progress=cancel, enrolments=enrolments)
    assert find_enrolment(None, pack, enrolments=enrolments) is None


def test_an_enrolment_from_recordings_is_removed_and_stored_again(
    pack: str, enrolments: EnrolmentLibrary, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "me.wav", babble(5, RATE), RATE)
    enrolment = enrol_recordings([tmp_path / "me.wav"], "mic", pack, enrolments=enrolments)
    assert enrolment.microphone == str(MICROPHONE.identity)
    assert remove_enrolment(enrolment.microphone, pack, enrolments=enrolments)
    assert find_enrolment("mic", pack, enrolments=enrolments) is None
    store_enrolment(enrolment, pack, enrolments=enrolments)
    assert find_enrolment("mic", pack, enrolments=enrolments) is not None


def test_a_missing_microphone_is_named(pack: str, enrolments: EnrolmentLibrary) -> None:
    with pytest.raises(RtvcError, match="called 'headset'"):
        record_enrolment("headset", 6.0, pack, enrolments=enrolments)
