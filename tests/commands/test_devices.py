"""`rtvc devices`, `enrol` and `doctor`: what there is, what is missing, and what is kept."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rtvc.cli import app
from rtvc.devices import device_stream
from rtvc.devices.portaudio import PULSE, DeviceIdentity, refresh
from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.packs.pack import ModelPack
from rtvc.voices.enrolment import EnrolmentLibrary
from tests.support.commands import refusal, rtvc
from tests.support.pulse import MICROPHONE, PulseServer
from tests.support.sounds import babble


def test_without_any_device_the_way_out_is_named(
    pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.devices.portaudio.list_devices", list)
    assert "No devices were found: `rtvc doctor`" in rtvc("devices")
    enrol = ("enrol", "--pack", pack.folder)
    soundfile.write(tmp_path / "me.wav", babble(12, 16_000), 16_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(160_000), 16_000)
    # What is wrong with a recording is said first.
    assert "no such file" in refusal(*enrol, tmp_path / "missing.wav")
    assert "0.0 s of speech" in refusal(*enrol, tmp_path / "silent.wav")
    assert "There is no input device" in refusal(*enrol, tmp_path / "me.wav")
    assert "There is no input device" in refusal(*enrol)


def test_devices_are_listed(pulse: PulseServer) -> None:
    refresh()
    said = rtvc("devices")
    assert PULSE in said
    assert "48000 Hz" in said
    assert "default" in said


def test_enrolment_from_files_is_kept_for_the_microphone(pulse: PulseServer, pack: ModelPack, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "me.wav", babble(12, 16_000), 16_000)
    said = rtvc("enrol", tmp_path / "me.wav", "--input", MICROPHONE, "--pack", pack.folder)
    assert "12.0 s of speech" in said
    enrolment = EnrolmentLibrary().load(str(DeviceIdentity(PULSE, MICROPHONE)), pack)
    assert enrolment is not None
    assert enrolment.speech_seconds == pytest.approx(12, abs=0.1)


def test_enrolment_from_a_silent_microphone_is_refused(pulse: PulseServer, pack: ModelPack) -> None:
    refresh()
    assert "0.0 s of speech" in refusal("enrol", "--input", MICROPHONE, "--seconds", "5", "--pack", pack.folder)


def test_the_doctor_measures_the_loop_and_tells_the_steps(
    pulse: PulseServer, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtvc.app.virtual_microphone.MEASURING_SECONDS", 3.0)
    monkeypatch.setattr(device_stream, "STALL_SECONDS", 5.0)  # as a busy machine may
    said = rtvc("doctor", "--pack", pack.folder)
    assert f"✓ virtual microphone: {DESCRIPTION} passes sound" in said
    assert "✓ model pack: identity runs on the CPU" in said
    assert "Discord" in said
    assert "OBS" in said
    assert "✗" not in said


def test_the_doctor_says_what_is_missing(pulse: PulseServer, pack: ModelPack) -> None:
    pulse.kill()
    refresh()
    result = CliRunner().invoke(app, ["doctor", "--pack", str(pack.folder)])
    assert result.exit_code == 1
    assert "✗ virtual microphone: No PulseAudio or PipeWire server answers" in result.output
    assert "✓ model pack" in result.output
