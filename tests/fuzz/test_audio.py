"""Damaged audio files are read or refused in one sentence: no other exception, no hang, bounded memory."""

import io
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.errors import RtvcError
from rtvc.voices.analysis import read_recordings
from tests.support.mutate import mutants
from tests.support.sounds import babble

FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("AIFF", "PCM_16"),
    ("MP3", "MPEG_LAYER_III"),
]


@pytest.mark.filterwarnings("error")  # An exception in a callback of libsndfile prints a traceback, and only warns.
@pytest.mark.parametrize(("container", "subtype"), FORMATS)
@pytest.mark.parametrize("count", [60, pytest.param(2_000, marks=pytest.mark.fuzz)])
def test_damaged_audio_is_read_or_refused(tmp_path: Path, container: str, subtype: str, count: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, babble(0.5, 16_000), 16_000, format=container, subtype=subtype)
    path = tmp_path / "a.audio"
    refused = []
    tracemalloc.start()
    for damaged in mutants(file.getvalue(), count, within=200):
        path.write_bytes(damaged)
        started = time.monotonic()
        try:
            audio, rate = read_recordings([path])
            assert 8_000 <= rate <= 48_000
            assert np.isfinite(audio).all()
        except RtvcError as error:
            refused.append(str(error))
        assert time.monotonic() - started < 10
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500e6
    assert refused
    assert all(sentence.startswith(str(path)) and sentence.isprintable() for sentence in refused)
