"""Convert a recording into a voice: python examples/convert_file.py speech.wav converted.wav Willow."""

import sys

import rtvc


def main(source: str, output: str, voice: str = "Willow") -> None:
    """Convert `source` and write `output`."""
    outcome = rtvc.convert_file(source, output, voice, overwrite=True)
    for warning in outcome.warnings:
        print(warning)
    print(f"{outcome.duration:.1f} s converted in {outcome.elapsed:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
