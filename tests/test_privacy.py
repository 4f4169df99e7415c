"""Nothing leaves the machine: no entry point writes outside rtvc's folders, looks up a name or opens a connection."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtvc.packs.pack import embedded_packs
from tests.support.sounds import babble, write

ROOT = Path(__file__).parent.parent
RTVC = [sys.executable, "-m", "rtvc.cli"]
ASSETS = embedded_packs().parent
VOICE = ASSETS / "voices" / "willow.flac"

OPENS = "from rtvc.packs.pack import find_pack; find_pack('mini').encoder()"
WORKER = f"""
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(exec, {OPENS!r}).result()
"""
PANEL = """
from PyQt6.QtCore import QTimer
from gui import application
from gui.main_window import MainWindow

show = MainWindow.show

def show_briefly(window):
    show(window)
    QTimer.singleShot(2000, window.quit)

MainWindow.show = show_briefly
application.run()
"""
CONVERT = ["convert", "said.wav", "--voice", str(VOICE), "-o", "converted.wav"]
LIVE = ["live", "--input", "said.wav", "--output-file", "live.wav", "--voice", str(VOICE)]
OWN_FOLDERS = re.compile(r"(\.local/share|\.cache|\.config|\.local/state)/rtvc(/|$)")
# Qt's font library keeps an index of the installed fonts; it is no record of use.
FONTS = re.compile(r"\.cache/fontconfig(/|$)")


def environment(home: Path) -> dict[str, str]:
    """The environment of a user without any folders yet, whose shell switches the telemetry on."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "ORT_", "PULSE_", "DISPLAY", "WAYLAND_"))
    }
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    return {
        **kept,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": str(ROOT),
        "ORT_DISABLE_TELEMETRY": "0",
        "QT_QPA_PLATFORM": "offscreen",
    }


def run(command: list[str], home: Path, folder: Path) -> None:
    done = subprocess.run(command, env=environment(home), cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "worker.py").write_text(WORKER)
    write(tmp_path / "work" / "said.wav", babble(1.5, 16_000), 16_000)
    return tmp_path / "work"


@pytest.mark.parametrize(
    "command",
    [
        [*RTVC, "--help"],
        [*RTVC, "models", "list"],
        [*RTVC, "bench", "throughput", "--minutes", "0.02", "--threads", "1"],
        [sys.executable, "-c", OPENS],
        [sys.executable, "worker.py"],
        [sys.executable, "-c", "import export.quantisation"],
    ],
    ids=["help", "models", "bench", "library", "worker process", "exporter"],
)
def test_nothing_is_written_outside_the_folders_of_rtvc(command: list[str], home: Path, folder: Path) -> None:
    if "import export.quantisation" in command:
        pytest.importorskip("onnx", reason="needs the extra 'export' (onnx)")
    run(command, home, folder)
    assert strange_files(home) == []


def strange_files(home: Path) -> list[str]:
    files = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    return [path for path in files if not (OWN_FOLDERS.search(path) or FONTS.search(path))]


def test_telemetry_is_off_where_onnx_runtime_was_imported_before_rtvc(home: Path, folder: Path) -> None:
    # Its API takes no effect that Python could read, so the call is what is observed.
    asked = "import onnxruntime; called = []; onnxruntime.disable_telemetry_events = lambda: called.append(True)"
    run([sys.executable, "-c", f"{asked}; import rtvc.packs.runtime; assert called"], home, folder)


@pytest.mark.parametrize(
    "command", [[*RTVC, *CONVERT], [*RTVC, *LIVE], [sys.executable, "-c", PANEL]], ids=["convert", "live", "gui"]
)
def test_nothing_is_written_and_no_name_is_looked_up(command: list[str], home: Path, folder: Path) -> None:
    if PANEL in command:
        pytest.importorskip("PyQt6", reason="needs the extra 'gui' (PyQt6)")
    trace = folder / "trace"
    calls = "trace=connect,sendto,sendmsg,sendmmsg,socket,openat"
    watched = shutil.which("strace") is not None
    watch = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", calls, "-o", str(trace)] if watched else []
    run([*watch, *command], home, folder)
    assert strange_files(home) == []
    if not watched:
        pytest.skip("who is connected to shows only with the program 'strace' (apt install strace)")
    lines = trace.read_text(errors="replace").splitlines()
    assert any("openat(" in line for line in lines)
    internet = [line for line in lines if re.search(r"AF_INET6?\b", line)]
    # The resolver's configuration is read before any name is looked up.
    resolver = [line for line in lines if re.search(r'"/etc/(resolv\.conf|nsswitch\.conf|hosts)"', line)]
    assert internet + [line for line in resolver if "nsswitch" not in line] == []
