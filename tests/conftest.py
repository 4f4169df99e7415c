"""Set-up of every test process. pytest-xdist runs several at once; each has its own folders and sound server."""

import os

# Before NumPy, torch and Qt are imported. The workers share the cores out already, and no window opens.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# What a terminal or a worker says of its size would hold for every table that a test reads.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)
# Containers often switch bytecode off: each of a hundred Python processes would then compile rtvc again (0.3 s).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import gc
import shutil
import signal
from collections.abc import Iterator
from functools import cache

import hypothesis
import pytest
import typer.main

from rtvc.packs.pack import ModelPack
from tests.support.packs import identity_pack
from tests.support.pulse import PulseServer

# `nohup` and a shell's background jobs ignore these; the programs that the tests interrupt would do so too.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# An example may take any time: machines differ.
hypothesis.settings.register_profile("rtvc", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("rtvc")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores, at most four: many tests wait for sound that plays."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep voices, preferences and crash reports out of the developer's folders."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name))
        yield


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """Build the tree of commands once a process: it takes 25 ms, and hundreds of tests run a command."""
    built = cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        for place in ("typer.main.get_command", "typer.testing._get_command"):
            patch.setattr(place, built)
        yield


class _Frozen:
    """Whether imported modules are out of the garbage collector's sight; to count them takes 40 ms."""

    def __init__(self) -> None:
        self.now = False
        self._unfreeze = gc.unfreeze

    def unfreeze(self) -> None:
        self._unfreeze()
        self.now = False


@pytest.fixture(scope="session")
def _frozen() -> Iterator[_Frozen]:
    frozen = _Frozen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "unfreeze", frozen.unfreeze)
        yield frozen


@pytest.fixture(autouse=True)
def _modules_are_no_garbage(_frozen: _Frozen) -> None:
    """Keep imported modules out of the collection that every engine starts with: with torch it takes 0.3 s."""
    if not _frozen.now:
        gc.freeze()
        _frozen.now = True


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    """A pack whose features are the audio itself; to be read only."""
    return identity_pack(tmp_path_factory.mktemp("packs") / "identity")


@pytest.fixture(scope="session")
def pulse_session() -> Iterator[PulseServer]:
    if shutil.which("pulseaudio") is None:
        pytest.skip("needs the program 'pulseaudio' (apt install pulseaudio)")
    with PulseServer() as server:
        # Before sounddevice is imported: PortAudio's ALSA plugin reads it then.
        os.environ["PULSE_SERVER"] = server.address
        yield server
        del os.environ["PULSE_SERVER"]


@pytest.fixture
def pulse(pulse_session: PulseServer) -> Iterator[PulseServer]:
    """A private PulseAudio server, running and without leftovers of earlier tests, that this process uses."""
    pulse_session.start()
    yield pulse_session
    pulse_session.start()
    pulse_session.clean()
