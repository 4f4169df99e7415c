"""The engine inside Discord: a page in headless Chromium takes "RTVC Microphone" and hears the converted voice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from rtvc.devices.live_port import LivePort
from rtvc.devices.portaudio import PULSE, DeviceIdentity
from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.live.engine import Engine
from rtvc.live.snapshot import State
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from tests.support.browser import BROWSER, RATE, SECONDS, recording_browser
from tests.support.packs import identity_pack
from tests.support.pulse import FAKE_MICROPHONE, PulseServer, played
from tests.support.sounds import babble
from tests.support.waiting import until

pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="needs Chromium (apt install chromium)"),
    pytest.mark.skipif(shutil.which("pacat") is None, reason="needs 'pacat' (apt install pulseaudio-utils)"),
]


@pytest.fixture
def engine(pulse: PulseServer, tmp_path: Path) -> Iterator[Engine]:
    pack: ModelPack = identity_pack(tmp_path / "pack")
    voice = tmp_path / "voice.wav"
    soundfile.write(voice, 0.3 * babble(5, RATE, seed=7), RATE)
    settings = Settings(voice=str(voice), gate_threshold_dbfs=None)
    microphone = DeviceIdentity(PULSE, f"{FAKE_MICROPHONE}.monitor")
    with VirtualMicrophone() as virtual:
        live = Engine(pack, LivePort(microphone, virtual_microphone=virtual), settings)
        live.start()
        try:
            until(lambda: live.snapshot().state != State.STARTING, seconds=60)
            assert live.snapshot().state == State.RUNNING
            yield live
        finally:
            live.stop()


@pytest.fixture
def speech(pulse: PulseServer, tmp_path: Path) -> Iterator[None]:
    soundfile.write(tmp_path / "speech.wav", babble(60, RATE), RATE)
    with played(tmp_path / "speech.wav", pulse.address):
        yield


def correlations(heard: Block, sent: Block) -> list[float]:
    """Return, for each 0.1 s of `heard`, its highest normalised correlation with any stretch of `sent`."""
    size = 1600
    norms = np.sqrt(np.maximum(correlate(sent**2, np.ones(size, np.float32), "valid"), 0)) + 1e-3
    pieces = heard[: len(heard) // size * size].reshape(-1, size)
    return [
        float(np.max(np.abs(correlate(sent, piece, "valid")) / norms) / (np.linalg.norm(piece) + 1e-9))
        for piece in pieces
    ]


@pytest.mark.usefixtures("speech")
def test_a_page_lists_the_microphone_and_records_the_converted_voice(
    pulse: PulseServer, engine: Engine, tmp_path: Path
) -> None:
    engine.start_recording(tmp_path / "in.wav", tmp_path / "out.wav")
    with recording_browser(tmp_path, pulse.address) as page:
        piece = page.piece()
    assert any(label.startswith(DESCRIPTION) for label in page.labels)
    engine.stop_recording()
    recorded, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    heard, sent = resample(piece, RATE, 16_000), resample(recorded, rate, 16_000)
    # In pieces of 0.1 s, clocks that differ by 1000 ppm still give 0.65, and other noise gives 0.12. A gap on a busy
    # machine spoils single pieces, so most of them have to match.
    assert np.median(correlations(heard, sent)) > 0.5
    assert np.median(correlations(babble(SECONDS, 16_000, seed=9), sent)) < 0.3
