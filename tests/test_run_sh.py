"""What run.sh finds out about the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN_SH = Path(__file__).parent.parent / "run.sh"

DPKG_QUERY = """
shift 3
for package in "$@"; do
    case " $INSTALLED " in *" $package "*) echo "install ok installed" ;; *) unknown=1 ;; esac
done
[ -z "${unknown:-}" ]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(
    ("installed", "missing"),
    [
        ("libgl1 libglib2.0-0", ""),
        ("libgl1 libglib2.0-0t64", ""),  # Ubuntu 24.04 and Debian 13
        ("libglib2.0-0t64", " libgl1"),
        ("", " libgl1 libglib2.0-0"),
    ],
)
def test_debian_packages_count_as_installed_under_their_newer_names(
    tmp_path: Path, installed: str, missing: str
) -> None:
    for name, body in {"dpkg-query": DPKG_QUERY, "id": "echo 1000", "sudo": "exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    text = RUN_SH.read_text(encoding="utf-8")
    function = text[text.index("debian() {") : text.index("\n}\n") + 3]
    ended = subprocess.run(
        ["sh", "-euc", f'{function}debian "$@"', "run.sh", "libgl1", "libglib2.0-0"],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "INSTALLED": installed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == (1 if missing else 0)
    assert ended.stderr.strip().endswith(f"apt-get install{missing}" if missing else "")
