from fractions import Fraction

import numpy as np
import pytest

from rtvc.dsp.stage import Block, Chain, Stage


class Delay(Stage):
    def __init__(self, rate: int, samples: int, granularity: int = 1) -> None:
        super().__init__(rate, samples, granularity)
        self._past = np.zeros(samples, np.float32)

    def _process(self, block: Block) -> Block:
        joined = np.concatenate([self._past, block])
        self._past = joined[len(block) :].copy()
        return joined[: len(block)]

    def reset(self) -> None:
        self._past[:] = 0


def test_a_chain_delays_by_the_sum_of_its_stages() -> None:
    chain = Chain([Delay(1000, 3), Delay(1000, 0), Delay(1000, 8)])
    impulse = np.zeros(40, np.float32)
    impulse[0] = 1
    assert np.argmax(chain.process(impulse)) == chain.latency == 11
    assert chain.latency_seconds == Fraction(11, 1000)


def test_latencies_at_different_rates_add_up_exactly() -> None:
    chain = Chain([Delay(48_000, 1), Delay(16_000, 1), Delay(44_100, 1)])
    assert chain.latency_seconds == Fraction(1, 48_000) + Fraction(1, 16_000) + Fraction(1, 44_100)


@pytest.mark.parametrize("length", [0, 1, 319, 321])
def test_wrong_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="multiple of 320"):
        Chain([Delay(16_000, 0, 320)]).process(np.zeros(length, np.float32))


def test_reset_equals_fresh() -> None:
    chain = Chain([Delay(1000, 3), Delay(1000, 4)])
    block = np.arange(1, 11, dtype=np.float32)
    fresh = chain.process(block)
    chain.process(block)
    chain.reset()
    np.testing.assert_array_equal(chain.process(block), fresh)
