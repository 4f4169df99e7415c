"""Fakes for tests of the panel: they replace `rtvc.app`, do nothing, remember everything and answer at once.

One file of more than 350 lines, because each fake stands for one function of `rtvc.app` and they share their state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt, pyqtBoundSignal
from PyQt6.QtTest import QTest as _QTest
from PyQt6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.devices import Found, Use
from gui.player import QtPlayer
from gui.session import Session
from gui.theme import Appearance, theme
from rtvc.app import autostart, devices, enrolment, live, models, pack_speed, virtual_microphone, voices
from rtvc.app.enrolment import EnrolmentProgress
from rtvc.app.live import LiveSetup
from rtvc.app.models import BuildOptions, PackEntry
from rtvc.app.preferences import PreferenceFile, Preferences
from rtvc.app.virtual_microphone import VirtualMicrophoneState
from rtvc.app.voices import AddedVoice, Sound
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.live.engine import Engine
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.packs import catalogue
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice

RUNNING = Snapshot(
    state=State.RUNNING,
    input_level_dbfs=-24.0,
    output_level_dbfs=-21.0,
    input_peak_dbfs=-9.0,
    output_peak_dbfs=-7.0,
    latency=Latency(0.02, 0.034, 0.006, 0.012, 0.021),
    compute_p50_seconds=0.0058,
    compute_p99_seconds=0.0112,
    recent_compute_seconds=tuple(0.006 + 0.002 * np.sin(np.arange(200) / 3.0) ** 4),
    drift_ppm=12.0,
    cpu_share=0.31,
    speech_seconds=14.0,
)


class FakeEngine:
    """Runs nothing; a test sets `now`, the snapshot."""

    def __init__(self, setup: LiveSetup, settings: Settings) -> None:
        self.settings = settings
        self.setup = setup
        self.now = replace(RUNNING)
        self.running = False
        self.started = 0
        self.enrolment: Enrolment | None = None
        self.recording: tuple[Path, Path] | None = None
        self.readings = 0

    def read_voices_again(self) -> None:
        self.readings += 1

    def start(self) -> None:
        self.running = True
        self.started += 1

    def stop(self) -> None:
        self.running = False

    def snapshot(self) -> Snapshot:
        return self.now

    def start_recording(self, microphone: Path, output: Path) -> None:
        self.recording = (microphone, output)
        self.now = replace(self.now, recording=True)

    def stop_recording(self) -> None:
        self.recording = None
        self.now = replace(self.now, recording=False)

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        time = np.arange(round(seconds * 16_000)) / 16_000
        sound = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 20)) * (np.sin(2 * np.pi * time) > 0)
        return (0.1 * sound).astype(np.float32), (0.1 * np.roll(sound, 800)).astype(np.float32)


def enrolled(seconds: float) -> Enrolment:
    """Return an enrolment of so many seconds of speech; its features do not matter."""
    return Enrolment("microphone", FeatureSet.of(np.zeros((2, 4), np.float32)), -26.0, seconds)


def device(name: str, inputs: int = 0, outputs: int = 0) -> Device:
    return Device(PULSE, name.lower().replace(" ", "_"), name, inputs, outputs, 48_000, 0)


@contextmanager
def open_window(
    qtbot: QtBot, application: QApplication, backend: FakeBackend, player: FakePlayer, width: int = 1180
) -> Iterator[MainWindow]:
    """Open the panel over fakes and wait until it has looked for everything."""
    theme.install(application, Appearance.LIGHT)
    with pytest.MonkeyPatch.context() as patch:
        backend.install(patch)
        session = Session(
            player,
            preferences=backend.preferences,
            library=backend.library,
            open_engine=backend.open_engine,
            look=lambda refresh: backend.look(refresh),
        )
        window = MainWindow(session)
        qtbot.addWidget(window)
        window.resize(width, 780)
        window.show()
        session.begin()
        qtbot.waitUntil(lambda: session.packs.figures is not None and bool(session.devices.devices))
        qtbot.waitUntil(lambda: bool(session.packs.entries))
        yield window
        window.quit()


class FakePlayer(QtPlayer):
    """Plays until told to finish, at a rate of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.sound: Sound | None = None
        self.finish: Callable[[], None] = lambda: None

    def rate(self) -> int:
        return 48_000

    def play(self, sound: Sound, progress: Callable[[float], None], finished: Callable[[], None]) -> None:
        self.sound, self.finish = sound, finished
        progress(0.5)

    def stop(self) -> None:
        self.sound = None


