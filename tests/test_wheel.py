"""The wheel holds all that it needs: installed outside the checkout, it converts the demo and draws the panel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGED = ("rtvc", "gui", "export", "models", "pyproject.toml", "README.md", "LICENSE")


def test_an_installed_wheel_converts_and_opens_the_panel(tmp_path: Path) -> None:
    # Built from a copy: setuptools would keep deleted modules in the checkout's build folder.
    sources, installed, work = (tmp_path / name for name in ("sources", "installed", "work"))
    sources.mkdir()
    work.mkdir()
    for name in PACKAGED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, sources / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(sources)], check=True)
    (wheel,) = tmp_path.glob("rtvc-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(installed), str(wheel)], check=True)

    def rtvc(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(work), "QT_QPA_PLATFORM": "offscreen"}
        program = "import rtvc, sys; print(rtvc.__file__); from rtvc.cli import main; main()"
        command = [sys.executable, "-P", "-c", program, *arguments]
        ended = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert rtvc("demo").startswith(str(installed))
    assert (work / "output" / "demo.wav").stat().st_size > 100_000
    rtvc("gui", "--measure", "1")
    assert not list(installed.rglob("test_*.py"))
