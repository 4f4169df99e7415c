"""A private PulseAudio server with null sinks, for tests of everything that needs devices."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rtvc.audio.pulse import server_errors, unload_modules

if TYPE_CHECKING:
    import pulsectl

FAKE_MICROPHONE = "fake_mic"
SPEAKERS = "speakers"


class PulseServer:
    """Runs `pulseaudio` on a socket of its own, away from the user's; it may be killed and started again.

    It has two null sinks: whatever is played into `fake_mic` can be recorded from `fake_mic.monitor`, and `speakers`
    stands for the user's, the default.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rtvc-pulse-"))
        self.address = f"unix:{self._folder}/native"
        self._process: subprocess.Popen[bytes] | None = None

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
        (self._folder / "native").unlink(missing_ok=True)
        (self._folder / "pid").unlink(missing_ok=True)
        modules = [
            f"module-native-protocol-unix socket={self._folder}/native auth-anonymous=1",
            f"module-null-sink sink_name={FAKE_MICROPHONE} rate=48000 channels=1 norewinds=1",
            f"module-null-sink sink_name={SPEAKERS} rate=48000 channels=2 norewinds=1",
        ]
        options = "-n --daemonize=no --use-pid-file=no --exit-idle-time=-1 --realtime=no --high-priority=no"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}
        environment |= {"HOME": str(self._folder), "PULSE_RUNTIME_PATH": str(self._folder)}
        self._process = subprocess.Popen(
            ["pulseaudio", *options.split(), *(word for module in modules for word in ("-L", module))],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                with self.client() as client:
                    client.sink_default_set(SPEAKERS)
                    client.source_default_set(f"{FAKE_MICROPHONE}.monitor")
                return
            except server_errors():
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.kill()
                    raise
                time.sleep(0.02)

    def clean(self) -> None:
        """Take away what a test left behind."""
        with self.client() as client:
            left = [module.index for module in client.module_list() if "rtvc_" in (module.argument or "")]
            unload_modules(client, left[::-1])

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send a signal to the server, such as SIGSTOP to make it hang."""
        assert self._process is not None
        self._process.send_signal(number)

    def client(self) -> "pulsectl.Pulse":
        """Connect to the server."""
        import pulsectl

        return pulsectl.Pulse("rtvc tests", server=self.address)
