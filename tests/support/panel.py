"""A backend and an engine for tests of the panel: they do nothing, remember everything and answer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Literal

import numpy as np
import soundfile
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.options import Options
from gui.protocol import PackFigures, Sound, VirtualMicrophoneState
from gui.session import Session
from gui.tasks import Control
from gui.theme import Appearance, theme
from gui.view_state import PackEntry
from rtvc.app.preferences import Preferences, Wiring
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Latency, Snapshot, State
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.statistics import FeatureSet
from rtvc.voices.voice import Voice

RUNNING = Snapshot(
    state=State.RUNNING,
    input_level=-24.0,
    output_level=-21.0,
    input_peak=-9.0,
    output_peak=-7.0,
    latency=Latency(0.02, 0.034, 0.006, 0.012, 0.021),
    compute_p50=0.0058,
    compute_p99=0.0112,
    recent_compute=tuple(0.006 + 0.002 * np.sin(np.arange(200) / 3.0) ** 4),
    drift_ppm=12.0,
    cpu_share=0.31,
    speech_seconds=14.0,
)


class FakeEngine:
    def __init__(self, settings: Settings, wiring: Wiring, options: Options) -> None:
        self.settings = settings
        self.wiring = wiring
        self.options = options
        self.now = replace(RUNNING)
        self.running = False
        self.started = 0
        self.enrolment: Enrolment | None = None
        self.recording: tuple[Path, Path] | None = None

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


def learnt(seconds: float) -> Enrolment:
    """Return what is known of a user's voice; its features are of no account."""
    return Enrolment("microphone", FeatureSet.of(np.zeros((2, 4), np.float32)), -26.0, seconds)


def device(name: str, inputs: int = 0, outputs: int = 0) -> Device:
    return Device(PULSE, name.lower().replace(" ", "_"), name, inputs, outputs, 48_000, 0)


@contextmanager
def open_window(
    qtbot: QtBot, application: QApplication, backend: FakeBackend, player: FakePlayer, width: int = 1180
) -> Iterator[MainWindow]:
    """Open the panel over fakes, and wait until it has looked for everything."""
    theme.install(application, Appearance.LIGHT)
    window = MainWindow(Session(backend, player))
    qtbot.addWidget(window)
    window.resize(width, 780)
    window.show()
    window.session.begin()
    qtbot.waitUntil(lambda: window.session.pack.learned_dim > 1 and bool(window.session.devices))
    qtbot.waitUntil(lambda: bool(window.packs.entries))
    yield window
    window.quit()


class FakePlayer:
    """Plays until told to finish, at a rate of its own."""

    def __init__(self) -> None:
        self.sound: Sound | None = None
        self.finish: Callable[[], None] = lambda: None

    def rate(self) -> int:
        return 48_000

    def play(self, sound: Sound, progress: Callable[[float], None], finished: Callable[[], None]) -> None:
        self.sound, self.finish = sound, finished
        progress(0.5)

    def stop(self) -> None:
        self.sound = None


