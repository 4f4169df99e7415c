"""Worker processes: each has the pack open and serves one session at a time.

With one process per session, sessions share no interpreter lock, and a crash ends only its own session. The parent's
side belongs to its asyncio loop; a thread per worker reads what the worker sends.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from rtvc.app.models import open_pack
from rtvc.errors import RtvcError
from rtvc.remote import protocol
from rtvc.remote.protocol import Refusal, SessionRequest

log = logging.getLogger("rtvc.server")

START_SECONDS = 60.0
ANSWER_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05


class Workers:
    """A fixed number of worker processes. One that dies is replaced.

    Parameters
    ----------
    count
        How many sessions there may be at once.
    pack
        Name or folder of the model pack.
    addresses
        Where sockets may be bound, as in `new_peer`.
    """

    def __init__(self, count: int, pack: str, addresses: list[str] | None) -> None:
        self._arguments = pack, addresses
        self._count = count
        self._workers: list[_Worker] = []
        self._closing = False

    @property
    def free(self) -> int:
        """How many sessions could begin now."""
        return sum(worker.free for worker in self._workers)

    @property
    def processes(self) -> list[int]:
        """The process numbers of the workers."""
        return [worker.process_id for worker in self._workers]

    async def start(self) -> None:
        """Start the processes and wait until they are ready; raise `RtvcError` if they take too long."""
        self._workers = [self._spawn() for _ in range(self._count)]
        try:
            async with asyncio.timeout(START_SECONDS):
                while self.free < self._count:  # One that dies meanwhile is replaced.
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise RtvcError(
                f"The processes of the sessions are not ready after {START_SECONDS:.0f} s: use fewer --sessions."
            ) from None

    async def answer(self, request: SessionRequest) -> str:
        """Give a session to a free worker and return its SDP answer; raise `Refusal` if there is none."""
        worker = next((worker for worker in self._workers if worker.free), None)
        if worker is None:
            raise Refusal(protocol.FULL)
        return await worker.answer(request)

    async def close(self) -> None:
        """End all processes."""
        self._closing = True
        workers, self._workers = self._workers, []
        await asyncio.gather(*(asyncio.to_thread(worker.end) for worker in workers))

    def _spawn(self) -> _Worker:
        return _Worker(self._arguments, self._replace)

    def _replace(self, dead: _Worker) -> None:
        if not self._closing and dead in self._workers:
            log.warning("a worker has ended and is replaced")
            self._workers[self._workers.index(dead)] = self._spawn()


class _Worker:
    """The parent's side of a worker process."""

    def __init__(self, arguments: tuple[str, list[str] | None], on_death: Callable[[_Worker], None]) -> None:
        self.ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._busy = False
        self._reply: asyncio.Future[tuple[str, str]] | None = None
        self._on_death = on_death
        # "fork" would copy a process with threads; "spawn" is there on every system.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=run_worker, args=(theirs, *arguments), name="rtvc worker", daemon=True)
        self._process.start()
        theirs.close()
        threading.Thread(target=self._listen, name="rtvc worker's words", daemon=True).start()

    @property
    def process_id(self) -> int:
        return self._process.pid or 0

    @property
    def free(self) -> bool:
        return self.ready.is_set() and not self._busy

    async def answer(self, request: SessionRequest) -> str:
        self._busy = True
        self._reply = self._loop.create_future()
        try:
            self._pipe.send(request)
            async with asyncio.timeout(ANSWER_SECONDS):
                kind, text = await self._reply
        except (TimeoutError, OSError):
            self._process.kill()
            raise Refusal(protocol.FAULT) from None
        if kind != "answer":
            raise Refusal(text)
        return text

    def end(self) -> None:
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _listen(self) -> None:
        """Pass on what the worker says, until it is gone."""
        with suppress(RuntimeError):  # The loop has closed.
            with suppress(EOFError, OSError):
                while True:
                    self._loop.call_soon_threadsafe(self._take, self._pipe.recv())
            self._loop.call_soon_threadsafe(self._gone)

    def _take(self, message: tuple[str, str]) -> None:
        match message[0]:
            case "ready":
                self.ready.set()
                self._busy = False
            case _ if self._reply is not None and not self._reply.done():
                self._reply.set_result(message)

    def _gone(self) -> None:
        self.ready.clear()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(("refused", protocol.FAULT))
        self._on_death(self)


def run_worker(pipe: Connection, pack: str, addresses: list[str] | None) -> None:
    """Serve sessions, one after the other, until the parent has gone. The main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the parent ends this one.
    logging.basicConfig(format="%(name)s: %(message)s")
    asyncio.run(_serve(pipe, pack, addresses))


async def _serve(pipe: Connection, pack: str, addresses: list[str] | None) -> None:
    from rtvc.remote.session import Session  # aiortc, which only the worker needs

    models = open_pack(pack)
    requests: asyncio.Queue[SessionRequest] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report_fault)

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                loop.call_soon_threadsafe(requests.put_nowait, pipe.recv())
        os._exit(0)  # The parent has gone. An engine that hangs must not keep this process.

    threading.Thread(target=listen, name="rtvc requests", daemon=True).start()
    while True:
        pipe.send(("ready", ""))
        session = Session(models, await requests.get(), addresses)
        try:
            pipe.send(("answer", await session.answer()))
            await session.run()
        except Refusal as refusal:
            await session.close()
            pipe.send(("refused", str(refusal)))
        except Exception:
            log.exception("a session failed")
            await session.close()
            pipe.send(("refused", protocol.FAULT))


def _report_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody awaits, without tasks of aiortc that still send when their connection has ended."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)
