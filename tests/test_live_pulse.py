"""The whole of it, on a private PulseAudio server: into a fake microphone, out of "RTVC Microphone"."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc import engine as engine_module
from rtvc.audio import duplex
from rtvc.audio.devices import PULSE, DeviceIdentity
from rtvc.audio.live_port import LivePort
from rtvc.audio.virtual_microphone import SINK, SOURCE, VirtualMicrophone
from rtvc.convert import Conversion, convert_file
from rtvc.engine import Engine
from rtvc.enrolment import enrol_files
from rtvc.pack import ModelPack
from rtvc.settings import Settings
from rtvc.snapshot import State
from rtvc.stage import Block
from rtvc.voices import VoiceLibrary
from tests.packs import identity_pack
from tests.pulse import FAKE_MICROPHONE, SPEAKERS, PulseServer
from tests.sounds import babble

RATE = 48_000
FORMAT = ["--format=float32le", f"--rate={RATE}", "--channels=1", "--raw", "--latency-msec=20"]

pytestmark = pytest.mark.skipif(
    shutil.which("pacat") is None, reason="needs the program 'pacat' (apt install pulseaudio-utils)"
)


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class Listener:
    """An application that records a source, in a process of its own."""

    def __init__(self, pulse: PulseServer, source: str) -> None:
        command = ["pacat", "--record", f"--server={pulse.address}", f"--device={source}", *FORMAT]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def read(self, seconds: float) -> Block:
        assert self._process.stdout is not None
        return np.frombuffer(self._process.stdout.read(round(seconds * RATE) * 4), np.float32)

    def stop(self) -> Block:
        """Return what was heard and not yet read."""
        self._process.terminate()
        rest = self._process.communicate()[0]
        return np.frombuffer(rest[: len(rest) // 4 * 4], np.float32)


@contextmanager
def speaking(pulse: PulseServer, sound: Block) -> Iterator[None]:
    """Play a sound into the fake microphone."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(sound.tobytes())
        file.flush()
        command = ["pacat", "--playback", f"--server={pulse.address}", f"--device={FAKE_MICROPHONE}", *FORMAT]
        process = subprocess.Popen([*command, file.name], stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture
def live(pulse: PulseServer, pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that runs between the fake microphone and the virtual one."""
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.1)
    microphone = DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor")
    with VirtualMicrophone() as virtual:
        engine = Engine(pack, LivePort(microphone, virtual_microphone=virtual), Settings(gate_threshold_dbfs=None))
        engine.start()
        try:
            until(lambda: engine.snapshot().state != State.STARTING)
            assert engine.snapshot().message == ""
            yield engine
        finally:
            engine.stop()
    with pulse.client() as client:
        assert SOURCE not in [source.name for source in client.source_list()]


def murmur(seconds: float, seed: int = 0) -> Block:
    """Noise below some 2 kHz, in which a shift of a few samples, as clocks that drift make it, changes little."""
    window = np.hanning(31).astype(np.float32)
    return 4 * np.convolve(babble(seconds, RATE, seed), window / window.sum(), "same").astype(np.float32)


def loud(sound: Block) -> bool:
    return len(sound) > 0 and float(np.abs(sound).max()) > 0.01


def test_what_is_spoken_comes_out_of_the_microphone_converted(
    pulse: PulseServer, live: Engine, pack: ModelPack, tmp_path: Path
) -> None:
    source = murmur(6)
    soundfile.write(tmp_path / "source.wav", source, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "voice.wav", 0.5 * murmur(5, seed=7) + 0.02, RATE)
    voice = VoiceLibrary().open(str(tmp_path / "voice.wav"))
    convert_file(tmp_path / "source.wav", voice, tmp_path / "converted.wav", pack, Conversion())
    wanted, _ = soundfile.read(tmp_path / "converted.wav", dtype="float32")
    live.enrolment = enrol_files([tmp_path / "source.wav"], pack, "the fake microphone")
    live.settings = Settings(voice=str(tmp_path / "voice.wav"), gate_threshold_dbfs=None)
    listener = Listener(pulse, SOURCE)
    with speaking(pulse, source):
        until(lambda: loud(listener.read(0.1)))
        listener.read(1)
        heard = listener.read(2)
    listener.stop()
    # Tenths of a second of what was heard lie in the conversion of the file, one after the other, at its level.
    part = RATE // 10
    at, likeness, levels = [], [], []
    for start in range(0, len(heard) - part, part):
        piece = heard[start : start + part]
        match = np.correlate(wanted, piece, "valid")
        best = int(np.argmax(match))
        found = wanted[best : best + part]
        at.append(best)
        size = np.linalg.norm(piece) + 1e-9  # a machine that is too busy makes gaps
        likeness.append(match[best] / size / np.linalg.norm(found))
        levels.append(size / np.linalg.norm(found))
    assert np.median(likeness) > 0.9
    assert np.median(levels) == pytest.approx(1, abs=0.1)
    assert np.median(np.diff(at)) == pytest.approx(part, abs=5)
    # The voice has an offset, which the speaker has not.
    assert np.mean(wanted) > 0.01
    offsets = heard[: len(heard) // part * part].reshape(-1, part).mean(axis=1)
    assert np.median(offsets) == pytest.approx(np.mean(wanted), rel=0.2)
    assert 0.06 < live.snapshot().latency.total < 0.4


def test_a_server_that_restarts_is_found_again_and_no_other_sink_hears_the_voice(
    pulse: PulseServer, live: Engine
) -> None:
    speakers = Listener(pulse, f"{SPEAKERS}.monitor")
    with speaking(pulse, babble(6, RATE)):
        speakers.read(0.5)
        pulse.kill()
        until(lambda: live.snapshot().state == State.RECOVERING)
        assert live.snapshot().message.endswith("trying again.")
    assert not loud(speakers.stop())
    pulse.start()
    until(lambda: live.snapshot().state == State.RUNNING)
    speakers, listener = Listener(pulse, f"{SPEAKERS}.monitor"), Listener(pulse, SOURCE)
    with speaking(pulse, babble(6, RATE)):
        until(lambda: loud(listener.read(0.1)))
    listener.stop()
    assert not loud(speakers.stop())


def test_when_the_sink_is_taken_away_the_voice_reaches_no_other(pulse: PulseServer, live: Engine) -> None:
    speakers, listener = Listener(pulse, f"{SPEAKERS}.monitor"), Listener(pulse, SOURCE)
    with speaking(pulse, babble(20, RATE)):
        until(lambda: loud(listener.read(0.1)))
        listener.stop()
        with pulse.client() as client:
            sink = next(sink for sink in client.sink_list() if sink.name == SINK)
            client.module_unload(sink.owner_module)
        until(lambda: live.snapshot().state == State.RECOVERING)
        until(lambda: live.snapshot().state == State.RUNNING)
        listener = Listener(pulse, SOURCE)
        until(lambda: loud(listener.read(0.1)))
    listener.stop()
    # The server moves the stream before anybody is told; the watch takes some milliseconds to end it.
    assert np.count_nonzero(np.abs(speakers.stop()) > 1e-3) < 0.1 * RATE


def test_a_server_that_hangs_is_noticed_and_waited_for(
    pulse: PulseServer, live: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplex, "STARTING_SECONDS", 0.5)
    listener = Listener(pulse, SOURCE)
    with speaking(pulse, babble(20, RATE)):
        until(lambda: loud(listener.read(0.1)))
        pulse.signal(signal.SIGSTOP)
        try:
            until(lambda: live.snapshot().state == State.RECOVERING)
            assert "stalled" in live.snapshot().message
        finally:
            pulse.signal(signal.SIGCONT)
        until(lambda: live.snapshot().state == State.RUNNING)
        listener.stop()
        listener = Listener(pulse, SOURCE)
        until(lambda: loud(listener.read(0.1)))
    listener.stop()
