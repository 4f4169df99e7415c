"""A private PulseAudio server with null sinks, for tests of everything that needs devices.

With RTVC_TEST_SERVER=pipewire in the environment it is PipeWire that takes its place.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rtvc.devices.pulse import server_errors, unload_modules

if TYPE_CHECKING:
    import pulsectl

FAKE_MICROPHONE = "fake_mic"
MICROPHONE = f"{FAKE_MICROPHONE}.monitor"
"""The source that hears what is played into the sink `FAKE_MICROPHONE`."""

DEFAULT_MICROPHONE = "fake_source"
SPEAKERS = "speakers"


PIPEWIRE = os.environ.get("RTVC_TEST_SERVER") == "pipewire"
PROGRAMS = ("pipewire", "dbus-run-session wireplumber", "pipewire-pulse") if PIPEWIRE else ("pulseaudio",)


@contextmanager
def played(recording: Path, server: str) -> Iterator[None]:
    """Play a WAV file into the sink `FAKE_MICROPHONE`, with the program `pacat`."""
    command = ["pacat", "--playback", f"--server={server}", f"--device={FAKE_MICROPHONE}", "--file-format=wav"]
    process = subprocess.Popen([*command, str(recording)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


class PulseServer:
    """Runs `pulseaudio` on a socket of its own, away from the user's; it may be killed and started again.

    It has two null sinks: whatever is played into `fake_mic` can be recorded from `fake_mic.monitor`, and from
    `fake_source`, the default microphone; and `speakers` stands for the user's, the default.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rtvc-pulse-"))
        self._socket = self._folder / "pulse" / "native"
        self.address = f"unix:{self._socket}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "PulseServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self.running:
            return
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._socket.parent.mkdir(parents=True, mode=0o700)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}
        environment |= {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        modules = f"-n -L module-native-protocol-unix\\ socket={self._socket}\\ auth-anonymous=1"
        options = "--daemonize=no --use-pid-file=no --exit-idle-time=-1 --realtime=yes --high-priority=no"
        deadline = time.monotonic() + 10
        for program in PROGRAMS:
            while PIPEWIRE and self._processes and not (self._folder / "pipewire-0").exists():
                assert time.monotonic() < deadline, "PipeWire does not start"
                time.sleep(0.02)
            command = program.split() if PIPEWIRE else shlex.split(f"{program} {modules} {options}")
            self._processes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        while not self._set_up():
            ended = any(process.poll() is not None for process in self._processes)
            if ended or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{PROGRAMS[-1]} does not answer")
            time.sleep(0.02)

    def _set_up(self) -> bool:
        """Make the null sinks, and tell whether the server answers."""
        try:
            with self.client() as client:
                there = {sink.name for sink in client.sink_list()}
                for sink, channels in ((FAKE_MICROPHONE, 1), (SPEAKERS, 2)):
                    prompt = "" if PIPEWIRE else "norewinds=1"
                    if sink not in there:
                        arguments = f"sink_name={sink} rate=48000 channels={channels} {prompt}"
                        client.module_load("module-null-sink", arguments)
                if DEFAULT_MICROPHONE not in {source.name for source in client.source_list()}:
                    self.plug_in(client)
                client.sink_default_set(SPEAKERS)
                client.source_default_set(DEFAULT_MICROPHONE)
        except server_errors():
            return False
        return True

    @staticmethod
    def plug_in(client: "pulsectl.Pulse") -> int:
        """Make the default microphone, and return the module to unload for it to be unplugged."""
        arguments = f"source_name={DEFAULT_MICROPHONE} master={FAKE_MICROPHONE}.monitor channels=1 rate=48000"
        module: int = client.module_load("module-remap-source", arguments)
        return module

    def unplug(self) -> None:
        """Take the default microphone away."""
        with self.client() as client:
            source = client.get_source_by_name(DEFAULT_MICROPHONE)
            client.module_unload(source.owner_module)

    def clean(self) -> None:
        """Take away what a test left behind, and put back what it took away."""
        with self.client() as client:
            left = [module.index for module in client.module_list() if "rtvc_" in (module.argument or "")]
            unload_modules(client, left[::-1])
        self._set_up()

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    def kill(self) -> None:
        """End the server as a crash would."""
        self.signal(signal.SIGKILL)
        for process in self._processes:
            process.wait()
        self._processes = []

    def signal(self, number: int) -> None:
        """Send a signal to the server, such as SIGSTOP to make it hang."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def client(self) -> "pulsectl.Pulse":
        """Connect to the server."""
        import pulsectl

        return pulsectl.Pulse("rtvc tests", server=self.address)
