import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtvc.dsp.gate import FADE_SECONDS, HYSTERESIS_DB, Gate
from rtvc.dsp.stage import Block

RATE = 16_000
CHUNK = 80


def noise(seconds: float, dbfs: float) -> Block:
    """Sound of exactly this level in every chunk."""
    signs = np.random.default_rng(0).integers(0, 2, round(seconds * RATE)) * 2 - 1
    return (signs * 10 ** (dbfs / 20)).astype(np.float32)


def test_without_a_threshold_sound_passes_untouched() -> None:
    sound = noise(1, -90)
    np.testing.assert_array_equal(Gate(RATE, CHUNK).process(sound), sound)


def test_what_is_below_the_threshold_is_silence() -> None:
    gate = Gate(RATE, CHUNK, -50)
    assert not gate.process(noise(1, -51)).any()
    assert not gate.is_open


def test_it_opens_at_once_and_without_cutting_the_word() -> None:
    gate = Gate(RATE, CHUNK, -50)
    gate.process(noise(1, -80))
    word = noise(0.1, -30)
    heard = gate.process(word)
    assert gate.is_open
    np.testing.assert_array_equal(heard[RATE // 500 :], word[RATE // 500 :])


def test_it_holds_between_the_two_thresholds() -> None:
    gate = Gate(RATE, CHUNK, -50, release_seconds=0.1)
    gate.process(noise(0.1, -40))
    sound = noise(2, -50 - HYSTERESIS_DB + 1)
    np.testing.assert_array_equal(gate.process(sound), sound)


def test_it_closes_after_the_release_with_a_fade() -> None:
    gate = Gate(RATE, CHUNK, -50, release_seconds=0.2)
    gate.process(noise(0.1, -40))
    sound = noise(1, -60)
    heard = gate.process(sound)
    held = round(0.2 * RATE)
    np.testing.assert_array_equal(heard[:held], sound[:held])
    assert not heard[held + round(FADE_SECONDS * RATE) + CHUNK :].any()
    share = np.abs(heard / sound)
    assert np.diff(share).min() >= -1.1 / (FADE_SECONDS * RATE)
    assert (np.diff(share) <= 1e-6).all()


def test_a_short_pause_does_not_close_it() -> None:
    gate = Gate(RATE, CHUNK, -50, release_seconds=0.2)
    for _ in range(5):
        gate.process(noise(0.1, -40))
        gate.process(noise(0.15, -80))
        assert gate.is_open


def test_the_threshold_may_be_taken_away_and_changed_while_it_runs() -> None:
    gate = Gate(RATE, CHUNK, -20)
    assert not gate.process(noise(0.5, -40)).any()
    gate.threshold_dbfs = None
    sound = noise(0.5, -40)
    np.testing.assert_array_equal(gate.process(sound)[CHUNK:], sound[CHUNK:])
    gate.threshold_dbfs = -20
    assert not gate.process(noise(0.5, -40))[RATE // 4 :].any()


@settings(max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.floats(-60, -20), st.sampled_from([0.0, 0.02, 0.1]))
def test_the_blocks_in_which_sound_comes_do_not_matter(blocks: list[int], threshold: float, release: float) -> None:
    levels = np.random.default_rng(sum(blocks)).uniform(-70, -10, sum(blocks))
    sound = np.concatenate([noise(CHUNK / RATE, level) for level in levels])
    whole = Gate(RATE, CHUNK, threshold, release).process(sound)
    gate, start, parts = Gate(RATE, CHUNK, threshold, release), 0, []
    for count in blocks:
        parts.append(gate.process(sound[start : start + count * CHUNK]))
        start += count * CHUNK
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_reset_equals_a_new_one() -> None:
    gate, sound = Gate(RATE, CHUNK, -50), noise(0.1, -55)
    gate.process(noise(0.1, -20))
    gate.reset()
    np.testing.assert_array_equal(gate.process(sound), Gate(RATE, CHUNK, -50).process(sound))


def test_a_block_that_is_not_whole_chunks_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 80"):
        Gate(RATE, CHUNK).process(noise(0.0051, 0))
