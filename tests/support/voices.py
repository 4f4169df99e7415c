"""Voices of made-up recordings, and what a library holds."""

from pathlib import Path

import soundfile

from rtvc.voices.library import VoiceLibrary
from tests.support.sounds import babble


def own(library: VoiceLibrary) -> list[str]:
    return [voice.name for voice in library.list() if voice.folder is not None]


def record(path: Path, seconds: float = 5.0, rate: int = 48_000, level: float = 1.0) -> Path:
    soundfile.write(path, babble(seconds, rate) * level, rate)
    return path
