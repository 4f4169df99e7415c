"""The queue in front of the output: how it grows with underruns, shrinks in calm and follows the jitter."""

from collections.abc import Collection

import numpy as np
import pytest

from rtvc.devices.sides import Playback
from rtvc.live.output_queue import CALM_SECONDS, JITTER_SECONDS, OutputQueue
from tests.support.simulation import RATE, use_clock


def feed(queue: OutputQueue, seconds: float, sound: float = 0.1) -> None:
    """Let a device take what is written, at the same pace."""
    out = np.zeros(queue.playback.block, np.float32)
    for _ in range(round(seconds / 0.02)):
        queue.write(queue.resample(np.full(320, sound, np.float32)), False)
        queue.playback.pull(out)
        queue.playback.pull(out)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass, so that no queue dips."""
    use_clock(monkeypatch, lambda: 0.0)


@pytest.mark.usefixtures("stopped")
def test_the_queue_starts_with_two_blocks_and_shrinks_in_calm_more_slowly_where_it_was_wrong() -> None:
    queue = OutputQueue(16_000, Playback(RATE))
    out = np.zeros(queue.playback.block, np.float32)
    targets = []

    def underrun() -> None:
        for _ in range(round(queue.delay / 0.01) + 3):
            queue.playback.pull(out)

    feed(queue, 1)
    targets.append(queue.target)
    feed(queue, JITTER_SECONDS)
    targets.append(queue.target)
    underrun()
    feed(queue, JITTER_SECONDS)
    targets.append(queue.target)
    feed(queue, CALM_SECONDS)
    targets.append(queue.target)
    feed(queue, CALM_SECONDS)
    targets.append(queue.target)
    assert targets == pytest.approx([0.02, 0.01, 0.02, 0.02, 0.01])


def hours(queue: OutputQueue, seconds: int, underruns: Collection[int] = ()) -> list[float]:
    """Let a device take what is written, a second at a time, and run dry at some; return the target after each."""
    out = np.zeros(queue.playback.rate, np.float32)
    targets = []
    for second in range(seconds):
        queue.write(queue.resample(np.full(queue.playback.rate, 0.1, np.float32)), False)
        for _ in range(2 if second in underruns else 1):
            queue.playback.pull(out)
        targets.append(queue.target)
    return targets


@pytest.mark.usefixtures("stopped")
def test_after_a_bad_hour_the_queue_is_short_again_within_minutes_not_hours() -> None:
    """A minute for a block, and no more for what was once too few than that was worth."""
    queue = OutputQueue(1000, Playback(1000))
    moments = np.random.default_rng(1).exponential(60, 90).cumsum()
    assert max(hours(queue, 3600, {int(moment) for moment in moments if moment < 3500})) > 0.05
    calm = hours(queue, 3600)
    least = calm.index(min(calm))
    assert calm[least] == pytest.approx(0.01)
    assert least < 30 * 60


@pytest.mark.usefixtures("stopped")
def test_an_underrun_now_and_then_lengthens_the_queue_by_one_block_for_a_minute() -> None:
    queue = OutputQueue(1000, Playback(1000))
    targets = np.array(hours(queue, 3600, range(600, 3600, 600)))[60:]
    assert targets.max() == pytest.approx(0.02)
    assert np.count_nonzero(np.diff(targets)) == 10
    assert np.mean(targets > 0.015) < 0.15


@pytest.mark.usefixtures("stopped")
def test_what_was_one_block_too_few_again_and_again_is_tried_ever_more_seldom() -> None:
    """Also where the device runs dry more than once each time, so that the queue grows by more than it should."""
    queue = OutputQueue(1000, Playback(1000))
    underruns = []
    for _ in range(2):
        before = queue.playback.underruns
        for _ in range(7200):
            hours(queue, 1, (0,) if queue.target < 0.015 else ())
        underruns.append(queue.playback.underruns - before)
    assert underruns[0] < 20
    assert underruns[1] <= 6


def test_an_excess_is_trimmed_from_the_next_silence() -> None:
    queue = OutputQueue(16_000, Playback(RATE))
    feed(queue, 2)
    queue.playback.ring.write(np.full(round(0.04 * RATE), 0.1, np.float32))
    feed(queue, 3)
    assert queue.delay > 0.045
    feed(queue, 3, sound=0.0)
    assert queue.delay < 0.03
    assert queue.playback.underruns == 0


def jittery(
    monkeypatch: pytest.MonkeyPatch, queue: OutputQueue, seconds: float, jitter: float, stall: float = 0.0
) -> None:
    """Let a device take its blocks on time, and a worker wake up late: by up to `jitter` seconds at random, and by
    `stall` once a second."""
    random = np.random.default_rng(2)
    began = now = queue.playback.heartbeat
    use_clock(monkeypatch, lambda: now)
    out = np.zeros(queue.playback.block, np.float32)
    period = queue.playback.block / queue.playback.rate
    taken, wakes = 0, began
    for step in range(round(seconds / 0.02)):
        late = random.uniform(0, jitter) + stall * (step % 50 == 49)
        wakes = max(wakes, began + 0.02 * step + late)
        while began + (taken + 0.5) * period <= wakes:
            now = began + (taken + 0.5) * period
            queue.playback.pull(out)
            taken += 1
        now = wakes
        queue.write(queue.resample(np.full(320, 0.1, np.float32)), False)


@pytest.mark.parametrize(("jitter", "shortest"), [(0.0, 0.006), (0.006, 0.006), (0.012, 0.01)])
def test_a_queue_that_follows_the_jitter_gets_as_short_as_that_allows(
    monkeypatch: pytest.MonkeyPatch, jitter: float, shortest: float
) -> None:
    queue = OutputQueue(16_000, Playback(RATE, RATE // 200), follow_jitter=True)
    jittery(monkeypatch, queue, 120, jitter)
    assert queue.playback.underruns == 0
    assert shortest <= queue.target < shortest + 0.0015


def test_an_underrun_lengthens_it_and_the_next_attempt_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = OutputQueue(16_000, Playback(RATE, RATE // 200), follow_jitter=True)
    jittery(monkeypatch, queue, 60, 0.001)
    assert queue.target < 0.007
    queue.playback.underruns += 1
    jittery(monkeypatch, queue, 50, 0.001)
    assert 0.0075 < queue.target < 0.013
    jittery(monkeypatch, queue, 300, 0.001)
    assert queue.target < 0.007


def test_after_a_minute_of_jitter_the_delay_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a network with packets of 20 ms; there is no silence to trim."""
    queue = OutputQueue(16_000, Playback(RATE, RATE // 50), follow_jitter=True)
    jittery(monkeypatch, queue, 60, 0.12)
    assert queue.target > 0.03
    jittery(monkeypatch, queue, 150, 0.0)
    assert queue.target < 0.012
    assert queue.delay < 0.035


def test_a_queue_whose_dips_need_two_blocks_keeps_them_until_they_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = OutputQueue(16_000, Playback(RATE))
    jittery(monkeypatch, queue, 300, 0.016)
    assert queue.playback.underruns == 0
    assert queue.target == pytest.approx(0.02)
    jittery(monkeypatch, queue, 3 * CALM_SECONDS, 0.002)
    assert queue.playback.underruns == 0
    assert queue.target == pytest.approx(0.01)


def test_a_worker_that_is_late_again_and_again_loses_sound_once_or_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second it wakes up 45 ms late, as beside a load that keeps the processor."""
    queue = OutputQueue(16_000, Playback(RATE))
    jittery(monkeypatch, queue, 90, 0.0, stall=0.045)
    assert 1 <= queue.playback.underruns <= 2
    assert 0.03 < queue.target < 0.07
    jittery(monkeypatch, queue, 500, 0.0)
    assert queue.target < 0.011
