"""`rtvc serve` with its worker process, and a client that pins its certificate."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtvc.benchmark.loops import PacedPort
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.remote.access import Access, read_access
from rtvc.remote.link import Address
from rtvc.remote.remote_engine import RemoteEngine
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from tests.support.commands import refusal
from tests.support.waiting import until

OWN = Settings(map=MapChoice(strength=0.0), gate_threshold_dbfs=None)


class Served:
    """A running `rtvc serve` and what it printed."""

    def __init__(self, pack: ModelPack, folder: Path) -> None:
        self.token, self.certificate = folder / "token", folder / "server.pem"
        command = [sys.executable, "-m", "rtvc.cli", "serve", "--listen", "127.0.0.1:0", "--sessions", "1"]
        command += [
            "--pack",
            str(pack.folder),
            "--token-file",
            str(self.token),
            "--certificate",
            str(self.certificate),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops" in line:
                break
        self.url = next(line.split()[1] for line in self.said.splitlines() if line.startswith("Server"))

    def engine(self, access: Access) -> RemoteEngine:
        return RemoteEngine(Address(self.url, access), PacedPort(48_000), OWN)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [
            int(child) for child in children if "multiprocessing-fork" in Path(f"/proc/{child}/cmdline").read_text()
        ]


@pytest.fixture
def served(pack: ModelPack, tmp_path: Path) -> Iterator[Served]:
    running = Served(pack, tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def state(engine: RemoteEngine) -> State:
    return engine.snapshot().state


def test_a_client_with_the_token_file_is_served_by_a_process_that_is_replaced_if_it_dies(served: Served) -> None:
    access = read_access(served.token)
    assert access.fingerprint in served.said
    assert access.token not in served.said
    strange = served.engine(Access(access.token, "0" * 64))
    strange.start()
    assert strange.wait(20)
    assert "does not match the token file" in strange.snapshot().message
    engine = served.engine(access)
    engine.start()
    try:
        until(lambda: state(engine) == State.RUNNING)
        second = served.engine(access)
        second.start()
        assert second.wait(20)
        assert "are in use" in second.snapshot().message
        (worker,) = served.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: state(engine) == State.RECOVERING)
        until(lambda: state(engine) == State.RUNNING, 30)
        (replaced,) = served.workers()
        assert replaced != worker
    finally:
        engine.stop()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(20) == 0
    assert not Path(f"/proc/{replaced}").exists()


def test_what_does_not_go_together_is_refused(pack: ModelPack, tmp_path: Path) -> None:
    serve = ("serve", "--pack", pack.folder, "--sessions", 1)
    assert "--token-file and --certificate" in refusal(*serve, "--listen", "0.0.0.0:0")
    assert "not a valid address" in refusal(*serve, "--listen", "8788")
    live = ("live", "--strength", "0", "--server")
    assert "is not a server's address" in refusal(*live, "here")
    assert "not encrypted" in refusal(*live, "http://192.0.2.1:8788")
    assert "token cannot be read" in refusal(*live, "http://127.0.0.1:1", "--token-file", tmp_path / "missing")
