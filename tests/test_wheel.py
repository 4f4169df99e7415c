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
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, sources / name)
    # pip builds the wheel and installs it; what is imported is compiled then.
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    subprocess.run([*pip, "--no-deps", "--target", str(installed), str(sources)], check=True)

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
