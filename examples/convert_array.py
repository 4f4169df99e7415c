"""Convert samples in memory, half-way to the voice: python examples/convert_array.py speech.wav converted.wav."""

import sys

import soundfile

import rtvc


def main(source: str, output: str) -> None:
    """Read `source` as an array, convert it, and write `output`."""
    audio, rate = soundfile.read(source)
    half = rtvc.Conversion(rtvc.MapChoice(strength=0.5))
    converted = rtvc.convert_array(audio, rate, "Willow", conversion=half)
    soundfile.write(output, converted, rate)


if __name__ == "__main__":
    main(*sys.argv[1:])