class FakeBackend:
    """Voices are names; those of `shipped` came with the program."""

    def __init__(self, folder: Path, shipped: Sequence[str] = (), own: Sequence[str] = ()) -> None:
        self.folder = folder
        self.shipped = list(shipped)
        self.own = list(own)
        for name in (*shipped, *own):
            soundfile.write(folder / f"{name}.wav", np.zeros(8_000, np.float32), 16_000)
        self.saved = Preferences()
        self.listed = [
            device("Built-in Microphone", inputs=2),
            device("USB Headset", inputs=1, outputs=2),
            device("Speakers", outputs=2),
        ]
        self.microphone = VirtualMicrophoneState("", True, "Press the button, and Discord and OBS can choose it.")
        self.engines: list[FakeEngine] = []
        self.failure = ""
        self.heard: list[tuple[str, str]] = []
        self.may_end = Event()
        self.enrolled: Enrolment | None = None
        self.tone = -20.0
        self.listed_packs = [
            PackEntry("mini", "shipped", "Small and quick, for every computer", "GPL-3.0-or-later", 14.0, 40.0),
            PackEntry("large", "installed", "Slower, and closer to the voice", "MIT", 420.0, 85.0),
            PackEntry("wavlm-large", "available", "The models of MKL-VC", "see the cards of both", 1328.0),
        ]
        self.closed = False

    def load(self) -> Preferences:
        return self.saved

    def save(self, preferences: Preferences) -> None:
        self.saved = preferences

    def devices(self, refresh: bool) -> Sequence[Device]:
        return tuple(self.listed)

    def virtual_microphone(self) -> VirtualMicrophoneState:
        return self.microphone

    def create_virtual_microphone(self) -> None:
        self.microphone = VirtualMicrophoneState("RTVC Microphone", False, "")

    def open_engine(self, wiring: Wiring, settings: Settings, options: Options) -> FakeEngine:
        if self.failure:
            raise RtvcError(self.failure)
        self.engines.append(FakeEngine(settings, wiring, options))
        return self.engines[-1]

    def running(self) -> int:
        return sum(engine.running for engine in self.engines)

    def figures(self, pack: str) -> PackFigures:
        return PackFigures(64, 16, 16_000)

    def voices(self) -> Sequence[Voice]:
        own = [Voice(name, self.folder / f"{name}.wav", self.folder) for name in sorted(self.own)]
        return [*own, *(Voice(name, self.folder / f"{name}.wav", credit="shipped") for name in self.shipped)]

    def add_voice(self, name: str, recordings: Sequence[Path], pack: str) -> str | None:
        if any("silent" in path.name for path in recordings):
            raise RtvcError(f"{recordings[0]}: holds no speech; a voice needs at least 1 s, better 5 s.")
        self.own.append(name)
        return None

    def rename_voice(self, name: str, new_name: str) -> None:
        if new_name in self.own:
            raise RtvcError(f"There is a voice {new_name!r} already.")
        self.own[self.own.index(name)] = new_name

    def remove_voice(self, name: str) -> None:
        self.own.remove(name)

    def reference(self, voice: Voice) -> Sound:
        self.heard.append(("reference", voice.name))
        random = np.random.default_rng(len(voice.name) + ord(voice.name[0]))
        loudness = np.repeat(np.abs(np.sin(np.arange(64) / 4.0)) * random.uniform(0.3, 1.0, 64), 100)
        return Sound((0.5 * loudness).astype(np.float32), 16_000)

    def preview(self, voice: Voice, wiring: Wiring, settings: Settings, control: Control) -> Sound:
        self.heard.append(("preview", voice.name))
        if settings.map.transport == "flow":
            control.progress(0.25)
            while not self.may_end.wait(0.005):
                control.check()
        return Sound(np.zeros(1600, np.float32), 16_000)

    def record(self, microphone: DeviceIdentity | None, seconds: float, control: Control) -> Path:
        control.progress(0.5)
        while not self.may_end.wait(0.005):
            control.check()
        return self.folder / "recorded.wav"

    def recordings_folder(self) -> Path:
        return self.folder

    def enrol(
        self, wiring: Wiring, seconds: float, hear: Callable[[float, float, float], None], control: Control
    ) -> Enrolment:
        hear(-20.0, -9.0, 4.0)
        control.progress(0.5)
        while not self.may_end.wait(0.005):
            control.check()
        if self.failure:
            raise RtvcError(self.failure)
        self.enrolled = learnt(seconds)
        return self.enrolled

    def enrolment(self, wiring: Wiring) -> Enrolment | None:
        return self.enrolled

    def keep_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        self.enrolled = enrolment

    def forget_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        if self.failure:
            raise RtvcError(self.failure)
        self.enrolled = None

    def test_tone(self, control: Control) -> float:
        if self.failure:
            raise RtvcError(self.failure)
        return self.tone

    def packs(self) -> Sequence[PackEntry]:
        return self.listed_packs

    def obtain_pack(self, name: str, folder: Path | None, say: Callable[[str], None], control: Control) -> None:
        say(f"Downloading from {folder or 'the network'}")
        control.progress(0.25)
        while not self.may_end.wait(0.005):
            control.check()
        if self.failure:
            raise RtvcError(self.failure)
        self._become(name, "installed")

    def verify_pack(self, name: str) -> None:
        if self.failure:
            raise RtvcError(self.failure)

    def remove_pack(self, name: str) -> None:
        self._become(name, "available")

    def _become(self, name: str, origin: Literal["installed", "available"]) -> None:
        self.listed_packs = [replace(one, origin=origin) if one.name == name else one for one in self.listed_packs]

    def cuda_works(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
