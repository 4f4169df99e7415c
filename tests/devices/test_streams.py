import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from rtvc.devices import streams
from rtvc.devices.portaudio import find_device, list_devices, refresh
from rtvc.devices.streams import Capture, DevicePort, FilePort, Playback
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from tests.support.pulse import FAKE_MICROPHONE, PulseServer
from tests.support.waiting import until

RATE = 48_000


def tone(frames: int) -> Block:
    return (0.5 * np.sin(2 * np.pi * 300 * np.arange(frames) / RATE)).astype(np.float32)


def pull(playback: Playback, blocks: int) -> Block:
    out = np.full((blocks, playback.block), 9, np.float32)
    for block in out:
        playback.pull(block)
    return out.reshape(-1)


def test_playback_begins_when_a_whole_block_waits_and_passes_sound_on() -> None:
    playback = Playback(RATE)
    audio = tone(4 * playback.block)
    playback.ring.write(audio[:100])
    assert not pull(playback, 2).any()
    playback.ring.write(audio[100:])
    heard = pull(playback, 4)
    faded = round(RATE * streams.FADE_SECONDS)
    np.testing.assert_array_equal(heard[faded:], audio[faded:])
    assert playback.underruns == 0
    assert playback.callbacks == 6


@given(st.lists(st.integers(0, 1200), min_size=3, max_size=30))
def test_underruns_are_counted_and_make_no_click(writes: list[int]) -> None:
    playback = Playback(RATE)
    audio = tone(sum(writes))
    heard, start = [], 0
    for count in writes:
        playback.ring.write(audio[start : start + count])
        start += count
        heard.append(pull(playback, 1))
    heard.append(pull(playback, len(audio) // playback.block + 2))
    sound = np.concatenate(heard)
    steepest = 0.5 * 2 * np.pi * 300 / RATE + 0.5 / (RATE * streams.FADE_SECONDS - 1)
    assert np.max(np.abs(np.diff(sound, prepend=0, append=0))) <= steepest * 1.01
    if playback.ring.position:
        assert playback.underruns >= 1


def test_mute_silences_at_once_while_the_queue_moves_on() -> None:
    playback = Playback(RATE)
    playback.ring.write(tone(10 * playback.block))
    pull(playback, 2)
    playback.muted = True
    assert not pull(playback, 3).any()
    assert playback.ring.fill == 5 * playback.block
    playback.muted = False
    heard = pull(playback, 1)
    assert heard.any()
    assert abs(heard[1]) < 0.01
    assert playback.underruns == 0


def test_margin_falls_steadily_between_callbacks() -> None:
    playback = Playback(RATE)
    playback.ring.write(tone(3 * playback.block))
    pull(playback, 1)
    block = playback.block / RATE
    assert playback.margin(playback.heartbeat) == pytest.approx(2 * block)
    assert playback.margin(playback.heartbeat + block / 4) == pytest.approx(1.75 * block)
    assert playback.margin(playback.heartbeat + 10 * block) == pytest.approx(block)


def test_waiting_for_sound_ends_with_it_or_with_the_timeout() -> None:
    capture = Capture(RATE)
    assert not capture.wait(480, 0.01)
    capture.push(tone(480))
    assert capture.wait(480, 0)
    threading.Timer(0.02, capture.push, [tone(480)]).start()
    assert capture.wait(960, 5)


def test_the_delay_is_the_median_of_late_callbacks() -> None:
    capture = Capture(RATE)
    assert capture.delay == 0
    for delay in [0.5, *[0.02] * 20]:
        capture.push(tone(480), delay)
    assert capture.delay == pytest.approx(0.02)


def test_the_callbacks_keep_no_memory_of_samples() -> None:
    import tracemalloc

    playback, capture = Playback(RATE), Capture(RATE)
    block = tone(480)
    for _ in range(3):
        capture.push(block)
        playback.pull(block)
    tracemalloc.start()
    for _ in range(500):
        capture.push(block)
        playback.pull(block)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2000
    assert peak < block.nbytes * 2


def test_devices_that_begin_with_bursts_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    bursts = [0.0, 0.001, 0.002, 0.003, 0.05, 0.13, 0.131, 0.132, 0.133]
    due = {side: [*bursts, *np.arange(0.14, 3, 0.01)] for side in (Capture(RATE), Playback(RATE))}

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        for side, times in due.items():
            side.callbacks = sum(moment <= now for moment in times)

    monkeypatch.setattr(streams, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    streams.settle(list(due))
    assert 0.15 < now < 0.5
    due[Playback(RATE)] = []  # It never begins.
    streams.settle(list(due))
    assert 1 < now < 2


class Wire:
    """Copies from capture to playback, as a worker without work."""

    def __init__(self, port: DevicePort | FilePort) -> None:
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
    audio = tone(24_100)
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
    lag = int(np.argmax(np.correlate(heard, audio[:6000], "valid")))
    assert 0 < lag < 0.3 * RATE


def test_a_file_port_that_is_closed_early_keeps_what_was_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", tone(10 * RATE), RATE)
    port = FilePort(tmp_path / "in.wav", tmp_path / "out.wav")
    port.open()
    port.start()
    until(lambda: port.capture.callbacks > 5)
    port.close()
    assert not port.ended or port.failure() is None
    assert 5 * 480 <= soundfile.info(tmp_path / "out.wav").frames < 5 * RATE


def test_a_file_port_says_what_is_wrong(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "odd.wav", tone(1000), 11_025)
    with pytest.raises(RtvcError, match="11025 Hz"):
        FilePort(tmp_path / "odd.wav", tmp_path / "out.wav")
    audio = tone(1000)
    audio[900] = np.nan
    soundfile.write(tmp_path / "bad.wav", audio, RATE, subtype="FLOAT")
    port = FilePort(tmp_path / "bad.wav", tmp_path / "out.wav")
    port.open()
    port.start()
    until(port.failure)
    assert "NaN" in str(port.failure())
    port.close()
    assert not (tmp_path / "out.wav").exists()


@pytest.fixture
def loop(pulse: PulseServer) -> Iterator[DevicePort]:
    """A port whose output is its own microphone."""
    refresh()
    listed = list_devices()
    port = DevicePort(
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), find_device(FAKE_MICROPHONE, "output", listed)
    )
    port.open()
    yield port
    port.close()


def test_sound_goes_out_and_comes_in_through_devices(loop: DevicePort) -> None:
    audio = tone(RATE // 2)
    until(lambda: loop.capture.callbacks > 5)
    loop.playback.ring.write(audio)
    until(lambda: loop.capture.ring.written > RATE)
    heard = np.zeros(loop.capture.ring.fill, np.float32)
    loop.capture.ring.read_into(heard)
    assert np.max(heard) == pytest.approx(0.5, abs=0.01)
    best = np.max(np.correlate(heard, audio[1000:5000], "valid")) / np.sum(audio[1000:5000] ** 2)
    assert best > 0.9
    assert loop.failure() is None
    assert -0.01 < loop.capture.delay < 0.3
    assert 0 < loop.playback.delay < 0.3
    assert "PULSE_SINK" not in os.environ


def test_looking_for_devices_from_elsewhere_leaves_open_streams_alone(loop: DevicePort) -> None:
    until(lambda: loop.capture.callbacks > 2)
    refresh()
    before = loop.capture.callbacks
    until(lambda: loop.capture.callbacks > before + 5)
    assert loop.failure() is None


@pytest.mark.usefixtures("pulse")
def test_devices_may_be_looked_for_by_two_at_once() -> None:
    troubles: list[Exception] = []

    def look() -> None:
        try:
            for _ in range(4):
                refresh()
                list_devices()
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def test_the_end_of_the_server_is_noticed_and_a_new_port_recovers(pulse: PulseServer, loop: DevicePort) -> None:
    until(lambda: loop.capture.callbacks > 2)
    pulse.kill()
    until(loop.failure)
    assert "has gone" in str(loop.failure())
    loop.close()
    refresh()
    with pytest.raises(RtvcError):
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", list_devices())
    pulse.start()
    refresh()
    listed = list_devices()
    again = DevicePort(
        find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed), find_device(FAKE_MICROPHONE, "output", listed)
    )
    again.open()
    try:
        until(lambda: again.capture.callbacks > 2)
        assert again.failure() is None
    finally:
        again.close()


def test_a_stream_that_stalls_silently_is_noticed(
    pulse: PulseServer, loop: DevicePort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STARTING_SECONDS", 0.0)
    until(lambda: loop.capture.callbacks > 2)
    pulse.signal(signal.SIGSTOP)
    try:
        until(loop.failure)
        assert "has stalled" in str(loop.failure())
    finally:
        pulse.signal(signal.SIGCONT)


def test_a_device_that_does_not_exist_any_more_is_refused(pulse: PulseServer) -> None:
    refresh()
    listed = list_devices()
    microphone = find_device(f"{FAKE_MICROPHONE}.monitor", "input", listed)
    output = find_device(FAKE_MICROPHONE, "output", listed)
    pulse.kill()
    port = DevicePort(microphone, output)
    with pytest.raises(RtvcError, match="cannot be opened"):
        port.open()
    assert port.failure() is None
