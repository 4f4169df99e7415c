from importlib.resources import files
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from rtvc.app.effects import RACKS
from rtvc.audio_file import AudioFile
from rtvc.dsp.effects import Rack
from rtvc.dsp.effects_stage import Effects

RATE = 48_000


@pytest.mark.parametrize("rack", RACKS.values(), ids=RACKS)
def test_a_rack_is_as_loud_as_the_plain_voice_and_does_not_clip(rack: Rack) -> None:
    voice = AudioFile(Path(str(files("rtvc"))) / "assets" / "demo" / "source.flac").read(RATE)
    changed = Effects(RATE, rack).process(voice)
    meter = pyloudnorm.Meter(RATE)
    assert meter.integrated_loudness(changed) == pytest.approx(meter.integrated_loudness(voice), abs=1)
    assert np.abs(changed).max() < 1
