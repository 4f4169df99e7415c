"""The panel, the real engine and a sound server: what a user does on the first evening."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.backend import LocalBackend
from gui.main_window import MainWindow
from gui.protocol import LiveEngine
from gui.session import Session
from gui.tasks import Control, Task
from gui.theme import theme
from rtvc.audio.devices import PULSE, DeviceIdentity, find_device, list_devices
from rtvc.audio.duplex import Capture, DeviceStream, Playback
from rtvc.audio.virtual_microphone import SOURCE
from rtvc.enrolment import EnrolmentLibrary
from rtvc.preferences import PreferenceFile, Preferences, Wiring
from rtvc.settings import Settings
from rtvc.snapshot import State
from rtvc.voices import VoiceLibrary
from tests.packs import identity_pack
from tests.panel import FakePlayer
from tests.pulse import FAKE_MICROPHONE, PulseServer

RATE = 48_000
WAIT = 15_000


def speech(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time_axis = np.arange(round(seconds * RATE)) / RATE
    syllables = np.maximum(0, np.sin(2 * np.pi * 3 * time_axis)) ** 0.5
    tone = sum(np.sin(2 * np.pi * frequency * time_axis) for frequency in (150, 300, 450, 900)) / 4
    return (0.2 * tone * syllables).astype(np.float32)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, pulse: PulseServer, tmp_path: Path) -> Iterator[MainWindow]:
    identity_pack(tmp_path / "pack")
    preferences = PreferenceFile(tmp_path / "preferences.json")
    preferences.save(Preferences(Settings(), Wiring(pack=str(tmp_path / "pack")), panel={"welcomed": True}))
    backend = LocalBackend(preferences, VoiceLibrary(tmp_path / "voices"), EnrolmentLibrary(tmp_path / "enrolments"))
    theme.install(qapp)
    window = MainWindow(Session(backend, FakePlayer()))
    qtbot.addWidget(window)
    window.show()
    window.session.begin()
    yield window
    window.close()


def engine(window: MainWindow) -> LiveEngine | None:
    return window.session.engine


def heard(seconds: float = 1.0) -> float:
    """Listen to the virtual microphone as Discord does; return the root mean square of what came."""
    capture = Capture(RATE)
    stream = DeviceStream(find_device(DeviceIdentity(PULSE, SOURCE), "input", list_devices()), capture, "monitor")
    stream.open()
    try:
        sound = np.zeros(round(seconds * RATE), np.float32)
        assert capture.wait(len(sound), 10 * seconds)
        capture.ring.read_into(sound)
        return float(np.sqrt(np.mean(sound**2)))
    finally:
        stream.close()


def test_from_the_first_start_to_quitting(
    qtbot: QtBot, window: MainWindow, pulse: PulseServer, tmp_path: Path
) -> None:
    session = window.session
    qtbot.waitUntil(lambda: bool(session.devices) and session.pack.feature_dim > 1, timeout=WAIT)
    microphones = window.live.devices.microphone.box
    assert microphones.count() > 0
    soundfile.write(tmp_path / "uncle.wav", speech(5.0), RATE)
    window.live.voices.add_files([tmp_path / "uncle.wav"])
    qtbot.waitUntil(lambda: session.settings.voice == "uncle", timeout=WAIT)
    session.rewire(microphone=DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor"))

    window.live.power.power.click()
    qtbot.waitUntil(lambda: session.snapshot.state is State.RUNNING, timeout=WAIT)
    assert window.live.power.power.isChecked()

    playback = Playback(RATE)
    speaker = DeviceStream(
        find_device(DeviceIdentity(PULSE, FAKE_MICROPHONE), "output", list_devices()), playback, "monitor"
    )
    speaker.open()
    try:
        playback.ring.write(speech(1.9))
        qtbot.waitUntil(lambda: session.snapshot.input_level > -50, timeout=WAIT)
        qtbot.waitUntil(lambda: session.snapshot.output_level > -50, timeout=WAIT)
        playback.ring.write(speech(1.5))
        assert heard() > 0.001
    finally:
        speaker.close()

    window.live.voices.gallery.cards[session.voices[1].name].click()
    running = engine(window)
    assert running is not None
    assert running.settings.voice == session.voices[1].name

    pulse.kill()
    qtbot.waitUntil(lambda: window.light.status.words == "Reconnecting", timeout=WAIT)
    pulse.start()
    qtbot.waitUntil(lambda: session.snapshot.state is State.RUNNING, timeout=WAIT)
    assert window.light.status.words != "Reconnecting"

    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < 5
    assert engine(window) is None
    with pulse.client() as client:
        assert SOURCE not in [source.name for source in client.source_list()]


def test_a_tone_comes_through_and_the_microphone_is_heard(
    qtbot: QtBot, window: MainWindow, pulse: PulseServer
) -> None:
    session = window.session
    qtbot.waitUntil(lambda: bool(session.devices), timeout=WAIT)
    qtbot.waitUntil(lambda: not session.changing and session.virtual_microphone.can_create, timeout=WAIT)
    qtbot.waitUntil(lambda: not session._listing, timeout=WAIT)
    with qtbot.waitSignal(session.devices_changed, timeout=WAIT):
        session.create_virtual_microphone()
    assert session.virtual_microphone.name == "RTVC Microphone"
    with qtbot.waitSignal(session.tone_heard, timeout=WAIT) as heard_tone:
        qtbot.waitUntil(lambda: not session._listing, timeout=WAIT)
        session.test_tone()
    assert heard_tone.args is not None
    assert heard_tone.args[0] > -40

    playback = Playback(RATE)
    microphone = find_device(DeviceIdentity(PULSE, FAKE_MICROPHONE), "output", list_devices())
    speaker = DeviceStream(microphone, playback, "monitor")
    speaker.open()
    try:
        playback.ring.write(speech(1.9))
        path = session.backend.record(
            DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor"), 1.0, Control(Task(), lambda share: None)
        )
    finally:
        speaker.close()
    recorded, _ = soundfile.read(path)
    assert np.sqrt(np.mean(recorded**2)) > 0.01
