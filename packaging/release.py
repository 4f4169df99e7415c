"""Build everything that people download, into dist/: python3 packaging/release.py [--help].

The wheel, the source distribution, and one bundle for the system this runs on: a folder that needs no Python. On
Linux the bundle becomes a .tar.gz and a .deb, on Windows a .zip and an installer (made by NSIS), on macOS a .zip.
SHA256SUMS stands beside them. Needs only Python: the tools are installed, pinned, into build/release. Every artefact
is tried before it counts as built. `--twice` builds everything again and says what differs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
DIST = ROOT / "dist"
TOOLS = ("build", "twine", "check-wheel-contents", "pyinstaller")
ICONS = {"win32": "rtvc.ico", "darwin": "rtvc.icns"}
EXTRAS = ("gui", "picture")
NVIDIA = "-nvidia"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
RELEASED = (
    os.environ.get("SOURCE_DATE_EPOCH")
    or subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
)
"""Seconds since 1970 that stand in the archives: those of the last commit, so that two builds of it are alike."""


def run(*command: str | Path, **environment: str) -> None:
    """Run a command in the checkout and end here if it fails."""
    print("$", *(Path(part).name if isinstance(part, Path) else part for part in command), flush=True)
    values = {**os.environ, "SOURCE_DATE_EPOCH": RELEASED, "PYTHONHASHSEED": "0", **environment}
    if subprocess.run([str(part) for part in command], cwd=ROOT, env=values).returncode:
        sys.exit(f"release: {command[0]} failed")


def environment(name: str) -> Path:
    """Make an empty virtual environment in build/release; return its Python."""
    folder = BUILD / name
    venv.create(folder, clear=True, with_pip=True)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def install(python: Path, *requirements: str) -> None:
    """Install pinned packages."""
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "-c", ROOT / "packaging" / "constraints.txt", "-c", ROOT / "constraints.txt", *requirements)


def extra_requirements(name: str) -> list[str]:
    """Return what an extra asks for, with the extras of this project that it names (`rtvc[effects]`) written out."""
    requirements: list[str] = []
    for line in PROJECT["optional-dependencies"][name]:
        own = re.fullmatch(r"rtvc\[(\w+)\]", line)
        requirements += extra_requirements(own[1]) if own else [line]
    return requirements


def runtime_requirements(nvidia: bool) -> list[str]:
    """Return what a bundle holds: the runtime and the panel, with ONNX Runtime for CPUs or for NVIDIA's GPUs."""
    wanted = [*PROJECT["dependencies"], *(line for extra in EXTRAS for line in extra_requirements(extra))]
    others = [line for line in wanted if not line.startswith("onnxruntime")]
    return [*others, "onnxruntime-gpu[cuda,cudnn]" if nvidia else "onnxruntime"]


def distributions(python: Path) -> Path:
    """Build and check the wheel and the source distribution; return the wheel."""
    run(python, "-m", "build", "--outdir", DIST, ROOT)
    wheel, source = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    make_steady(source)
    # W002: the same file twice; maps to one voice each carry its statistics, so that any of them works alone.
    # W009: more than one top-level package; their names are fixed by the owner of the project.
    run(python, "-m", "check_wheel_contents", "--ignore", "W002,W009", wheel)
    run(python, "-m", "twine", "check", "--strict", wheel, source)
    return wheel


