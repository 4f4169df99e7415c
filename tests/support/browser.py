"""A browser that records "RTVC Microphone" as Discord does, and sends what it hears back."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from rtvc.devices.virtual_cable import DESCRIPTION
from rtvc.dsp.stage import Block

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
  let heard = [];
  processor.onaudioprocess = event => {
    heard.push(...event.inputBuffer.getChannelData(0));
    if (heard.length > seconds * 48000) {
      fetch("/sound", {method: "POST", body: new Float32Array(heard)});
      heard = [];
    }
  };
  context.createMediaStreamSource(stream).connect(processor);
  processor.connect(context.destination);
}
main().catch(error => fetch("/error", {method: "POST", body: String(error)}));
</script>
"""


class Page(HTTPServer):
    """Serves the page to a browser and keeps what it sends back: the microphones, pieces of sound, or an error."""

    def __init__(self) -> None:
        super().__init__(("localhost", 0), Handler)
        self.labels: list[str] = []
        self._answers: SimpleQueue[Block | str] = SimpleQueue()

    def take(self, kind: str, content: bytes) -> None:
        """Keep what the page sends."""
        if kind == "/labels":
            self.labels = json.loads(content)
        else:
            self._answers.put(np.frombuffer(content, np.float32) if kind == "/sound" else content.decode())

    def piece(self, seconds: float = 60) -> Block:
        """Return the next piece of sound that the page has recorded, at 48 kHz; wait so long for it."""
        answer = self._answers.get(timeout=seconds)
        assert not isinstance(answer, str), answer
        return answer


class Handler(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((PAGE % (json.dumps(DESCRIPTION), SECONDS)).encode())

    def do_POST(self) -> None:
        self.server.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def recording_browser(folder: Path, server: str) -> Iterator[Page]:
    """Open the page in a headless browser on a sound server."""
    with Page() as page:
        thread = threading.Thread(target=page.serve_forever, daemon=True)
        thread.start()
        command = [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-ui-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={folder / 'profile'}",
            f"http://localhost:{page.server_port}/",
        ]
        environment = os.environ | {"PULSE_SERVER": server, "HOME": str(folder)}
        browser = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield page
        finally:
            browser.kill()
            browser.wait()
            page.shutdown()
            thread.join()
