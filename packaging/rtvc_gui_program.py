"""The bundle's `rtvc-gui`, which has no terminal on Windows and macOS."""

import bundled  # isort: skip  # prepares the frozen process before anything of rtvc is imported

from rtvc.cli import panel

if __name__ == "__main__":
    bundled.begin()
    bundled.windowed(panel)
