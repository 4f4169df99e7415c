import random

import pytest

from rtvc.live.drift import MAXIMUM_PPM, RESYNC_SECONDS, DriftController

BLOCK = 0.02


def simulate(drift_ppm: float, minutes: float, start: float, jitter: float) -> tuple[list[float], list[float]]:
    """Return the queue just before each output callback, and the answers, of a worker that wakes up late at random.

    The output clock runs `drift_ppm` faster than the microphone's. The queue is measured as the worker sees it:
    what waits just before it adds a block, less the time since the last callback.
    """
    chance = random.Random(1)
    controller = DriftController(0.01)
    period = BLOCK / (1 + drift_ppm * 1e-6)
    queue = start + BLOCK
    next_callback = last_callback = 0.0
    before_callback, answers = [], []
    for index in range(int(minutes * 60 / BLOCK)):
        now = index * BLOCK + chance.uniform(0, jitter)
        while next_callback <= now:
            before_callback.append(queue)
            queue -= BLOCK
            last_callback = next_callback
            next_callback += period
        margin = queue - (now - last_callback) * (1 + drift_ppm * 1e-6)
        ppm = controller.update(margin, BLOCK)
        answers.append(ppm)
        queue += BLOCK * (1 + ppm * 1e-6)
    return before_callback, answers


@pytest.mark.parametrize("drift_ppm", [-300, -40, 0, 300])
def test_half_an_hour_of_drift_neither_empties_nor_swells_the_queue(drift_ppm: float) -> None:
    queue, answers = simulate(drift_ppm, minutes=30, start=0.01, jitter=0.005)
    dropouts = sum(level < BLOCK for level in queue)
    assert dropouts == 0
    assert max(queue) < 2.7 * BLOCK
    settled = answers[1000:]
    assert sum(settled) / len(settled) == pytest.approx(drift_ppm, abs=5)
    assert max(settled) - min(settled) < 600


def test_without_steering_the_same_clocks_would_drop_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtvc.live.drift.MAXIMUM_PPM", 0.0)
    queue, _ = simulate(300, minutes=5, start=0.01, jitter=0.005)
    assert min(queue) < BLOCK


def test_a_long_queue_is_worked_off_slowly_and_without_swinging() -> None:
    controller = DriftController(0.02)
    queue = 0.05
    seen = []
    for _ in range(int(120 / BLOCK)):
        ppm = controller.update(queue, BLOCK)
        assert abs(ppm) <= MAXIMUM_PPM
        queue += BLOCK * ppm * 1e-6
        seen.append(queue)
    assert queue == pytest.approx(0.02, abs=1e-5)
    assert min(seen) > 0.02 - 1e-4
    assert controller.resync == 0


@pytest.mark.parametrize("sign", [-1, 1])
def test_beyond_a_threshold_it_asks_for_a_resync_once(sign: int) -> None:
    controller = DriftController(0.1)
    controller.update(0.1 + sign * 0.9 * RESYNC_SECONDS, BLOCK)
    assert controller.resync == 0
    for _ in range(100):
        controller.update(0.1 + sign * 1.5 * RESYNC_SECONDS, BLOCK)
    assert controller.resync == pytest.approx(sign * 1.5 * RESYNC_SECONDS, rel=0.05)
    controller.reset()
    assert controller.resync == 0
    assert controller.ppm == 0


def test_one_late_block_does_not_move_the_pitch_much() -> None:
    controller = DriftController(0.02)
    for _ in range(200):
        controller.update(0.02, BLOCK)
    assert abs(controller.update(0.0, BLOCK)) < MAXIMUM_PPM
    assert controller.resync == 0


def test_one_measurement_alone_cuts_nothing_even_the_first() -> None:
    controller = DriftController(0.02)
    controller.update(0.2, BLOCK)  # The device pauses, and will catch up.
    assert controller.resync == 0
    assert abs(controller.ppm) <= MAXIMUM_PPM
