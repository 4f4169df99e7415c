"""The pool of worker processes, without the processes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rtvc.errors import RtvcError
from rtvc.remote import workers
from rtvc.remote.workers import Workers


class FakeWorker:
    """The first one dies before it is ready; the others are ready at once."""

    made = 0

    def __init__(self, arguments: object, on_death: Callable[[Any], None]) -> None:
        FakeWorker.made += 1
        self.free = FakeWorker.made > 1
        if not self.free:
            asyncio.get_running_loop().call_soon(on_death, self)

    def end(self) -> None:
        pass


def test_a_worker_that_dies_while_it_starts_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "made", 0)

    async def run() -> int:
        pool = Workers(2, "mini", None)
        await pool.start()
        await pool.close()
        return FakeWorker.made

    assert asyncio.run(run()) == 3


def test_workers_that_take_too_long_are_an_error_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "made", 1)
    monkeypatch.setattr(workers, "START_SECONDS", 0.1)

    async def run() -> None:
        pool = Workers(2, "mini", None)
        monkeypatch.setattr(Workers, "free", 0)
        await pool.start()

    with pytest.raises(RtvcError, match="use fewer --sessions"):
        asyncio.run(run())
