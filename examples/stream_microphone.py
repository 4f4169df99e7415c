"""Hear yourself in another voice, through headphones: python examples/stream_microphone.py Willow. Ctrl-C ends it."""

import sys

import sounddevice

import rtvc

RATE = 48_000
BLOCK = RATE // 50


def main(voice: str = "Willow") -> None:
    """Convert the default microphone and play it, block by block."""
    convert = rtvc.StreamingConverter(voice, RATE)
    print(f"The voice comes {convert.latency * 1000:.0f} ms late, and the devices' delay on top.")
    with sounddevice.Stream(samplerate=RATE, blocksize=BLOCK, channels=1, dtype="float32") as stream:
        try:
            while True:
                block, _ = stream.read(BLOCK)
                stream.write(convert(block))
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
