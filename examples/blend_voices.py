"""Convert a recording into three blends of two voices: python examples/blend_voices.py speech.wav FOLDER."""

import sys
from pathlib import Path

import rtvc


def main(source: str, folder: str) -> None:
    """Write one file for each blend into `folder`."""
    pack = rtvc.open_pack("mini")
    for percent in (25, 50, 75):
        voice = rtvc.open_voice(f"Willow:{percent / 100},Alder:{1 - percent / 100}")
        rtvc.convert_file(source, Path(folder) / f"willow-{percent}.wav", voice, pack=pack, overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
