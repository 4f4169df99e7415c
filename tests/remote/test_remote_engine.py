"""The client's engine against a server in this process, over loopback."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.benchmark.loops import PacedPort
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.remote import connection
from rtvc.remote.access import Access
from rtvc.remote.link import Address
from rtvc.remote.remote_engine import RemoteEngine
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.support.disk import full_disk
from tests.support.remote import LocalWorkers, local_server
from tests.support.sounds import babble, write
from tests.support.voices import record
from tests.support.waiting import until

OWN = Settings(map=MapChoice(strength=0.0), gate_threshold_dbfs=None)
RATE = 48_000
TOKEN = "t" * 40


class Talker:
    """A port at whose microphone somebody talks without a pause, and what comes out of it."""

    def __init__(self) -> None:
        self.port = PacedPort(RATE)
        self._sound, self._place = babble(10, RATE), 0
        self._mixed: list[Block] = []
        self._said: list[Block] = []

    def talk(self) -> None:
        self.port.play(self._blocks(), self._mixed.append)

    def level(self) -> float:
        """Level of the last 0.1 s of what listeners hear."""
        count = min(len(self._mixed), len(self._said))
        if count < 10:
            return 0.0
        heard = np.concatenate(self._mixed[count - 10 : count]) - np.concatenate(self._said[count - 10 : count])
        return float(np.std(heard))

    def _blocks(self) -> Iterator[Block]:
        size = self.port.capture.block
        while True:
            block = self._sound[self._place : self._place + size]
            self._place = (self._place + size) % (len(self._sound) - size)
            self._said.append(block)
            yield block


@pytest.fixture
def talker() -> Talker:
    return Talker()


def running(engine: RemoteEngine) -> None:
    engine.start()
    until(lambda: engine.snapshot().state not in (State.STARTING, State.RECOVERING))
    assert engine.snapshot().state == State.RUNNING, engine.snapshot().message


def test_the_voice_comes_back_and_the_delay_is_told_by_parts(pack: ModelPack, talker: Talker, tmp_path: Path) -> None:
    with local_server(LocalWorkers(pack), Access(TOKEN)) as url:
        engine = RemoteEngine(Address(url, Access(TOKEN)), talker.port, OWN)
        engine.start_recording(tmp_path / "in.wav", tmp_path / "out.wav")
        try:
            running(engine)
            talker.talk()
            until(lambda: talker.level() > 0.01)
            until(lambda: engine.snapshot().latency.milliseconds.get("network", 0) > 0)
            snapshot = engine.snapshot()
            parts = snapshot.latency.milliseconds
            assert parts["total"] == pytest.approx(sum(parts.values()) / 2)
            assert parts["step"] == pytest.approx(20)
            assert parts["algorithmic"] > 20
            assert parts["codec"] == pytest.approx(5)
            assert snapshot.recording
            assert np.std(engine.recent_audio(0.5)[0]) > 0.03
            engine.settings = replace(OWN, mute=True)
            until(lambda: talker.level() < 1e-4)
            engine.play_clip(write(tmp_path / "clip.wav", babble(9, RATE), RATE))  # beside the voice, muted or not
            until(lambda: talker.level() > 0.01)
            engine.stop_clips()
            until(lambda: talker.level() < 1e-4)
        finally:
            engine.stop()
    assert engine.snapshot().state == State.STOPPED
    said, heard = (soundfile.read(tmp_path / name)[0] for name in ("in.wav", "out.wav"))
    assert len(said) == len(heard)
    assert np.abs(heard).max() > 0.05


@pytest.mark.parametrize("bypass_when_lost", [False, True])
def test_a_lost_server_never_sends_the_own_voice_unless_it_was_chosen_and_is_found_again(
    pack: ModelPack, talker: Talker, bypass_when_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_SECONDS", (0.2,))
    with local_server(LocalWorkers(pack)) as url:
        engine = RemoteEngine(Address(url), talker.port, OWN, bypass_when_lost=bypass_when_lost)
        running(engine)
        talker.talk()
        until(lambda: talker.level() > 0.01)
    try:
        until(lambda: engine.snapshot().state == State.RECOVERING)
        assert ("own voice is sent" if bypass_when_lost else "silence is sent") in engine.snapshot().message
        if bypass_when_lost:
            until(lambda: talker.level() > 0.01)
        else:
            until(lambda: talker.level() < 1e-6)
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                assert talker.level() < 1e-6
                time.sleep(0.02)
            engine.settings = replace(OWN, bypass=True)  # chosen: then it is sent, without any server
            until(lambda: talker.level() > 0.01)
            engine.settings = OWN
        with local_server(LocalWorkers(pack), port=int(url.rsplit(":", 1)[1])):
            until(lambda: engine.snapshot().state == State.RUNNING)
            until(lambda: talker.level() > 0.01)
            engine.stop()
    finally:
        engine.stop()


def test_a_recording_that_has_stopped_is_told(pack: ModelPack, talker: Talker, tmp_path: Path) -> None:
    with local_server(LocalWorkers(pack)) as url, full_disk(20_044):
        engine = RemoteEngine(Address(url), talker.port, OWN)
        engine.start_recording(tmp_path / "in.wav", tmp_path / "out.wav")
        try:
            running(engine)
            talker.talk()
            until(lambda: "Recording has stopped" in engine.snapshot().message)
            assert engine.snapshot().state == State.RUNNING
        finally:
            with pytest.raises(RtvcError, match="Recording has stopped"):
                engine.stop()


def test_what_the_server_refuses_is_said_at_once(pack: ModelPack, talker: Talker) -> None:
    def said(engine: RemoteEngine) -> str:
        engine.start()
        assert engine.wait(20)
        assert engine.snapshot().state == State.FAILED
        return engine.snapshot().message

    with local_server(LocalWorkers(pack), Access(TOKEN)) as url:
        assert "token is missing or wrong" in said(RemoteEngine(Address(url), talker.port, OWN))
        signed = Address(url, Access(TOKEN))
        strange = Settings(voice="nobody")
        assert "no such voice" in said(RemoteEngine(signed, talker.port, strange))
        first = RemoteEngine(signed, talker.port, OWN)
        running(first)
        assert "are in use" in said(RemoteEngine(signed, PacedPort(RATE), OWN))
        assert first.snapshot().state == State.RUNNING
        first.stop()
    assert "does not answer" in said(RemoteEngine(signed, talker.port, OWN))


def test_what_is_refused_while_it_runs_does_not_end_it_at_the_next_loss(pack: ModelPack, talker: Talker) -> None:
    workers = LocalWorkers(pack)
    with local_server(workers) as url:
        engine = RemoteEngine(Address(url), talker.port, OWN)
        try:
            running(engine)
            talker.talk()
            engine.settings = replace(OWN, map=MapChoice(strength=0.0, transport="knn"))
            until(lambda: "only the transport mkl" in engine.snapshot().message)
            workers.sessions[0].leave()
            until(lambda: engine.snapshot().state == State.RECOVERING)
            until(lambda: engine.snapshot().state == State.RUNNING)
            assert "only the transport mkl" in engine.snapshot().message
            until(lambda: talker.level() > 0.01)
            engine.settings = OWN
            until(lambda: not engine.snapshot().message)
        finally:
            engine.stop()


def test_a_voice_of_this_computer_is_sent_along(pack: ModelPack, talker: Talker, tmp_path: Path) -> None:
    mine = str(record(tmp_path / "mine.wav"))
    workers = LocalWorkers(pack)
    with local_server(workers) as url:
        engine = RemoteEngine(Address(url), talker.port, replace(OWN, voice=mine, map=MapChoice()))
        try:
            running(engine)
            talker.talk()
            until(lambda: talker.level() > 0.01)
            engine.settings = replace(engine.settings, voice=str(record(tmp_path / "other.wav", level=0.5)))
            until(lambda: engine.snapshot().state == State.RECOVERING)  # a new session takes it along
            until(lambda: engine.snapshot().state == State.RUNNING)
        finally:
            engine.stop()
