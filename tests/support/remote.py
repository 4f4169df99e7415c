"""A server for tests: its sessions run in this process, since starting a worker takes 2 s of computing."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.packs.pack import ModelPack
from rtvc.remote import protocol
from rtvc.remote.access import LOOPBACK, Access, Listen
from rtvc.remote.peer import BLOCK
from rtvc.remote.protocol import Refusal, SessionRequest
from rtvc.remote.server import serving
from rtvc.remote.session import Session
from rtvc.remote.workers import Workers


async def silence() -> Block:
    """Return a block of a microphone at which nobody talks."""
    return np.zeros(BLOCK, np.float32)


class LocalWorkers(Workers):
    """Runs sessions on the server's own loop."""

    def __init__(self, pack: ModelPack, count: int = 1) -> None:
        super().__init__(count, "", LOOPBACK)
        self.pack, self.most = pack, count
        self.sessions: list[Session] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        return self.most - len(self.sessions)

    @property
    def processes(self) -> list[int]:
        return [os.getpid()]

    async def start(self) -> None:
        pass

    async def answer(self, request: SessionRequest) -> str:
        if not self.free:
            raise Refusal(protocol.FULL)
        session = Session(self.pack, request, LOOPBACK)
        self.sessions.append(session)
        try:
            answer = await session.answer()
        except BaseException:
            self.sessions.remove(session)
            await session.close()
            raise
        task = asyncio.create_task(session.run())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(done, session))
        return answer

    async def close(self) -> None:
        for session in self.sessions:
            session.leave()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _end(self, task: asyncio.Task[None], session: Session) -> None:
        self._tasks.discard(task)
        with suppress(ValueError):
            self.sessions.remove(session)


@contextmanager
def local_server(workers: LocalWorkers, access: Access = Access(), port: int = 0) -> Iterator[str]:  # noqa: B008
    """Run a server on a thread; yields its URL."""
    started, stopping = threading.Event(), threading.Event()
    urls: list[str] = []

    async def run() -> None:
        async with serving(workers, access, Listen("127.0.0.1", port)) as url:
            urls.append(url)
            started.set()
            while not stopping.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    try:
        yield urls[0]
    finally:
        stopping.set()
        thread.join()
