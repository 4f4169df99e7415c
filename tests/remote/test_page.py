"""The page in a real Chromium with a fake microphone, driven by keys and clicks through ChromeDriver."""

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rtvc.benchmark.clicks import PERIOD_SECONDS, click_delays, click_train, find_clicks
from rtvc.packs.pack import ModelPack
from rtvc.remote.access import Access
from tests.support.remote import LocalWorkers, local_server
from tests.support.waiting import until

RATE = 48_000
TOKEN = "t" * 40
DRIVER = shutil.which("chromedriver") or ""
BROWSER = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), "")

pytestmark = pytest.mark.skipif(
    not (DRIVER and BROWSER), reason="needs Chromium and its driver (apt install chromium chromium-driver)"
)

KEEP_MICROPHONE = """
const devices = navigator.mediaDevices, original = devices.getUserMedia.bind(devices);
devices.getUserMedia = async wanted => window.microphone = await original(wanted);
"""
RECORD = """
const context = new AudioContext({sampleRate: 48000}), processor = context.createScriptProcessor(4096, 1, 1);
window.heard = [];
processor.onaudioprocess = event => window.heard.push(...event.inputBuffer.getChannelData(0));
for (const stream of [window.microphone, document.getElementById("player").srcObject]) {
  context.createMediaStreamSource(stream).connect(processor);
}
processor.connect(context.destination);
"""


class Browser:
    """A browser that does what W3C WebDriver commands say."""

    def __init__(self, port: int, microphone: Path, profile: Path) -> None:
        self.url = f"http://127.0.0.1:{port}/session"
        options = {
            "binary": BROWSER,
            "args": [
                *("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"),
                *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        }
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        self.url += "/" + self.command("", {"capabilities": capabilities})["sessionId"]

    def command(self, path: str, values: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        data = None if values is None else json.dumps(values).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=60) as answer:
            return json.load(answer)["value"]

    def script(self, text: str) -> Any:  # noqa: ANN401
        return self.command("/execute/sync", {"script": text, "args": []})

    def text(self, name: str) -> str:
        return str(self.script(f"return document.getElementById('{name}').textContent"))

    def element(self, name: str) -> str:
        found = self.command("/element", {"using": "css selector", "value": f"#{name}"})
        return f"/element/{next(iter(found.values()))}"

    def keys(self, name: str, keys: str) -> None:
        self.command(f"{self.element(name)}/value", {"text": keys})

    def click(self, name: str) -> None:
        self.command(f"{self.element(name)}/click", {})

    def name_and_role(self, name: str) -> tuple[str, str]:
        """What a screen reader is told of an element."""
        element = self.element(name)
        return self.command(f"{element}/computedlabel"), self.command(f"{element}/computedrole")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    sound = tmp_path / "clicks.wav"
    blocks = click_train(RATE, round(PERIOD_SECONDS * RATE))
    soundfile.write(sound, next(blocks), RATE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        started = Browser(port, sound, tmp_path / "profile")
        yield started
        started.script("window.stop()")
        urllib.request.urlopen(urllib.request.Request(started.url, method="DELETE"), timeout=60).close()
    finally:
        driver.terminate()
        driver.wait()


def test_somebody_with_a_keyboard_connects_and_is_heard(pack: ModelPack, browser: Browser) -> None:
    with local_server(LocalWorkers(pack), Access(TOKEN)) as url:
        browser.command("/url", {"url": url})
        until(lambda: "token" in browser.text("status"))
        assert browser.name_and_role("token")[0] == "Token"
        browser.script(KEEP_MICROPHONE)
        browser.keys("token", TOKEN + "\ue007")  # and Enter
        until(lambda: "new voice" in browser.text("status"), 30)
        assert "Willow" in browser.text("voice")
        browser.click("bypass")  # the changed voice of clicks is no click
        assert browser.script("return document.getElementById('bypass').ariaPressed") == "true"
        browser.script(RECORD)
        until(lambda: browser.script("return window.heard.length") > 5 * RATE, 30)
        heard = np.array(browser.script("return window.heard"), np.float32)
        delays = click_delays(find_clicks(heard, RATE))
        assert len(delays) >= 1
        assert all(0.03 < one.delay < 1 for one in delays)
        assert browser.text("delay").endswith(" ms")
        assert "Jitter buffer" in browser.text("parts")
        assert browser.name_and_role("power") == ("Disconnect", "button")
        assert browser.name_and_role("input")[0] == "Microphone"
        assert browser.name_and_role("voice")[0] == "Voice"
        browser.keys("power", " ")
        until(lambda: browser.text("status") == "Off.")
        log = [entry["message"] for entry in browser.command("/se/log", {"type": "browser"})]
        # The first question went without the token.
        assert [line for line in log if "401" not in line and "ScriptProcessor" not in line] == []
