"""Without a map, silence goes out: never the speaker's own voice unless they ask for it."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from rtvc.features import FeatureSet
from rtvc.live import worker_engine
from rtvc.live.engine import Engine
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITS, Transport
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import shipped_voices
from tests.support.engine import FragilePort, Start
from tests.support.simulation import OPEN, OWN, RATE
from tests.support.sounds import babble
from tests.support.transports import Endless
from tests.support.waiting import until

VOICE = shipped_voices()[0].name


def broken(source: FeatureSet, target: FeatureSet, **options: object) -> Transport:
    """Fit a map to NaN."""
    return lambda features: np.full_like(features, np.nan)


def unplausible(source: FeatureSet, target: FeatureSet, **options: object) -> Transport:
    """Fit a map to values that no vocoder was trained on."""
    return lambda features: features + np.float32(1e20)


UNFIT = {
    "missing voice": (replace(OPEN, voice="nobody"), "There is no voice 'nobody'"),
    "no voice": (OPEN, "No voice is chosen"),
    "weights": (replace(OPEN, voice=f"{VOICE}:1e308,{shipped_voices()[1].name}:1e308"), "weight"),
    "block size": (replace(OPEN, voice=VOICE, map=MapChoice(block_size=-4)), "block size must be at least 1"),
    "strength": (replace(OPEN, voice=VOICE, map=MapChoice(strength=float("nan"))), "strength must be"),
    "transport": (replace(OPEN, voice=VOICE, map=MapChoice("magic")), "no transport named 'magic'"),
    "broken map": (replace(OPEN, voice=VOICE, map=MapChoice("knn")), "No usable map"),
    "unplausible map": (replace(OPEN, voice=VOICE, map=MapChoice("sinkhorn")), "No usable map"),
}


@pytest.fixture
def unfit(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[Settings, str]:
    monkeypatch.setitem(FITS, "knn", broken)
    monkeypatch.setitem(FITS, "sinkhorn", unplausible)
    monkeypatch.setattr("rtvc.live.map_fitter.FITTED_ON_FRAMES", ())
    return UNFIT[request.param]


@pytest.mark.parametrize("unfit", UNFIT, indirect=True)
def test_without_a_map_silence_goes_out_until_the_own_voice_is_asked_for(
    started: Start, unfit: tuple[Settings, str]
) -> None:
    settings, words = unfit
    engine, port = started(settings=settings)
    assert not port.speak(babble(1, RATE)).any()
    snapshot = engine.snapshot()
    assert snapshot.state == State.SILENCED
    assert words in snapshot.message
    assert "listeners hear silence" in snapshot.message
    engine.settings = replace(settings, bypass=True)
    until(lambda: np.abs(port.speak(babble(0.2, RATE))).max() > 0.01)
    assert engine.snapshot().state == State.RUNNING
    engine.settings = settings
    port.speak(babble(0.4, RATE))
    assert not port.speak(babble(0.2, RATE)).any()
    engine.settings = replace(settings, map=replace(settings.map, strength=0.0))
    until(lambda: np.abs(port.speak(babble(0.2, RATE))).max() > 0.01)
    assert engine.snapshot().state == State.RUNNING


@pytest.mark.parametrize("unfit", UNFIT, indirect=True)
def test_the_last_voice_goes_on_where_the_next_one_fails(
    started: Start, monkeypatch: pytest.MonkeyPatch, unfit: tuple[Settings, str]
) -> None:
    settings, words = unfit
    fit_mkl = FITS["mkl"]
    monkeypatch.setitem(FITS, "mkl", lambda source, target, **options: np.zeros_like)
    engine, port = started(settings=replace(OPEN, voice=VOICE))
    assert not port.speak(babble(0.5, RATE)).any(), "a voice of silence"
    monkeypatch.setitem(FITS, "mkl", fit_mkl)
    engine.settings = settings
    port.speak(babble(0.1, RATE))
    until(lambda: words in engine.snapshot().message)
    assert not port.speak(babble(0.5, RATE)).any()
    snapshot = engine.snapshot()
    assert snapshot.state == State.RUNNING
    assert f"The voice stays {VOICE}" in snapshot.message
    port.trouble = "The headset was disconnected"
    until(lambda: port.opened == 2 and engine.snapshot().state == State.RUNNING)
    assert not port.speak(babble(0.5, RATE)).any()


def test_without_a_map_recovery_ends_in_silence_too(started: Start) -> None:
    engine, port = started(settings=replace(OPEN, voice="nobody"))
    port.trouble = "The headset was disconnected"
    until(lambda: port.opened == 2 and engine.snapshot().state == State.SILENCED)
    assert not port.speak(babble(0.5, RATE)).any()


def test_a_voice_that_can_be_fitted_ends_the_silence_without_a_sound_from_before(started: Start) -> None:
    engine, port = started(settings=replace(OPEN, voice="nobody"))
    port.speak(babble(1, RATE))
    engine.settings = replace(OPEN, voice=VOICE)
    heard = []

    def converting() -> bool:
        heard.append(np.abs(port.speak(np.zeros(RATE // 10, np.float32))).max())
        return engine.snapshot().state == State.RUNNING

    until(converting, 60)
    for _ in range(5):
        converting()
    assert engine.snapshot().message == ""
    assert max(heard) < 0.01
    until(lambda: np.abs(port.speak(babble(0.2, RATE))).max() > 0.01)


class Silencer:
    """A fit that waits until it may, of a map to silence."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, source: FeatureSet, target: FeatureSet, **options: object) -> Transport:
        self.begun.set()
        assert self.may_end.wait(60)
        return lambda features: np.zeros_like(features)


@pytest.fixture
def silencer(monkeypatch: pytest.MonkeyPatch) -> Silencer:
    silencer = Silencer()
    monkeypatch.setitem(FITS, "mkl", silencer)
    monkeypatch.setitem(FITS, "flow", Endless())
    return silencer


@pytest.mark.parametrize("transport", ["mkl", "flow"])
def test_nothing_is_heard_unconverted_at_the_start(pack: ModelPack, silencer: Silencer, transport: str) -> None:
    """Where the fit takes long, the voice is reached by MKL first."""
    port = FragilePort()
    engine = Engine(pack, port, replace(OPEN, voice=VOICE, map=MapChoice(transport)))
    engine.start()
    try:
        assert silencer.begun.wait(60)
        assert engine.snapshot().state == State.STARTING
        silencer.may_end.set()
        until(lambda: engine.snapshot().state == State.RUNNING)
        assert not port.speak(babble(1, RATE)).any()
        engine.settings = OWN
        until(lambda: np.abs(port.speak(babble(0.2, RATE))).max() > 0.01)
    finally:
        engine.stop()


def test_it_can_be_stopped_before_the_first_map_is_there(
    pack: ModelPack, silencer: Silencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_engine, "JOIN_SECONDS", 0.01)
    port = FragilePort()
    engine = Engine(pack, port, replace(OPEN, voice=VOICE))
    engine.start()
    assert silencer.begun.wait(60)
    engine.stop()
    silencer.may_end.set()
    assert engine.wait(60)
    assert (engine.snapshot().state, port.closed) == (State.STOPPED, 1)