def make_steady(archive: Path) -> None:
    """Pack a .tar.gz again, sorted, with the release's time and no owner: setuptools writes the time of the build."""
    with tarfile.open(archive) as tar:
        entries = [(entry, tar.extractfile(entry) if entry.isfile() else None) for entry in tar]
        contents = {entry.name: (entry, file.read() if file else b"") for entry, file in entries}
    with gzip.GzipFile(archive, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for _, (entry, content) in sorted(contents.items()):
            entry.mtime, entry.pax_headers = int(RELEASED), {}
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            tar.addfile(entry, io.BytesIO(content))


def try_program(*program: str | Path) -> None:
    """Convert the demo's recording and draw the panel, in a folder and a home of their own outside the checkout."""
    home = BUILD / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    run(*program, "demo", "--output", home / "demo", **own)
    run(*program, "gui", "--screenshots", home / "panel", **own)
    if not (home / "demo" / "demo.wav").exists() or not list((home / "panel").glob("*.png")):
        sys.exit("release: the program left no recording or no picture")


def bundle(wheel: Path, nvidia: bool, tried: bool) -> Path:
    """Build the folder that needs no Python, with the licences of all that it holds; return it."""
    python = environment("bundle-nvidia" if nvidia else "bundle")
    install(python, "pyinstaller", *runtime_requirements(nvidia))
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    if subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "pyrnnoise"]).returncode:
        print("release: RNNoise has no wheel for this system; the bundle has no noise suppression")
    icon = BUILD / ICONS[sys.platform] if sys.platform in ICONS else None
    if icon is not None:
        run(python, ROOT / "packaging" / "icon.py", ROOT / "gui/images/rtvc.svg", icon)
    folders = ("--distpath", BUILD / "bundles", "--workpath", BUILD / "work", "--noconfirm")
    specification = ROOT / "packaging" / "rtvc.spec"
    given = {"RTVC_SYSTEM_LIBRARIES": str(BUILD / "system-libraries.txt"), "RTVC_ICON": str(icon or "")}
    # -P: the installed wheel, not the checkout beside it.
    run(python, "-P", "-m", "PyInstaller", *folders, "--log-level", "WARN", specification, **given)
    folder = BUILD / "bundles" / "rtvc"
    run(python, ROOT / "packaging" / "licences.py", folder / "LICENCES.txt", given["RTVC_SYSTEM_LIBRARIES"])
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE.txt")
    for part in ("docs", "examples"):
        shutil.copytree(ROOT / part, folder / "documentation" / part)
    for page in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "models/training/README.md"):
        (folder / "documentation" / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, folder / "documentation" / page)
    if tried:
        program = folder / ("rtvc.exe" if sys.platform == "win32" else "rtvc")
        try_program(program)
        began = time.monotonic()
        run(program, "--version")
        print(f"{program}: {size(folder) / 2**20:.0f} MiB, starts in {time.monotonic() - began:.1f} s")
    return folder


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def packed(folder: Path, name: str) -> None:
    """Pack a bundle for the system this runs on."""
    if sys.platform == "darwin":
        # Of the app's links, Python's own zip would hold copies.
        run("ditto", "-c", "-k", "--keepParent", beside_app(folder, BUILD / name), DIST / f"{name}.zip")
        return
    if sys.platform == "win32":
        shutil.make_archive(str(DIST / name), "zip", folder.parent, folder.name)
        installer(folder, DIST / f"{name}-setup.exe")
        return
    steady = ["--sort=name", f"--mtime=@{RELEASED}", "--owner=0", "--group=0", "--numeric-owner"]
    compressed: list[str | Path] = ["--use-compress-program=gzip -n", "-cf", DIST / f"{name}.tar.gz"]
    run("tar", *steady, "-C", folder.parent, *compressed, folder.name)
    if not name.endswith(NVIDIA):  # Two packages of one name would replace each other.
        debian(folder, DIST / f"{name}.deb")


def beside_app(folder: Path, target: Path) -> Path:
    """Move the app of a bundle for macOS into a folder with its licences and documentation; return that folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / "documentation", target / "documentation")
    for page in ("LICENSE.txt", "LICENCES.txt"):
        shutil.copy(folder / page, target / page)
    (folder.parent / "rtvc.app").rename(target / "rtvc.app")
    return target


def installer(folder: Path, target: Path) -> None:
    """Make Windows' installer of a bundle; needs NSIS (makensis)."""
    definitions = {"VERSION": VERSION, "BUNDLE": folder, "OUTPUT": target}
    given = [f"-D{name}={value}" for name, value in definitions.items()]
    run("makensis", "-V2", *given, ROOT / "packaging" / "windows" / "rtvc.nsi")


def debian(folder: Path, target: Path) -> None:
    """Pack a bundle as a Debian package: programs, a menu entry, an icon, and a word on what an uninstall leaves."""
    tree = BUILD / "debian"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(folder, tree / "usr/lib/rtvc", symlinks=True)
    (tree / "usr/bin").mkdir(parents=True)
    for program in ("rtvc", "rtvc-gui"):
        (tree / "usr/bin" / program).symlink_to(f"../lib/rtvc/{program}")
    places = {
        "packaging/linux/rtvc.desktop": "usr/share/applications/rtvc.desktop",
        "gui/images/rtvc.svg": "usr/share/icons/hicolor/scalable/apps/rtvc.svg",
        "LICENSE": "usr/share/doc/rtvc/copyright",
    }
    for source, place in places.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, tree / place)
    control = tree / "DEBIAN"
    control.mkdir()
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    (control / "control").write_text(
        f"Package: rtvc\nVersion: {VERSION}\nArchitecture: {architecture.stdout.strip()}\n"
        f"Installed-Size: {size(folder) // 1024}\nSection: sound\nPriority: optional\n"
        "Maintainer: The rtvc developers <rtvc@localhost>\n"
        f"Depends: {', '.join(run_sh_packages('AUDIO', 'QT', 'X11'))}\nRecommends: pulseaudio | pipewire-pulse\n"
        f"Description: {PROJECT['description']}\n"
        " Speak, and be heard in Discord, OBS or a game as someone else. Runs on the CPU.\n",
        encoding="utf-8",
    )
    after = control / "postrm"
    after.write_text(
        '#!/bin/sh\nset -e\n[ "$1" != remove ] || echo "rtvc: your voices, enrolments and settings stay in'
        ' ~/.local/share/rtvc and ~/.config/rtvc; delete them if you want them gone."\n',
        encoding="utf-8",
    )
    after.chmod(0o755)
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "--build", tree, target)


