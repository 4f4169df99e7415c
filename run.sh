#!/bin/sh
# Everything that a fresh machine needs, and the commands of the README:
#   sh run.sh demo | test | check | install | benchmark | release
# Creates .venv next to this file and installs pinned Python packages. Missing Debian packages are installed as root or
# through sudo without a password, and named otherwise.
set -eu
cd "$(dirname "$0")"

PYTHON=${PYTHON:-python3}
AUDIO="libportaudio2 libasound2-plugins"
QT="libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0 libgssapi-krb5-2 fonts-dejavu-core"
# Qt needs these on an X11 desktop only.
X11="libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
    libxcb-xkb1 libxkbcommon-x11-0"
SERVER="pulseaudio pulseaudio-utils"

# Install the Debian packages that are missing, or name them in one line. Newer releases add t64 to some names.
debian() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q "ok installed" ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        may=""
    elif sudo -n true 2>/dev/null; then
        may="sudo"
    else
        echo "These Debian packages are missing; install them and run this again: apt-get install$missing" >&2
        exit 1
    fi
    echo "Installing Debian packages:$missing"
    $may apt-get update -qq >/dev/null
    $may env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# Create the virtual environment and install this project with the named extras.
environment() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "rtvc needs Python 3.11 or newer; $PYTHON is older: set PYTHON to a newer one." >&2
        exit 1
    }
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        debian "python$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$1]"
}

# Add RNNoise, for noise suppression, without the list of its package: PyAV and Matplotlib, 60 MB that rtvc never loads.
rnnoise() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps pyrnnoise ||
        echo "RNNoise has no wheel for this system: rtvc runs without noise suppression." >&2
}

case "${1:-}" in
install)
    debian $AUDIO $QT $X11
    environment gui
    rnnoise
    echo "Installed. Start the panel with: .venv/bin/rtvc gui"
    ;;
demo)
    environment picture
    .venv/bin/python -m rtvc.cli demo
    echo "For the microphone, first run: sh run.sh install. The command is then .venv/bin/rtvc."
    ;;
benchmark)
    environment benchmark
    rnnoise
    # Its own list names a package that has no wheel and one that Python has outgrown.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps Resemblyzer
    echo "Installed. List the benchmarks with: .venv/bin/rtvc bench --help"
    ;;
check)
    environment gui,export,picture,dev
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy rtvc gui export models tests
    # POSIX calls that Windows or macOS lack must stand behind a test of the platform.
    for system in win32 darwin; do
        .venv/bin/mypy --platform $system --no-warn-unreachable --cache-dir .mypy_cache/$system rtvc gui
    done
    ;;
release)
    # Wheel, source distribution and this system's bundle in dist/; --wheel-only leaves the bundle out.
    debian $AUDIO $QT binutils
    shift
    "$PYTHON" packaging/release.py "$@"
    ;;
test)
    debian $AUDIO $QT $SERVER
    environment gui,export,picture,cluster,dev
    rnnoise
    shift
    # The whole suite runs in several processes (tests/conftest.py); a part of it starts sooner without.
    [ $# -gt 0 ] || set -- -n auto --dist worksteal
    .venv/bin/python -m pytest --durations 15 "$@"
    ;;
*)
    echo "usage: sh run.sh demo | test | check | install | benchmark | release" >&2
    exit 2
    ;;
esac
