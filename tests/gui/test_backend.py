"""The panel's real backend, as far as it needs no sound card."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from gui import backend as backend_module
from gui.backend import LocalBackend
from gui.measure import Heartbeat, measure
from gui.options import Options
from gui.rehearsal import RecordingBackend
from gui.screenshots import StillEngine
from gui.tasks import Control, Task
from rtvc.app.preferences import PreferenceFile, Preferences, Wiring
from rtvc.devices.portaudio import Device
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State
from rtvc.packs import pack as pack_module
from rtvc.packs.pack import find_pack
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary, enrol_audio
from rtvc.voices.library import VoiceLibrary, shipped_voices
from tests.support.packs import identity_pack

RATE = 16_000


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("packs") / "identity"
    identity_pack(folder)
    return str(folder)


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    backend = LocalBackend(
        PreferenceFile(tmp_path / "preferences.json"),
        VoiceLibrary(tmp_path / "voices"),
        EnrolmentLibrary(tmp_path / "enrolments"),
    )
    yield backend
    backend.close()


def recording(path: Path, seconds: float = 7.0) -> Path:
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * frequency * time) for frequency in (150, 300, 450, 900)) / 4
    soundfile.write(path, 0.3 * tone * (np.sin(2 * np.pi * 2 * time) > -0.5), RATE)
    return path


def test_voices_come_and_go(backend: LocalBackend, pack: str, tmp_path: Path) -> None:
    assert backend.add_voice("uncle", [recording(tmp_path / "a.wav")], pack) is None
    warning = backend.add_voice("short", [recording(tmp_path / "b.wav", 2.0)], pack)
    assert warning is not None
    assert "closer with" in warning
    backend.rename_voice("uncle", "aunt")
    backend.remove_voice("short")
    own = [voice.name for voice in backend.voices() if voice.folder is not None]
    assert own == ["aunt"]


def test_a_preview_is_a_sentence_of_another_voice(backend: LocalBackend, pack: str) -> None:
    first, second = shipped_voices()[:2]
    control = Control(Task(), lambda share: None)
    sound = backend.preview(first, Wiring(pack=pack), Settings(), control)
    assert len(sound.audio) / sound.rate == pytest.approx(second.recording.duration, abs=0.01)
    assert np.abs(sound.audio).max() > 0.01
    assert backend.reference(first).rate == first.recording.rate


def test_what_is_known_of_the_user_is_found_kept_and_forgotten(
    backend: LocalBackend, pack: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    microphone = Device("ALSA", "mic", "Microphone", 1, 0, 48_000, 0, default_input=True)
    monkeypatch.setattr("gui.backend.devices.list_devices", lambda: [microphone])
    assert backend.enrolment(Wiring(pack=pack)) is None
    audio, rate = soundfile.read(recording(tmp_path / "me.wav"), dtype="float32")
    learnt = enrol_audio(audio, rate, find_pack(pack), str(microphone.identity))
    backend.keep_enrolment(learnt, pack)
    found = backend.enrolment(Wiring(pack=pack))
    assert found is not None
    assert found.speech_seconds == pytest.approx(learnt.speech_seconds)
    backend.forget_enrolment(found, pack)
    assert backend.enrolment(Wiring(pack=pack)) is None


def test_an_engine_finds_a_microphone_that_was_plugged_in_just_now(
    backend: LocalBackend, pack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Device] = []
    microphone = Device("WASAPI", "mic", "Microphone", 1, 0, 48_000, 0)
    monkeypatch.setattr("gui.backend.devices.list_devices", lambda: list(listed))
    monkeypatch.setattr("gui.backend.devices.refresh", lambda: listed.append(microphone))
    wiring = Wiring(microphone.identity, pack=pack)
    assert backend.open_engine(wiring, Settings(), Options()).snapshot().state is State.STOPPED
    monkeypatch.setattr(backend_module, "microphone_blocks", lambda *args: iter([(np.zeros(160, np.float32), RATE)]))
    listed.clear()
    assert backend.record(microphone.identity, 0.01, Control(Task(), lambda share: None)).is_file()


def test_the_panel_knows_the_pack(backend: LocalBackend, pack: str) -> None:
    figures = backend.figures(pack)
    assert (figures.learned_dim, figures.block_size, figures.sample_rate) == (320, 2, RATE)


def test_packs_are_listed_whole_or_with_what_is_wrong(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "installed_packs", lambda: tmp_path / "packs")
    monkeypatch.setattr(pack_module, "installed_packs", lambda: tmp_path / "packs")
    identity_pack(tmp_path / "packs" / "good")
    identity_pack(tmp_path / "packs" / "bad")
    (tmp_path / "packs" / "bad" / "encoder.onnx").write_bytes(b"")
    entries = {entry.name: entry for entry in backend.packs()}
    assert entries["good"].origin == "installed"
    assert entries["good"].latency_milliseconds == pytest.approx(40.0)
    assert not entries["good"].problem
    assert "encoder.onnx" in entries["bad"].problem
    assert entries["wavlm-large"].origin == "available"
    assert "1 328 MB" in entries["wavlm-large"].facts


def test_a_folder_without_checkpoints_is_refused(backend: LocalBackend, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    said: list[str] = []
    control = Control(Task(), lambda share: None)
    with pytest.raises(RtvcError, match=r"has no WavLM-Large\.pt"):
        backend.obtain_pack("wavlm-large", tmp_path, said.append, control)


def test_choices_are_kept(backend: LocalBackend) -> None:
    kept = Preferences(Settings(voice="Alder"), Wiring(pack="mini"), {"stage": Settings()}, Options().to_json())
    backend.save(kept)
    assert backend.load() == kept
    assert Options.from_json(backend.load().panel) == Options()


def test_recordings_go_into_the_music_folder(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "user_music_path", lambda: tmp_path / "Music")
    assert backend.recordings_folder() == tmp_path / "Music" / "rtvc"
    assert backend.recordings_folder().is_dir()
    monkeypatch.setattr(backend_module, "user_music_path", lambda: tmp_path / "preferences.json")
    (tmp_path / "preferences.json").write_text("{}")
    with pytest.raises(RtvcError, match="recordings would go there"):
        backend.recordings_folder()


def test_pictures_show_an_engine_as_it_ran(qtbot: QtBot, pack: str, tmp_path: Path) -> None:
    backend = RecordingBackend(tmp_path, 60.0)
    engine = backend.open_engine(Wiring(pack=pack), Settings(), Options())
    engine.start()
    qtbot.waitUntil(lambda: engine.snapshot().state is State.RUNNING, timeout=30_000)
    qtbot.waitUntil(lambda: engine.snapshot().output_peak > -40, timeout=30_000)
    still = StillEngine(engine)
    engine.stop()
    backend.close()
    assert still.snapshot().state is State.RUNNING
    assert still.snapshot().output_peak > -40
    assert all(len(side) > 0 for side in still.recent_audio(1.0))


def test_what_the_panel_costs_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert measure(1.0) == 0
    lines = capfd.readouterr().out.splitlines()
    assert re.fullmatch(r"start to a usable window: \d+\.\d\d s", lines[0])
    assert [line.partition(":")[0] for line in lines[1:]] == ["live", "live, with the spectrogram"]
    assert all(re.search(r": \d+\.\d% of a core, longest block \d+ ms", line) for line in lines[1:])


def test_a_block_of_the_event_loop_is_noticed(qtbot: QtBot) -> None:
    heartbeat = Heartbeat()
    heartbeat.start()
    QTimer.singleShot(20, lambda: time.sleep(0.2))
    qtbot.waitUntil(lambda: heartbeat.longest > 150)
    heartbeat.start()
    assert heartbeat.longest == 0