class FakePreferenceFile(PreferenceFile):
    """Keeps preferences in memory."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.saved = Preferences(panel={"welcomed": True, "language": "en"})
        self.failure = ""

    def load(self) -> Preferences:
        if self.failure:
            raise RtvcError(self.failure)
        return self.saved

    def save(self, preferences: Preferences) -> None:
        if self.failure:
            raise RtvcError(self.failure)
        self.saved = preferences


class FakeLibrary(VoiceLibrary):
    """Voices are names over silent recordings; those of `shipped` came with the program."""

    def __init__(self, folder: Path, shipped: Sequence[str], own: Sequence[str]) -> None:
        super().__init__(folder)
        self.shipped = list(shipped)
        self.own = list(own)
        self.registers: dict[str, str] = {}
        for name in (*shipped, *own):
            soundfile.write(folder / f"{name}.wav", np.zeros(8_000, np.float32), 16_000)

    def list(self) -> list[Voice]:
        own = [Voice(name, self.folder / f"{name}.wav", self.folder) for name in sorted(self.own)]
        shipped = (Voice(name, self.folder / f"{name}.wav", credit="shipped") for name in self.shipped)
        return [replace(voice, register=self.registers.get(voice.name, "")) for voice in (*own, *shipped)]

    def add(
        self,
        name: str,
        recordings: Sequence[Path],
        pack: object,
        replace: bool = False,
        credit: str = "",
        description: str = "",
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
        register: str = "",
    ) -> Voice:
        self.own.append(name)
        return self.find(name)

    def duplicate(self, name: str, new_name: str) -> Voice:
        self.own.append(new_name)
        return self.find(new_name)

    def rename(self, name: str, new_name: str) -> None:
        if new_name in self.own:
            raise RtvcError(f"A voice named {new_name!r} already exists.")
        self.own[self.own.index(name)] = new_name

    def remove(self, name: str) -> None:
        self.own.remove(name)


class FakeMicrophone:
    """The virtual microphone: opening it makes it appear."""

    def __init__(self) -> None:
        self.state = VirtualMicrophoneState("", True, "Press the button, and Discord and OBS can choose it.")
        self.closed = False

    def open(self) -> None:
        self.state = VirtualMicrophoneState("RTVC Microphone", False, "")

    def close(self) -> None:
        self.closed = True


PACK_DIGEST = "0" * 64


class FakeBackend:
    """Replaces the functions of `rtvc.app` by methods of the same names."""

    def __init__(self, folder: Path, shipped: Sequence[str] = (), own: Sequence[str] = ()) -> None:
        self.folder = folder
        self.library = FakeLibrary(folder, shipped, own)
        self.preferences = FakePreferenceFile()
        self.microphone = FakeMicrophone()
        self.listed = [
            device("Built-in Microphone", inputs=2),
            device("USB Headset", inputs=1, outputs=2),
            device("Speakers", outputs=2),
        ]
        self.engines: list[FakeEngine] = []
        self.failure = ""
        self.heard: list[tuple[str, str]] = []
        self.may_end = Event()
        self.enrolled: Enrolment | None = None
        self.tone = -20.0
        self.has_cuda = True
        self.learned_dim = 64
        self.pitch: int | None = 64
        self.built_from: Path | None = None
        self.recording_programs: list[str] | None = []
        self.starts = False
        self.listened: list[DeviceIdentity | None] = []
        self.spoken: list[Path | None] = []
        self.listed_packs = [
            PackEntry("mini", "shipped", "Small and quick, for every computer", "GPL-3.0-or-later", 14_000_000, 0.04),
            PackEntry("large", "installed", "Slower, and closer to the voice", "MIT", 420_000_000, 0.085),
            PackEntry("wavlm-large", "available", "The models of MKL-VC", "see the cards of both", 1_328_000_000),
        ]

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Replace the functions; a test may replace a method of this object later."""

        def late(name: str) -> Callable[..., Any]:
            return lambda *args, **kwargs: getattr(self, name)(*args, **kwargs)

        replaced = {
            voices: ("add_voice", "record_reference", "reference", "preview"),
            enrolment: ("record_enrolment", "find_enrolment", "store_enrolment", "remove_enrolment"),
            virtual_microphone: ("virtual_microphone", "send_test_tone", "listeners"),
            devices: ("listen",),
            models: ("open_pack", "list_packs", "build_pack", "remove_pack"),
            catalogue: ("verify",),
            live: ("recordings_folder",),
            pack_speed: ("measure_speed",),
            autostart: ("starts_with_system", "start_with_system"),
        }
        for module, names in replaced.items():
            for name in names:
                patch.setattr(module, name, late(name))
        patch.setattr("gui.pages.settings.cuda_works", lambda: self.has_cuda)

    def starts_with_system(self) -> bool:
        return self.starts

    def start_with_system(self, on: bool) -> None:
        self._fail()
        self.starts = on

    def look(self, refresh: bool) -> Found:
        return Found(tuple(self.listed), self.microphone.state)

    def virtual_microphone(self) -> FakeMicrophone:
        return self.microphone

    def send_test_tone(self, microphone: object, *, progress: Callable[[float], None]) -> float:
        self._fail()
        return self.tone

    def listeners(self) -> list[str] | None:
        return self.recording_programs

    def listen(
        self, microphone: DeviceIdentity | None, seconds: float, heard: Callable[[float, float], None]
    ) -> None:
        self.listened.append(microphone)
        self._wait(lambda: heard(-20.0, -9.0))

    def open_engine(self, setup: LiveSetup, settings: Settings) -> Engine:
        self._fail()
        self.engines.append(FakeEngine(setup, settings))
        return cast(Engine, self.engines[-1])

    def running(self) -> int:
        return sum(engine.running for engine in self.engines)

    def recordings_folder(self, chosen: str | None = None) -> Path:
        return Path(chosen) if chosen else self.folder

    def add_voice(self, name: str, recordings: Sequence[Path], pack: str, *, voices: VoiceLibrary) -> AddedVoice:
        if any("silent" in path.name for path in recordings):
            raise RtvcError(f"{recordings[0]}: contains no speech; a voice needs at least 1 s, better 5 s.")
        self.library.own.append(name)
        return AddedVoice(self.library.list()[0], 5.0, None)

    def record_reference(
        self, microphone: DeviceIdentity | None, seconds: float, folder: Path, *, progress: Callable[[float], None]
    ) -> Path:
        self._wait(lambda: progress(0.5))
        return self.folder / "recorded.wav"

    def reference(self, voice: Voice) -> Sound:
        self.heard.append(("reference", voice.name))
        random = np.random.default_rng(len(voice.name) + ord(voice.name[0]))
        loudness = np.repeat(np.abs(np.sin(np.arange(64) / 4.0)) * random.uniform(0.3, 1.0, 64), 100)
        return Sound((0.5 * loudness).astype(np.float32), 16_000)

    def preview(
        self,
        voice: Voice,
        pack: str,
        settings: Settings,
        *,
        speech: Path | None = None,
        progress: Callable[[float], None],
        fitting: Callable[[float], None],
    ) -> Sound:
        self.heard.append(("preview", voice.name))
        self.spoken.append(speech)
        if settings.map.transport == "flow":
            self._wait(lambda: fitting(0.25))
        return Sound(np.zeros(1600, np.float32), 16_000)

    def record_enrolment(
        self,
        microphone: DeviceIdentity | None,
        seconds: float,
        pack: str,
        *,
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
        progress: Callable[[EnrolmentProgress], None],
        enrolments: object,
    ) -> Enrolment:
        self._wait(lambda: progress(EnrolmentProgress(seconds / 2, 4.0, -20.0, -9.0)))
        self._fail()
        self.enrolled = enrolled(seconds)
        return self.enrolled

    def find_enrolment(self, microphone: DeviceIdentity | None, pack: str, *, enrolments: object) -> Enrolment | None:
        return self.enrolled

    def store_enrolment(self, enrolment: Enrolment, pack: str, *, enrolments: object) -> None:
        self.enrolled = enrolment

    def remove_enrolment(self, microphone: str, pack: str, *, enrolments: object) -> bool:
        self._fail()
        self.enrolled = None
        return True

    def open_pack(self, name: str) -> SimpleNamespace:
        roles = SimpleNamespace(
            groups=lambda dim: (list(range(self.learned_dim)), []), pitch=self.pitch, envelope=self.pitch
        )
        defaults = SimpleNamespace(block_size=16)
        return SimpleNamespace(roles=roles, feature_dim=self.learned_dim, defaults=defaults, digest=PACK_DIGEST)

    def list_packs(self) -> Sequence[PackEntry]:
        return self.listed_packs

    def build_pack(
        self, name: str, options: BuildOptions, *, fetched: Callable[..., None], say: Callable[[str], None]
    ) -> None:
        self.built_from = options.folder
        say("Starting")
        self._wait(lambda: fetched(SimpleNamespace(name="encoder.pt", size=4_000_000), 1_000_000))
        self._fail()
        self._become(name, "installed")

    def measure_speed(self, name: str, progress: Callable[[float], None]) -> float:
        self._wait(lambda: progress(0.5))
        self.listed_packs = [replace(one, core_share=0.17) if one.name == name else one for one in self.listed_packs]
        return 0.17

    def verify(self, name: str) -> None:
        self._fail()

    def remove_pack(self, name: str) -> None:
        self._become(name, "available")

    def _become(self, name: str, origin: Literal["installed", "available"]) -> None:
        self.listed_packs = [replace(one, origin=origin) if one.name == name else one for one in self.listed_packs]

    def _wait(self, progress: Callable[[], None]) -> None:
        """Report progress until the test lets this end; cancelling raises from `progress`."""
        progress()
        while not self.may_end.wait(0.005):
            progress()

    def _fail(self) -> None:
        if self.failure:
            raise RtvcError(self.failure)


