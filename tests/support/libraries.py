"""Tests of what a library does that rtvc can run without."""

import pytest

from rtvc.dsp.noise_suppression import load_rnnoise
from rtvc.errors import RtvcError


def needs_rnnoise() -> None:
    """Skip the test where RNNoise is not installed."""
    try:
        load_rnnoise()
    except RtvcError as missing:
        pytest.skip(str(missing))
