import sys
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtvc.devices.ring import Ring

OPERATIONS = st.lists(st.tuples(st.sampled_from(["write", "read", "skip"]), st.integers(0, 25)), max_size=60)


@given(capacity=st.integers(1, 20), operations=OPERATIONS)
def test_any_mix_of_operations_matches_a_list(capacity: int, operations: list[tuple[str, int]]) -> None:
    ring = Ring(capacity)
    waiting: list[int] = []
    written = overwritten = skipped = 0
    lost_unnoticed = 0
    for operation, count in operations:
        if operation == "write":
            ring.write(np.arange(written, written + count, dtype=np.float32))
            waiting += range(written, written + count)
            written += count
            lost_unnoticed += max(0, len(waiting) - capacity)
            waiting = waiting[-capacity:]
        else:
            overwritten += lost_unnoticed
            lost_unnoticed = 0
        if operation == "read":
            out = np.full(count, -1, np.float32)
            read = ring.read_into(out)
            assert out.tolist() == waiting[:count] + [-1] * (count - read)
            del waiting[:read]
        elif operation == "skip":
            dropped = ring.skip(count)
            assert dropped == max(0, len(waiting) - count)
            skipped += dropped
            del waiting[:dropped]
        assert ring.fill == len(waiting)
        assert ring.written == written
        assert (ring.overwritten, ring.skipped) == (overwritten, skipped)
        if waiting and not lost_unnoticed:
            assert ring.position == waiting[0]


def test_reads_into_one_column_of_an_interleaved_block() -> None:
    ring = Ring(8)
    ring.write(np.arange(6, dtype=np.float32))
    out = np.zeros((4, 2), np.float32)
    assert ring.read_into(out[:, 0]) == 4
    assert out.tolist() == [[0, 0], [1, 0], [2, 0], [3, 0]]


@pytest.mark.parametrize("capacity", [256, 4096])
def test_two_threads_never_see_torn_or_reordered_samples(capacity: int) -> None:
    ring = Ring(capacity)
    total = 400_000
    samples = np.arange(total, dtype=np.float32)
    sizes = np.random.default_rng(0).integers(1, 200, total)

    def produce() -> None:
        start = 0
        for size in sizes:
            if start >= total:
                break
            ring.write(samples[start : start + size])
            start += size

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    writer = threading.Thread(target=produce)
    out = np.zeros(150, np.float32)
    accounted = 0
    try:
        writer.start()
        while writer.is_alive() or ring.fill:
            read = ring.read_into(out)
            np.testing.assert_array_equal(out[:read], np.arange(ring.position - read, ring.position))
            accounted += read
    finally:
        writer.join()
        sys.setswitchinterval(interval)
    assert accounted + ring.overwritten == total


def test_nothing_is_allocated_for_samples() -> None:
    ring = Ring(48_000)
    block = np.ones(9600, np.float32)
    ring.write(block)
    ring.read_into(block)
    tracemalloc.start()
    for _ in range(50):
        ring.write(block)
        ring.read_into(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < block.nbytes // 4
