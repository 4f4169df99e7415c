"""Write the licences of all that a bundle holds into one file: python licences.py FILE LIBRARIES.

Run in the environment that the bundle is made of: its packages are listed, and the Debian packages of the system's
libraries that the file LIBRARIES names, one path a line.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

TOOLS = {"pip", "setuptools", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "macholib", "pefile"}
NAMES = ("licen", "copying", "notice", "authors")
RULE = "=" * 78


def texts(package: Distribution) -> list[str]:
    """Return the licence files that a package came with."""
    found = [path for path in package.files or () if path.name.lower().startswith(NAMES)]
    return [Path(str(path.locate())).read_text(encoding="utf-8", errors="replace") for path in found]


def entry(package: Distribution) -> str:
    """Return a package's name, version, licence and licence texts."""
    about = package.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if "License ::" in line]
    named = about.get_all("License-Expression", []) + classifiers + about.get_all("License", [])
    licence = named[0].partition("\n")[0] if named else "see below"
    head = f"{about['Name']} {package.version}\nLicence: {licence}\n"
    return "\n".join([RULE, head, *texts(package)])


def system_entries(libraries: list[str]) -> list[str]:
    """Return the licences of the Debian packages that libraries belong to; none on other systems."""
    if shutil.which("dpkg-query") is None:
        return []
    entries = []
    packages = set()
    for path in filter(None, libraries):
        # A library is also known by its place before /lib became a link to /usr/lib.
        named = [path, str(Path(path).resolve()), path.removeprefix("/usr")]
        found = subprocess.run(["dpkg-query", "--search", *named], capture_output=True, text=True).stdout
        packages |= {line.partition(":")[0] for line in found.splitlines()[:1]}
    for package in sorted(packages):
        texts = Path("/usr/share/doc") / package / "copyright"
        entries.append(f"{RULE}\n{package} (Debian)\n\n{texts.read_text(encoding='utf-8', errors='replace')}")
    return entries


def main() -> None:
    """Write the file."""
    kept = [package for package in distributions() if package.metadata["Name"].lower() not in TOOLS]
    entries = [entry(package) for package in sorted(kept, key=lambda one: one.metadata["Name"].lower())]
    python = (
        f"{RULE}\nPython {sys.version.partition(' ')[0]}\nLicence: PSF-2.0, https://docs.python.org/3/license.html\n"
    )
    entries += [python, *system_entries(Path(sys.argv[2]).read_text(encoding="utf-8").split("\n"))]
    Path(sys.argv[1]).write_text("\n".join(entries), encoding="utf-8")
    print(f"{sys.argv[1]}: {len(entries)} packages")


if __name__ == "__main__":
    main()
