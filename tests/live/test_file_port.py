import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.live.file_port import FilePort
from tests.support.waiting import until

RATE = 48_000


def noise(samples: int) -> Block:
    return np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)


class Wire:
    """Copies from capture to playback, as a worker without work."""

    def __init__(self, port: FilePort) -> None:
        self.port = port
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        block = np.zeros(self.port.capture.block, np.float32)
        self.port.playback.ring.write(np.zeros(2 * len(block), np.float32))
        while not self.stopping.is_set():
            if self.port.capture.wait(len(block), 0.05):
                self.port.capture.ring.read_into(block)
                self.port.playback.ring.write(block)

    def __enter__(self) -> "Wire":
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self.thread.join()


def test_a_file_runs_through_at_the_pace_of_real_time(tmp_path: Path) -> None:
    audio = noise(24_100)
    soundfile.write(tmp_path / "in.wav", audio, RATE)
    port = FilePort(tmp_path / "in.wav", tmp_path / "out.wav", tail=0.3)
    started = time.monotonic()
    port.open()
    port.start()
    with Wire(port):
        until(lambda: port.ended)
    assert time.monotonic() - started > 0.75
    port.close()
    assert port.failure() is None
    heard, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == RATE
    assert len(heard) == 51 * 480 + 0.3 * RATE
    # At least the two blocks that the wire lays in; a busy machine makes it later.
    lag = int(np.argmax(np.correlate(heard, audio[:4800], "valid")))
    assert lag >= 2 * 480
    np.testing.assert_allclose(heard[lag : lag + 480], audio[:480], atol=1e-4)


def test_a_file_port_that_is_closed_early_keeps_what_was_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", noise(10 * RATE), RATE)
    port = FilePort(tmp_path / "in.wav", tmp_path / "out.wav")
    port.open()
    port.start()
    until(lambda: port.capture.callbacks > 5)
    port.close()
    assert not port.ended or port.failure() is None
    assert 5 * 480 <= soundfile.info(tmp_path / "out.wav").frames < 5 * RATE


def test_a_file_port_says_what_is_wrong(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "odd.wav", noise(1000), 11_025)
    with pytest.raises(RtvcError, match="11025 Hz"):
        FilePort(tmp_path / "odd.wav", tmp_path / "out.wav")
    audio = noise(1000)
    audio[900] = np.nan
    soundfile.write(tmp_path / "bad.wav", audio, RATE, subtype="FLOAT")
    port = FilePort(tmp_path / "bad.wav", tmp_path / "out.wav")
    port.open()
    port.start()
    until(port.failure)
    assert "NaN" in str(port.failure())
    port.close()
    assert not (tmp_path / "out.wav").exists()
