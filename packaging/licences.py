"""Write the licences of every package of this environment into one file: python licences.py FILE.

Run in the environment that a bundle is made of, so that the file names what the bundle holds, and nothing else.
"""

from __future__ import annotations

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
    licence = (
        about.get("License-Expression") or ", ".join(classifiers) or (about.get("License") or "").partition("\n")[0]
    )
    head = f"{about['Name']} {package.version}\nLicence: {licence or 'see below'}\n"
    return "\n".join([RULE, head, *texts(package)])


def main() -> None:
    """Write the file."""
    kept = [package for package in distributions() if package.metadata["Name"].lower() not in TOOLS]
    entries = [entry(package) for package in sorted(kept, key=lambda one: one.metadata["Name"].lower())]
    python = (
        f"{RULE}\nPython {sys.version.partition(' ')[0]}\nLicence: PSF-2.0, https://docs.python.org/3/license.html\n"
    )
    Path(sys.argv[1]).write_text("\n".join([*entries, python]), encoding="utf-8")
    print(f"{sys.argv[1]}: {len(entries) + 1} packages")


if __name__ == "__main__":
    main()
