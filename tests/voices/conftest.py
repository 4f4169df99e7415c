"""A library of voices in a folder of the test's own."""

from pathlib import Path

import pytest

from rtvc.voices.library import VoiceLibrary


@pytest.fixture
def library(tmp_path: Path) -> VoiceLibrary:
    return VoiceLibrary(tmp_path / "voices")
