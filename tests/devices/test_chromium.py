"""The engine inside Discord: a page in headless Chromium takes "RTVC Microphone" and hears the converted voice."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
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
from tests.support.packs import identity_pack
from tests.support.pulse import FAKE_MICROPHONE, PulseServer
from tests.support.sounds import babble
from tests.support.waiting import until

RATE = 48_000
SECONDS = 2
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)

PAGE = """
<script>
const wanted = %s, seconds = %d;
const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
async function main() {
  (await navigator.mediaDevices.getUserMedia({audio: true})).getTracks().forEach(track => track.stop());
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(device => device.kind === "audioinput");
  const labels = devices.map(device => device.label);
  await fetch("/labels", {method: "POST", body: JSON.stringify(labels)});
  const id = devices.find(device => device.label.startsWith(wanted)).deviceId;
  const stream = await navigator.mediaDevices.getUserMedia({audio: {deviceId: {exact: id}, ...plain}});
  const context = new AudioContext({sampleRate: 48000});
  const processor = context.createScriptProcessor(4096, 1, 1);
  const heard = [];
  processor.onaudioprocess = event => {
    heard.push(...event.inputBuffer.getChannelData(0));
    if (heard.length > seconds * 48000 && processor.onaudioprocess) {
      processor.onaudioprocess = null;
      fetch("/sound", {method: "POST", body: new Float32Array(heard)});
    }
  };
  context.createMediaStreamSource(stream).connect(processor);
  processor.connect(context.destination);
}
main().catch(error => fetch("/error", {method: "POST", body: String(error)}));
</script>
"""

pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="needs Chromium (apt install chromium)"),
    pytest.mark.skipif(shutil.which("pacat") is None, reason="needs 'pacat' (apt install pulseaudio-utils)"),
]


class Page(HTTPServer):
    """Serves the page to a browser and keeps what it sends back."""

    def __init__(self) -> None:
        super().__init__(("localhost", 0), Handler)
        self.received: dict[str, bytes] = {}
        self.arrived = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((PAGE % (json.dumps(DESCRIPTION), SECONDS)).encode())

    def do_POST(self) -> None:
        self.server.received[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        if self.path in ("/sound", "/error"):
            self.server.arrived.set()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


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
    command = ["pacat", "--playback", f"--server={pulse.address}", f"--device={FAKE_MICROPHONE}", "--file-format=wav"]
    process = subprocess.Popen([*command, str(tmp_path / "speech.wav")], stderr=subprocess.DEVNULL)
    yield
    process.kill()
    process.wait()


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
    pulse: PulseServer, engine: Engine, page: Page, tmp_path: Path
) -> None:
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"http://localhost:{page.server_port}/",
    ]
    engine.start_recording(tmp_path / "in.wav", tmp_path / "out.wav")
    environment = os.environ | {"PULSE_SERVER": pulse.address, "HOME": str(tmp_path)}
    browser = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert page.arrived.wait(60), f"the page did not finish: {page.received}"
    finally:
        browser.kill()
        browser.wait()
    assert "/error" not in page.received, page.received["/error"].decode()
    assert any(label.startswith(DESCRIPTION) for label in json.loads(page.received["/labels"]))
    engine.stop_recording()
    sent, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    heard = resample(np.frombuffer(page.received["/sound"], np.float32), RATE, 16_000)
    # In pieces of 0.1 s, clocks that differ by 1000 ppm still give 0.65, and other noise gives 0.12. A gap on a busy
    # machine spoils single pieces, so most of them have to match.
    assert np.median(correlations(heard, sent)) > 0.5
    assert np.median(correlations(babble(SECONDS, 16_000, seed=9), sent)) < 0.3
