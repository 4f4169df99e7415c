import errno
import gc
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from rtvc.devices.live_port import LivePort
from rtvc.errors import RtvcError
from rtvc.features import PRIOR_FRAMES, FeatureSet
from rtvc.live.engine import Engine
from rtvc.live.file_port import FilePort
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS, Transport
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import EnrolmentLibrary, enrol_audio
from rtvc.voices.library import shipped_voices
from tests.support.engine import Start
from tests.support.simulation import OPEN, OWN, RATE
from tests.support.sounds import babble
from tests.support.transports import Endless
from tests.support.waiting import until

VOICE = shipped_voices()[0].name


def test_a_file_goes_through_in_real_time(pack: ModelPack, tmp_path: Path) -> None:
    sound = babble(2, RATE)
    soundfile.write(tmp_path / "in.wav", sound, RATE, subtype="FLOAT")
    engine = Engine(pack, FilePort(tmp_path / "in.wav", tmp_path / "out.wav"), OWN)
    engine.start()
    assert engine.wait(20)
    snapshot = engine.snapshot()
    assert (snapshot.state, snapshot.message) == (State.STOPPED, "")
    heard, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == RATE
    # Noise of 0.2 s is found in the output, no sooner than the chain allows. A busy machine may lose some of it.
    delays = []
    for start in range(RATE // 5, 8 * RATE // 5, RATE // 5):
        probe, later = sound[start : start + RATE // 5], heard[start:]
        match = correlate(later, probe, "valid")
        best = int(np.argmax(match))
        # The output is the probe below the pack's 8 kHz, so its correlation with the probe is its own energy.
        if match[best] == pytest.approx(np.sum(later[best : best + len(probe)] ** 2), rel=0.1):
            delays.append(best / RATE)
    assert min(delays) > snapshot.latency.step_seconds + snapshot.latency.algorithmic_seconds
    assert len(delays) >= 3


def test_a_device_that_cannot_be_opened_is_a_failure_to_start(started: Start) -> None:
    engine, port = started(refusals=1)
    assert engine.wait(5)
    snapshot = engine.snapshot()
    assert (snapshot.state, snapshot.message) == (State.FAILED, "The microphone is not there")
    assert port.closed == 1


def test_it_runs_and_stops_and_runs_again(started: Start) -> None:
    engine, port = started()
    port.speak(babble(0.5, RATE))
    with pytest.raises(RuntimeError):
        engine.start()
    engine.stop()
    assert engine.snapshot().state == State.STOPPED
    assert gc.get_freeze_count() == 0
    engine.start()
    until(lambda: engine.snapshot().state == State.RUNNING)
    assert np.abs(port.speak(babble(0.5, RATE))).max() > 0.01
    assert (port.opened, port.closed) == (2, 1)


def test_each_run_counts_anew(started: Start) -> None:
    engine, port = started()
    port.speak(babble(0.5, RATE))
    for _ in range(10):
        port.playback.pull(np.zeros(port.playback.block, np.float32))
    until(lambda: engine.snapshot().underruns == 1)
    engine.stop()
    assert engine.snapshot().underruns == 1
    engine.start()
    until(lambda: engine.snapshot().state == State.RUNNING)
    assert engine.snapshot().underruns == 0


def test_it_is_silent_during_a_failure_and_resumes_by_itself(started: Start) -> None:
    engine, port = started()
    port.speak(babble(1, RATE))
    before = port.playback
    port.refusals = 10**9
    port.trouble = "The headset was disconnected"
    until(lambda: engine.snapshot().state == State.RECOVERING)
    assert before.muted
    until(lambda: engine.snapshot().message == "The microphone is not there. Reconnecting…")
    port.refusals = 0
    until(lambda: engine.snapshot().state == State.RUNNING)
    assert engine.snapshot().message == ""
    assert port.playback is not before
    assert np.abs(port.speak(babble(0.5, RATE))).max() > 0.01


def test_what_was_counted_before_a_failure_stays_counted(started: Start) -> None:
    engine, port = started()
    port.speak(babble(0.5, RATE))
    for _ in range(10):
        port.playback.pull(np.zeros(port.playback.block, np.float32))
    until(lambda: engine.snapshot().underruns == 1)
    port.trouble = "The headset was disconnected"
    until(lambda: port.opened == 2 and engine.snapshot().state == State.RUNNING)
    assert engine.snapshot().underruns == 1


def test_it_can_be_stopped_while_it_tries_to_recover(started: Start) -> None:
    engine, port = started()
    port.refusals = 10**9
    port.trouble = "The headset was disconnected"
    until(lambda: engine.snapshot().state == State.RECOVERING)
    engine.stop()
    assert engine.wait(0)


def test_what_the_port_warns_of_is_said(started: Start) -> None:
    engine, port = started()
    port.warning = "No monitor: it is unplugged"
    assert engine.snapshot().message == "No monitor: it is unplugged"


def test_the_snapshot_tells_levels_and_times(started: Start) -> None:
    engine, port = started()
    sound = babble(2, RATE)
    port.speak(sound)
    until(lambda: len(engine.snapshot().recent_compute_seconds) == 100)
    snapshot = engine.snapshot()
    assert snapshot.input_peak_dbfs > snapshot.input_level_dbfs > -40
    assert snapshot.output_peak_dbfs > snapshot.output_level_dbfs > -40
    assert 0 < snapshot.compute_p50_seconds <= snapshot.compute_p99_seconds
    assert snapshot.deadline_seconds == 0.02
    latency = snapshot.latency
    parts = latency.milliseconds
    assert parts.pop("total") == pytest.approx(1000 * latency.total_seconds) == pytest.approx(sum(parts.values()))
    assert list(parts) == ["step", "algorithmic", "compute", "queue", "device"]
    assert min(part for name, part in parts.items() if name != "device") > 0
    assert snapshot.speech_seconds == pytest.approx(2, abs=0.2)
    heard, sent = engine.recent_audio(1.0)
    assert (len(heard), len(sent)) == (16_000, 48_000)
    late = 640
    # The output is by the clock of its device, so only the levels of 20 ms can be compared.
    own, out = (np.std(np.split(side, 48), axis=1) for side in (heard[:-late], sent[3 * late :]))
    np.testing.assert_allclose(out, own, rtol=0.2)


def test_an_enrolment_is_taken_and_given_back_while_it_runs(started: Start, pack: ModelPack) -> None:
    engine, port = started()
    port.speak(babble(0.5, RATE))
    assert engine.snapshot().speech_seconds is not None
    engine.enrolment = enrol_audio(babble(4, RATE), RATE, pack, "microphone")
    assert engine.snapshot().speech_seconds is None
    engine.enrolment = None
    heard = engine.snapshot().speech_seconds
    port.speak(babble(0.5, RATE))
    assert (engine.snapshot().speech_seconds or 0) > (heard or 0)


class Sources:
    """A transport that notes the source of every fit."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.counts: list[float] = []

    def __call__(self, source: FeatureSet, target: FeatureSet, **options: object) -> Transport:
        self.frames.append(len(source.frames))
        self.counts.append(source.statistics.count)
        return lambda features: features


@pytest.fixture
def enrolments(pack: ModelPack, tmp_path: Path) -> EnrolmentLibrary:
    library = EnrolmentLibrary(tmp_path / "enrolments")
    for microphone, seconds in (("desk", 4.0), ("headset", 6.0)):
        library.save(enrol_audio(babble(seconds, RATE), RATE, pack, microphone), pack)
    return library


def test_every_map_starts_from_the_enrolment_of_the_microphone_that_opened(
    started: Start, pack: ModelPack, enrolments: EnrolmentLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Sources()
    monkeypatch.setitem(FITS, "mkl", sources)
    expected = {}
    for microphone in ("desk", "headset"):
        found = enrolments.load(microphone, pack)
        assert found is not None
        expected[microphone] = len(found.features.frames)
    settings = replace(OPEN, voice=VOICE)
    engine, port = started(settings=settings, enrolments=enrolments, microphone="desk")
    assert set(sources.frames) == {expected["desk"]}
    port.microphone_name = "headset"
    port.trouble = "The desk microphone was disconnected"
    until(lambda: port.opened == 2 and engine.snapshot().state == State.RUNNING)
    assert sources.frames[-1] == expected["headset"]
    assert engine.enrolment is not None
    assert engine.enrolment.microphone == "headset"
    port.microphone_name = "unknown"
    port.trouble = "The headset was disconnected"
    until(lambda: port.opened == 3 and engine.snapshot().state == State.RUNNING)
    assert engine.enrolment is None


def test_what_was_learnt_at_one_microphone_is_forgotten_at_another(
    started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Sources()
    monkeypatch.setitem(FITS, "mkl", sources)
    engine, port = started(settings=replace(OPEN, voice=VOICE), microphone="desk")
    port.speak(babble(2, RATE))
    until(lambda: sources.counts[-1] > PRIOR_FRAMES)
    learnt = engine.snapshot().speech_seconds or 0
    assert learnt > 1
    port.trouble = "The desk microphone has gone"
    until(lambda: port.opened == 2 and engine.snapshot().state == State.RUNNING)
    assert engine.snapshot().speech_seconds == learnt
    port.microphone_name = "headset"
    port.trouble = "The desk microphone has gone"
    until(lambda: port.opened == 3 and engine.snapshot().state == State.RUNNING)
    assert sources.counts[-1] == PRIOR_FRAMES
    assert engine.snapshot().speech_seconds == 0
    port.speak(babble(2, RATE))
    until(lambda: sources.counts[-1] > PRIOR_FRAMES)


def test_a_damaged_enrolment_is_said_and_the_voice_is_learnt(
    started: Start, pack: ModelPack, enrolments: EnrolmentLibrary
) -> None:
    for path in enrolments.folder.iterdir():
        path.write_bytes(b"damaged")
    engine, _ = started(enrolments=enrolments, microphone="desk")
    assert "enrol again" in engine.snapshot().message
    assert engine.snapshot().speech_seconds == 0


def test_a_long_fit_shows_in_the_snapshot_until_another_transport_is_chosen(
    started: Start, pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "flow", Endless())
    soundfile.write(tmp_path / "voice.wav", babble(4, 16_000, seed=7), 16_000)
    settings = replace(OPEN, voice=str(tmp_path / "voice.wav"), map=MapChoice("flow"))
    engine, port = started(settings=settings, enrolment=enrol_audio(babble(4, RATE), RATE, pack, "microphone"))
    until(lambda: engine.snapshot().fit_progress == 0.25, seconds=60)
    assert engine.snapshot().message == ""
    engine.settings = replace(settings, map=MapChoice("knn"))
    port.speak(babble(0.1, RATE))
    until(lambda: engine.snapshot().fit_progress is None, seconds=60)


def test_a_recording_is_made_while_it_runs(started: Start, tmp_path: Path) -> None:
    engine, port = started()
    engine.start_recording(tmp_path / "in.wav", tmp_path / "out.wav")
    assert engine.snapshot().recording
    with pytest.raises(RtvcError, match="already running"):
        engine.start_recording(tmp_path / "in2.wav", tmp_path / "out2.wav")
    port.speak(babble(1, RATE))
    engine.stop_recording()
    assert not engine.snapshot().recording
    for name in ("in.wav", "out.wav"):
        sound, rate = soundfile.read(tmp_path / name)
        assert rate == 48_000
        # The last step may still be on its way to the recorder.
        assert min(abs(len(sound) - steps * 960) for steps in (49, 50)) <= 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "out.wav"]


def test_a_fault_of_the_program_ends_in_a_sentence_and_closed_devices(
    started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[object] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    engine, port = started()
    monkeypatch.setattr(port.capture, "wait", lambda frames, timeout: 1 / 0)
    assert engine.wait(5)
    assert engine.snapshot().state == State.FAILED
    assert "ZeroDivisionError" in engine.snapshot().message
    assert port.closed == 1
    assert len(faults) == 1


def test_a_damaged_recording_ends_it_with_a_sentence(pack: ModelPack, tmp_path: Path) -> None:
    sound = babble(1, RATE)
    sound[RATE // 2] = np.nan
    soundfile.write(tmp_path / "in.wav", sound, RATE, subtype="FLOAT")
    engine = Engine(pack, FilePort(tmp_path / "in.wav", tmp_path / "out.wav"), OWN)
    engine.start()
    assert engine.wait(60)
    assert engine.snapshot().state == State.FAILED
    assert "contains NaN" in engine.snapshot().message
    assert not (tmp_path / "out.wav").exists()


def test_an_output_that_cannot_be_finished_after_a_stop_is_a_failure(
    pack: ModelPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "in.wav", babble(30, RATE), RATE)
    engine = Engine(pack, FilePort(tmp_path / "in.wav", tmp_path / "out.wav"), OWN)
    engine.start()
    until(lambda: engine.snapshot().recent_compute_seconds)

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    engine.stop()
    assert engine.snapshot().state == State.FAILED
    assert engine.snapshot().message == f"{tmp_path / 'out.wav'}: cannot be written (Input/output error)."
    assert not (tmp_path / "out.wav").exists()


def test_displays_may_ask_for_sound_before_the_devices_are_open(pack: ModelPack) -> None:
    heard, sent = Engine(pack, LivePort()).recent_audio(1.0)
    assert len(heard) == len(sent) == 16_000
    assert not heard.any()
    assert not sent.any()
