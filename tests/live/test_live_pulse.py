"""The whole of it, on a private PulseAudio server: into a fake microphone, out of "RTVC Microphone"."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from rtvc.devices import device_stream
from rtvc.devices.live_port import LivePort
from rtvc.devices.portaudio import PULSE, DeviceIdentity
from rtvc.devices.virtual_microphone import SINK, SOURCE, VirtualMicrophone
from rtvc.dsp.stage import Block
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_file
from rtvc.live import worker_engine
from rtvc.live.engine import Engine
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.enrolment import enrol_files
from rtvc.voices.library import VoiceLibrary
from tests.support.pulse import DEFAULT_MICROPHONE, FAKE_MICROPHONE, SPEAKERS, PulseServer
from tests.support.sounds import babble
from tests.support.waiting import until

RATE = 48_000
FORMAT = ["--format=float32le", f"--rate={RATE}", "--channels=1", "--raw"]

OWN = Settings(gate_threshold_dbfs=None, map=MapChoice(strength=0.0))
"""The speaker's own voice, through the models."""

pytestmark = pytest.mark.skipif(
    shutil.which("pacat") is None, reason="needs the program 'pacat' (apt install pulseaudio-utils)"
)


class Listener:
    """An application that records a source, in a process of its own."""

    def __init__(self, pulse: PulseServer, source: str, latency: int = 20) -> None:
        command = ["pacat", "--record", f"--server={pulse.address}", f"--device={source}", *FORMAT]
        command.append(f"--latency-msec={latency}")
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
def speaking(pulse: PulseServer, sound: Block, latency: int = 20) -> Iterator[None]:
    """Play a sound into the fake microphone."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(sound.tobytes())
        file.flush()
        command = ["pacat", "--playback", f"--server={pulse.address}", f"--device={FAKE_MICROPHONE}", *FORMAT]
        command += [f"--latency-msec={latency}", file.name]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def live(pulse: PulseServer, pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that runs between the fake microphone and the virtual one."""
    monkeypatch.setattr(worker_engine, "RETRY_SECONDS", 0.1)
    microphone = DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor")
    with VirtualMicrophone() as virtual:
        engine = Engine(pack, LivePort(microphone, virtual_microphone=virtual), OWN)
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


def test_what_is_spoken_comes_out_converted_and_nothing_is_lost_unnoticed(
    pulse: PulseServer, live: Engine, pack: ModelPack, tmp_path: Path
) -> None:
    """Speak for 12 s of real time, and compare 10 s of what was heard with the conversion of the file.

    A busy machine may lose audio, but never silently: whatever is missing from the output was counted. That nothing
    is lost while the devices keep time is tested in simulated time, in `test_pipeline`.
    """
    source = murmur(15)
    soundfile.write(tmp_path / "source.wav", source, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "voice.wav", 0.5 * murmur(5, seed=7) + 0.02, RATE)
    voice = VoiceLibrary().open(str(tmp_path / "voice.wav"))
    convert_file(tmp_path / "source.wav", voice, tmp_path / "converted.wav", pack, Conversion())
    wanted, _ = soundfile.read(tmp_path / "converted.wav", dtype="float32")
    live.enrolment = enrol_files([tmp_path / "source.wav"], pack, "the fake microphone")
    live.settings = Settings(voice=str(tmp_path / "voice.wav"), gate_threshold_dbfs=None)
    # Speaker and listener have buffers of 500 ms: this test is not about them.
    listener = Listener(pulse, SOURCE, latency=500)
    with speaking(pulse, source, latency=500):
        until(lambda: loud(listener.read(0.1)))
        listener.read(1)
        before = live.snapshot()
        heard = listener.read(10)
        snapshot = live.snapshot()
    listener.stop()
    # Every 100 ms of what was heard is looked for in the conversion of the file.
    part = RATE // 10
    wanted = wanted[: len(wanted) // 8 * 8]
    energy = np.concatenate([[0.0], np.cumsum(wanted.astype(np.float64) ** 2)])
    sizes = np.sqrt(energy[part:] - energy[:-part])
    shifts, levels, offsets = [], [], []
    for start in range(0, len(heard) - part, part):
        piece = heard[start : start + part]
        # A murmur has nothing above 3 kHz, so every eighth sample tells where to look closely.
        coarse = 8 * int(np.argmax(correlate(wanted[::8], piece[::8], "valid") / sizes[::8]))
        first = max(0, coarse - 8)
        close = slice(first, coarse + 9)
        best = first + int(np.argmax(correlate(wanted[first : coarse + part + 8], piece, "valid") / sizes[close]))
        size = np.linalg.norm(piece) + 1e-9  # a gap is all zeros
        if np.dot(wanted[best : best + part], piece) / size / sizes[best] > 0.9:
            shifts.append((best - start) / RATE)
            levels.append(size / sizes[best])
            offsets.append(np.mean(piece))
    pieces = len(range(0, len(heard) - part, part))
    counted = sum(
        getattr(snapshot, count) - getattr(before, count)
        for count in ("underruns", "overruns", "dropped_frames", "device_flags")
    )
    # A sound server that finds a client late plays silence and tells nobody, but then the rest comes later. Where
    # sound is lost, the rest comes earlier. Steering the queue moves it by less.
    assert len(shifts) > (0.5 if counted else 0.9) * pieces
    assert counted or np.diff(shifts).max() <= 0.002
    assert snapshot.state == State.RUNNING
    assert np.median(levels) == pytest.approx(1, abs=0.1)
    # The target voice has a constant offset, the speaker has none.
    assert np.mean(wanted) > 0.01
    assert np.median(offsets) == pytest.approx(np.mean(wanted), rel=0.2)
    assert min(vars(snapshot.latency).values()) > 0


def test_a_server_that_restarts_is_found_again_and_no_other_sink_hears_the_voice(
    pulse: PulseServer, live: Engine
) -> None:
    speakers = Listener(pulse, f"{SPEAKERS}.monitor")
    with speaking(pulse, babble(6, RATE)):
        speakers.read(0.5)
        pulse.kill()
        until(lambda: live.snapshot().state == State.RECOVERING)
        assert live.snapshot().message.endswith("Reconnecting…")
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
    assert not speakers.stop().any()


def test_a_microphone_that_is_unplugged_is_waited_for_and_what_the_speakers_play_is_not_heard(
    pulse: PulseServer, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_engine, "RETRY_SECONDS", 0.1)
    with VirtualMicrophone() as virtual:
        port = LivePort(virtual_microphone=virtual)
        engine = Engine(pack, port, OWN)
        engine.start()
        try:
            until(lambda: engine.snapshot().state == State.RUNNING)
            pulse.unplug()
            until(lambda: "There is no input device" in engine.snapshot().message)
            assert engine.snapshot().state == State.RECOVERING
            with pulse.client() as client:
                pulse.plug_in(client)
            until(lambda: engine.snapshot().state == State.RUNNING)
            assert port.microphone_name == str(DeviceIdentity(PULSE, DEFAULT_MICROPHONE))
        finally:
            engine.stop()


def test_a_server_that_hangs_is_noticed_and_waited_for(
    pulse: PulseServer, live: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_stream, "STARTING_SECONDS", 0.5)
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
