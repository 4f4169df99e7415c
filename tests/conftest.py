import os
import shutil
from collections.abc import Iterator

import pytest

from tests.support.pulse import PulseServer

# Before Qt is imported: no window opens.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


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
