import numpy as np
import pytest

from rtvc.dsp.soundboard import DUCK_SECONDS, FADE_SECONDS, HOLD_SECONDS, MOST_CLIPS, Soundboard
from rtvc.dsp.stage import Block

RATE = 48_000
SILENCE = np.zeros(RATE, np.float32)


def noise(samples: int, seed: int = 0, level: float = 0.1) -> Block:
    return np.random.default_rng(seed).uniform(-level, level, samples).astype(np.float32)


def through(board: Soundboard, sound: Block, size: int = 479) -> Block:
    return np.concatenate([board.process(sound[at : at + size]) for at in range(0, len(sound), size)])


def test_without_clips_the_voice_passes_untouched() -> None:
    voice = noise(RATE, level=0.99)
    assert Soundboard(RATE).process(voice) is voice


def test_a_clip_is_mixed_to_the_sample() -> None:
    board, voice, clip = Soundboard(RATE), noise(9_000), noise(5_001, seed=1)
    first = board.process(voice[:1_000])
    board.play(clip, gain_db=-6.0)
    heard = np.concatenate([first, through(board, voice[1_000:])])
    expected = voice.copy()
    expected[1_000:6_001] += clip * np.float32(10 ** (-6 / 20))
    np.testing.assert_allclose(heard, expected, atol=1e-7)


def test_clips_overlap_and_the_oldest_makes_room() -> None:
    board = Soundboard(RATE)
    for number in range(MOST_CLIPS + 1):
        board.play(np.full(100, 0.01 * 2**-number, np.float32))
    heard = board.process(np.zeros(100, np.float32))
    assert heard[50] == pytest.approx(sum(0.01 * 2**-number for number in range(1, MOST_CLIPS + 1)), rel=1e-4)


def test_clips_are_ducked_while_the_voice_speaks() -> None:
    board = Soundboard(RATE)
    board.ducking_db = 12.0
    tone = np.full(6 * RATE, 0.2, np.float32)
    board.play(tone)
    board.process(SILENCE)
    voice = noise(RATE)
    during = through(board, voice) - voice
    assert during[round(2 * DUCK_SECONDS * RATE) :] == pytest.approx(0.2 * 10 ** (-12 / 20), rel=1e-3)
    after = through(board, np.zeros(2 * RATE, np.float32))
    assert after[-1] == pytest.approx(0.2)
    assert after[round(HOLD_SECONDS * RATE / 2)] == pytest.approx(0.2 * 10 ** (-12 / 20), rel=1e-3)
    assert np.abs(np.diff(after)).max() < 1e-3


def test_stop_fades_out_and_the_next_clip_begins_whole() -> None:
    board = Soundboard(RATE)
    board.play(np.full(RATE, 0.2, np.float32))
    board.process(SILENCE[:1_000])
    board.stop()
    faded = through(board, SILENCE[:4_800])
    assert not faded[round(FADE_SECONDS * RATE) + 480 :].any()
    assert np.abs(np.diff(faded)).max() < 1e-3
    clip = noise(1_000)
    board.play(clip)
    np.testing.assert_array_equal(board.process(SILENCE[:1_000]), clip)


def test_the_sum_does_not_clip() -> None:
    board = Soundboard(RATE)
    board.play(np.full(1_000, 0.9, np.float32))
    assert np.abs(board.process(np.full(1_000, 0.9, np.float32))).max() < 1
