import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.devices.sides import FADE_SECONDS, Capture, Playback
from rtvc.dsp.stage import Block

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
    faded = round(RATE * FADE_SECONDS)
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
    steepest = 0.5 * 2 * np.pi * 300 / RATE + 0.5 / (RATE * FADE_SECONDS - 1)
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
