"""Tests of what a library does that rtvc can run without."""

import pytest

from rtvc.dsp.noise_suppression import load_rnnoise
from rtvc.dsp.plugins import installed_plugins
from rtvc.errors import RtvcError


def needs_rnnoise() -> None:
    """Skip the test where RNNoise is not installed."""
    try:
        load_rnnoise()
    except RtvcError as missing:
        pytest.skip(str(missing))


def needs_plugin(name: str) -> None:
    """Skip the test where this plug-in is not installed."""
    if name not in installed_plugins():
        pytest.skip(f"the plug-in {name} is not installed: apt-get install zam-plugins")