QTest: Any = _QTest  # its stubs take static methods for methods
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


def switch_on(qtbot: QtBot, window: MainWindow) -> None:
    """Press the power button and wait for the engine."""
    QTest.mouseClick(window.live.power.power, LEFT)
    qtbot.waitUntil(lambda: window.session.live.engine is not None)


def is_live(window: MainWindow, backend: FakeBackend, index: int) -> bool:
    """Tell whether the engine that was opened as this one is in use."""
    engine: object = window.session.live.engine
    return len(backend.engines) == index + 1 and engine is backend.engines[index]


def wait_for_devices(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until nothing opens or lists devices."""
    qtbot.waitUntil(lambda: window.session.devices.use is Use.FREE)


def settings(window: MainWindow) -> Settings:
    """Return what the engine is asked to do."""
    return window.session.preferences.settings


def choose(box: QComboBox, text: str) -> None:
    """Choose a line of a drop-down list, as a user does."""
    index = box.findText(text)
    assert index >= 0, [box.itemText(i) for i in range(box.count())]
    box.setCurrentIndex(index)
    box.activated.emit(index)


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = CONTROL) -> None:
    """Press a key while the window has the focus."""
    window.activateWindow()
    QTest.keyClick(window, key, modifier)


@contextmanager
def record_messages(signal: pyqtBoundSignal) -> Iterator[list[str]]:
    """Collect what a signal says."""
    messages: list[str] = []
    signal.connect(messages.append)
    yield messages
    signal.disconnect(messages.append)
