import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.remote.packets import LONGEST_WAIT, MOST_CONCEALED, Concealer, PacketOrder

RATE = 48_000
BLOCK = 960


def sent(order: PacketOrder, arrivals: list[tuple[int, float]]) -> list[bytes | None]:
    """Pass packets `(sequence, time)` on and return what comes out; a packet holds its own number."""
    return [item for sequence, now in arrivals for item in order.add(sequence % 65_536, str(sequence).encode(), now)]


def test_packets_in_order_pass_at_once_also_where_the_number_wraps() -> None:
    order = PacketOrder()
    arrivals = [(65_530 + number, 0.02 * number) for number in range(20)]
    for sequence, now in arrivals:
        assert order.add(sequence % 65_536, str(sequence).encode(), now) == [str(sequence).encode()]
    assert (order.received, order.lost, order.wait) == (20, 0, 0.0)


def test_a_lost_packet_delays_nothing_on_a_network_that_keeps_the_order() -> None:
    order = PacketOrder()
    assert sent(order, [(1, 0.0), (2, 0.02), (4, 0.06)]) == [b"1", b"2", None, b"4"]
    assert (order.received, order.lost) == (3, 1)


def test_a_burst_is_filled_in_only_at_its_start() -> None:
    order = PacketOrder()
    assert sent(order, [(1, 0.0), (51, 1.0)]) == [b"1", *[None] * MOST_CONCEALED, b"51"]
    assert order.lost == 49


def test_after_an_overtaking_gaps_are_kept_open_for_as_long_and_no_longer_than_needed() -> None:
    order = PacketOrder()
    assert sent(order, [(1, 0.0), (3, 0.02), (2, 0.03)]) == [b"1", None, b"3"]  # too late, for once
    assert order.wait == pytest.approx(0.01)
    assert sent(order, [(5, 0.06), (4, 0.065)]) == [b"4", b"5"]  # now it is waited for
    order.add(6, b"6", 11.0)
    order.add(7, b"7", 22.0)
    assert order.wait == 0.0  # forgotten after 10 to 20 s


def test_a_stream_that_starts_anew_is_followed() -> None:
    order = PacketOrder()
    assert sent(order, [(1, 0.0), (30_000, 0.02), (30_001, 0.04)]) == [b"1", b"30000", b"30001"]


@given(st.lists(st.integers(0, 65_535), max_size=60))
def test_no_packet_comes_out_twice_and_none_waits_for_ever(sequences: list[int]) -> None:
    order = PacketOrder()
    out: list[bytes | None] = []
    for place, sequence in enumerate(sequences):
        out += order.add(sequence, str(place).encode(), LONGEST_WAIT * 2 * place)
    kept = [item for item in out if item is not None]
    assert len(set(kept)) == len(kept)
    assert len(out) <= len(sequences) * (1 + MOST_CONCEALED)
    assert 0 <= order.wait <= LONGEST_WAIT


def tone(hertz: float, samples: int) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.float32)


def test_a_lost_block_of_a_steady_voice_is_filled_in_and_joined_without_a_click() -> None:
    sound = tone(150, 5 * BLOCK)
    concealer = Concealer(RATE)
    blocks = [sound[start : start + BLOCK] for start in range(0, len(sound), BLOCK)]
    heard = np.concatenate(
        [concealer.conceal(BLOCK) if number == 2 else concealer.take(block) for number, block in enumerate(blocks)]
    )
    filled = heard[2 * BLOCK : 3 * BLOCK]
    missing = blocks[2]
    assert np.corrcoef(filled, missing)[0, 1] > 0.99
    assert np.abs(np.diff(heard)).max() < 2 * np.abs(np.diff(sound)).max()
    assert concealer.concealed == 1


def test_a_longer_loss_fades_to_silence() -> None:
    concealer = Concealer(RATE)
    concealer.take(tone(150, 3 * BLOCK))
    levels = [float(np.abs(concealer.conceal(BLOCK)).max()) for _ in range(5)]
    assert levels[0] > 0.25
    assert levels[1] < levels[0]
    assert levels[3:] == [0.0, 0.0]


def test_a_loss_in_silence_stays_silent() -> None:
    concealer = Concealer(RATE)
    assert not concealer.conceal(BLOCK).any()
    assert not concealer.take(np.zeros(BLOCK, np.float32)).any()