def run_sh_packages(*names: str) -> list[str]:
    """Return the Debian packages that run.sh installs under the names of its lists."""
    text = (ROOT / "run.sh").read_text(encoding="utf-8")
    lists = [re.search(rf'^{name}="([^"]*)"', text, re.MULTILINE) for name in names]
    return [package for found in lists if found for package in found[1].split()]


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 digest of each file in a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def members(archive: Path) -> dict[str, str]:
    """Return the SHA-256 digest of each file in an archive; empty for a format that Python cannot open."""
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as tar:
            files = {entry.name: tar.extractfile(entry) for entry in tar if entry.isfile()}
            return {name: hashlib.sha256(file.read()).hexdigest() for name, file in files.items() if file}
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            return {name: hashlib.sha256(zipped.read(name)).hexdigest() for name in zipped.namelist()}
    return {}


def compare(first: Path, second: Path) -> bool:
    """Say which files of two builds differ, and what inside them does; return whether all are the same."""
    before, after = digests(first), digests(second)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            print(f"identical  {name}")
            continue
        print(f"DIFFERS    {name}")
        inside, again = members(first / name), members(second / name)
        for member in sorted(inside.keys() | again.keys()):
            if inside.get(member) != again.get(member):
                print(f"           {member}")
    return before == after


def check_tag(tag: str) -> None:
    """Refuse a tag unless the version, the changelog and the README agree with it."""
    headings = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if tag != f"v{VERSION}":
        sys.exit(f"release: the tag is {tag}, but pyproject.toml says {VERSION}")
    if not re.search(rf"^## {re.escape(VERSION)} \(\d{{4}}-\d\d-\d\d\)$", headings, re.MULTILINE):
        sys.exit(f"release: CHANGELOG.md has no section '## {VERSION} (YYYY-MM-DD)'")
    if not re.search(rf"describe\s+version\s+{re.escape(VERSION)}\.(\s|$)", readme):
        sys.exit(f"release: README.md lacks the sentence '… describe version {VERSION}.', without 'not released yet'")


def build(arguments: argparse.Namespace, tried: bool) -> None:
    """Build everything into an empty dist/, and try it if wanted."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    tools = environment("tools")
    install(tools, *TOOLS[:3])
    wheel = distributions(tools)
    if tried:
        empty = environment("wheel")
        install(empty, *runtime_requirements(nvidia=False))
        run(empty, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
        try_program(empty, "-P", "-m", "rtvc.cli")
    if not arguments.wheel_only:
        system = f"{platform.system().lower()}-{platform.machine().lower()}"
        packed(bundle(wheel, nvidia=False, tried=tried), f"rtvc-{VERSION}-{system}")
        if arguments.nvidia:
            packed(bundle(wheel, nvidia=True, tried=tried), f"rtvc-{VERSION}-{system}{NVIDIA}")
    lines = [f"{digest}  {name}\n" for name, digest in digests(DIST).items()]
    (DIST / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    print("".join(lines), end="")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nvidia", action="store_true", help="also build the bundle for NVIDIA's GPUs (GBs)")
    parser.add_argument("--wheel-only", action="store_true", help="build and try the wheel, and no bundle")
    parser.add_argument("--twice", action="store_true", help="build again and fail if one byte differs")
    parser.add_argument("--tag", help="refuse to build unless this tag is the version that the files name")
    arguments = parser.parse_args()
    if arguments.tag:
        check_tag(arguments.tag)
    build(arguments, tried=True)
    if arguments.twice:
        first = BUILD / "first"
        shutil.rmtree(first, ignore_errors=True)
        DIST.rename(first)
        build(arguments, tried=False)
        if not compare(first, DIST):
            sys.exit("release: two builds differ")


if __name__ == "__main__":
    main()
