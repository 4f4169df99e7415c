"""Fixtures of the live path: a target voice, simulations, and engines over a port that can fail."""

from collections.abc import Iterator

import pytest
import soundfile

from rtvc.dsp.stage import Block
from rtvc.live import worker_engine
from rtvc.live.engine import Engine
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from tests.support.engine import FragilePort, Start
from tests.support.simulation import OWN, Simulate, Simulation
from tests.support.sounds import babble
from tests.support.waiting import until


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, 0.3 * babble(5, 16_000, seed=7), 16_000)
    return str(path)


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, pack: ModelPack) -> Simulate:
    def make(sound: Block, settings: Settings = OWN, **options: object) -> Simulation:
        return Simulation(monkeypatch, pack, sound, settings, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def started(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(worker_engine, "RETRY_SECONDS", 0.01)
    engines: list[Engine] = []

    def start(
        refusals: int = 0, settings: Settings = OWN, microphone: str = "", **options: object
    ) -> tuple[Engine, FragilePort]:
        port = FragilePort(refusals)
        port.microphone_name = microphone
        engine = Engine(pack, port, settings, **options)  # type: ignore[arg-type]
        engines.append(engine)
        engine.start()
        until(lambda: engine.snapshot().state != State.STARTING)
        return engine, port

    yield start
    for engine in engines:
        engine.stop()
