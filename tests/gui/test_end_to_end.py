"""The panel, the real engine and a sound server: what a user does on the first evening."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import soundfile
from PyQt6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.devices import Use
from gui.session import Session
from gui.theme import theme
from rtvc.app.preferences import PreferenceFile, Preferences, Wiring
from rtvc.devices.device_stream import DeviceStream
from rtvc.devices.portaudio import PULSE, DeviceIdentity, find_device, list_devices
from rtvc.devices.sides import Capture, Playback
from rtvc.devices.virtual_microphone import SOURCE
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.live.live_engine import LiveEngine
from rtvc.live.snapshot import State
from rtvc.packs.pack import find_pack
from rtvc.settings import Settings
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice
from tests.support.panel import FakePlayer
from tests.support.pulse import FAKE_MICROPHONE, PulseServer
from tests.support.voices import is_nearer

RATE = 48_000
WAIT = 30_000
LONG_WAIT = 120_000
PIECE_SECONDS = 2.0
PIECES = 4
"""Of so many pieces the latest are judged: what was heard before the speaker was known is forgotten."""

SPEAKER, TARGET = "Willow", "Rowan"


def shipped(name: str) -> Voice:
    return next(voice for voice in shipped_voices() if voice.name == name)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, pulse: PulseServer, tmp_path: Path) -> Iterator[MainWindow]:
    preferences = PreferenceFile(tmp_path / "preferences.json")
    preferences.save(Preferences(Settings(), Wiring(), panel={"welcomed": True}))
    theme.install(qapp)
    window = MainWindow(
        Session(
            FakePlayer(),
            preferences=preferences,
            library=VoiceLibrary(tmp_path / "voices"),
            enrolments=EnrolmentLibrary(tmp_path / "enrolments"),
        )
    )
    qtbot.addWidget(window)
    window.show()
    window.session.begin()
    yield window
    window.close()


def engine(window: MainWindow) -> LiveEngine | None:
    return window.session.live.engine


@contextmanager
def speaking(voice: Voice) -> Iterator[None]:
    """Speak into the fake microphone, over and over, from a thread of its own."""
    speech = resample(voice.recording.read(), voice.recording.rate, RATE)
    playback, ended = Playback(RATE), threading.Event()
    device = find_device(DeviceIdentity(PULSE, FAKE_MICROPHONE), "output", list_devices())
    stream = DeviceStream(device, playback, "monitor")

    def speak() -> None:
        position, block = 0, RATE // 10
        while not ended.wait(0.02):
            while playback.ring.fill < RATE // 2:
                playback.ring.write(np.take(speech, range(position, position + block), mode="wrap"))
                position = (position + block) % len(speech)

    thread = threading.Thread(target=speak, daemon=True)
    stream.open()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        stream.close()


def heard(seconds: float = PIECE_SECONDS) -> Block:
    """Listen to the virtual microphone as Discord does."""
    capture = Capture(RATE)
    stream = DeviceStream(find_device(DeviceIdentity(PULSE, SOURCE), "input", list_devices()), capture, "monitor")
    stream.open()
    try:
        sound = np.zeros(round(seconds * RATE), np.float32)
        parts = 20
        for part in np.split(sound, parts):
            assert capture.wait(len(part), 10 * seconds)
            capture.ring.read_into(part)
        return sound
    finally:
        stream.close()


class Listener:
    """Listens piece by piece, and judges by the mean of the features whose voice it hears."""

    def __init__(self) -> None:
        self._pack = find_pack("mini")
        self._pieces: deque[Block] = deque(maxlen=PIECES)

    def hears(self, voice: str, rather_than: str) -> bool:
        """Listen on, and tell whether what was heard is nearer to one shipped voice than to the other."""
        self._pieces.append(heard())
        sound = resample(np.concatenate(self._pieces), RATE, self._pack.sample_rate)
        return is_nearer(sound, shipped(voice), shipped(rather_than), self._pack)


def test_from_the_first_start_to_quitting(
    qtbot: QtBot, window: MainWindow, pulse: PulseServer, tmp_path: Path
) -> None:
    session = window.session
    qtbot.waitUntil(lambda: bool(session.devices.devices) and session.packs.figures is not None, timeout=WAIT)
    microphones = window.live.devices.microphone.box
    fake = f"{FAKE_MICROPHONE}.monitor"
    assert microphones.count() > 0
    copyfile(shipped(TARGET).reference, tmp_path / "uncle.flac")
    window.live.voices.add_files([tmp_path / "uncle.flac"])
    qtbot.waitUntil(lambda: session.preferences.settings.voice == "uncle", timeout=WAIT)
    session.preferences.rewire(microphone=DeviceIdentity(PULSE, fake))

    window.live.power.power.click()
    qtbot.waitUntil(lambda: session.live.snapshot.state is State.RUNNING, timeout=WAIT)
    assert window.live.power.power.isChecked()

    with speaking(shipped(SPEAKER)):
        qtbot.waitUntil(lambda: session.live.snapshot.input_level_dbfs > -50, timeout=WAIT)
        window.live.power.bypass.click()
        listener = Listener()
        qtbot.waitUntil(lambda: listener.hears(SPEAKER, rather_than=TARGET), timeout=LONG_WAIT)
        window.live.power.bypass.click()
        qtbot.waitUntil(lambda: listener.hears(TARGET, rather_than=SPEAKER), timeout=LONG_WAIT)

    window.live.voices.gallery.cards[session.voices.voices[1].name].click()
    running = engine(window)
    assert running is not None
    assert running.settings.voice == session.voices.voices[1].name

    pulse.kill()
    qtbot.waitUntil(lambda: window.light.status.words == "Reconnecting", timeout=WAIT)
    pulse.start()
    qtbot.waitUntil(lambda: session.live.snapshot.state is State.RUNNING, timeout=WAIT)
    with speaking(shipped(SPEAKER)):
        qtbot.waitUntil(lambda: bool(np.abs(heard()).max() > 0.01), timeout=LONG_WAIT)

    window.close()
    assert engine(window) is None
    with pulse.client() as client:
        assert SOURCE not in [source.name for source in client.source_list()]


def test_a_tone_comes_through_and_the_microphone_is_heard(
    qtbot: QtBot, window: MainWindow, pulse: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    # The dialog that asks for the recording's name is modal: it would block the test.
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("Recorded", True))

    def can_be_made() -> bool:
        if session.devices.use is not Use.FREE:
            return False
        if not session.devices.virtual_microphone.can_create:
            session.devices.reload()  # a busy server's answer may have come too late
        return session.devices.virtual_microphone.can_create

    qtbot.waitUntil(can_be_made, timeout=WAIT)
    with qtbot.waitSignal(session.devices.changed, timeout=WAIT):
        session.devices.make_virtual_microphone()
    assert session.devices.virtual_microphone.name == "RTVC Microphone"
    with qtbot.waitSignal(session.devices.tone_heard, timeout=WAIT) as heard_tone:
        qtbot.waitUntil(lambda: session.devices.use is Use.FREE, timeout=WAIT)
        session.devices.test_tone()
    assert heard_tone.args is not None
    assert heard_tone.args[0] > -40

    with speaking(shipped(SPEAKER)):
        session.preferences.rewire(microphone=DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor"))
        qtbot.waitUntil(lambda: session.devices.use is Use.FREE, timeout=WAIT)
        with qtbot.waitSignal(session.voices.recorded, timeout=WAIT) as recording:
            session.voices.record()
        assert recording.args is not None
        path = recording.args[0]
    recorded, _ = soundfile.read(path)
    assert np.sqrt(np.mean(recorded**2)) > 0.01
    qtbot.waitUntil(lambda: "Recorded" in [voice.name for voice in session.voices.voices], timeout=WAIT)
