"""Run the live engine and follow it with a callback: python examples/live_engine.py MICROPHONE OUTPUT Willow."""

import sys
from collections.abc import Callable

import rtvc
from rtvc.live.snapshot import Snapshot


def main(microphone: str, output: str, voice: str = "Willow") -> None:
    """Convert from one device to the other (parts of their names) until Ctrl-C."""
    engine = rtvc.open_live(rtvc.LiveSetup(microphone, output), rtvc.Settings(voice=voice))
    follow(
        engine, lambda now: print(f"{now.state}: {now.latency.total_seconds * 1000:.0f} ms {now.message}", end="\r")
    )


def follow(engine: rtvc.Engine, callback: Callable[[Snapshot], None]) -> None:
    """Run the engine, and hand its state to the callback ten times a second."""
    engine.start()
    try:
        while not engine.wait(0.1):
            callback(engine.snapshot())
    finally:
        engine.stop()
    callback(engine.snapshot())


if __name__ == "__main__":
    main(*sys.argv[1:])
