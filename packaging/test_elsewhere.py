"""Run the demo and the tests on Windows and macOS, as `sh run.sh demo` and `sh run.sh test` do on Linux.

    python packaging/test_elsewhere.py [PYTEST OPTIONS]

Makes .venv beside the checkout's files. The tests that need PulseAudio skip themselves. Nobody has run this outside a
hosted runner yet.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Make the environment, then run the demo and the tests in it."""
    venv.create(ROOT / ".venv", with_pip=True)
    python = ROOT / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ["pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    for command in (
        [*install, "-e", ".[gui,export,picture,dev]"],
        ["rtvc.cli", "demo"],
        ["pytest", *sys.argv[1:]],
    ):
        code = subprocess.run([python, "-m", *command], cwd=ROOT).returncode
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
