"""The bundle's `rtvc`."""

import bundled  # isort: skip  # prepares the frozen process before anything of rtvc is imported

from rtvc.cli import main

if __name__ == "__main__":
    bundled.begin()
    main()
