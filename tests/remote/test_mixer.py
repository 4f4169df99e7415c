import numpy as np

from rtvc.benchmark.loops import PacedPort
from rtvc.remote.mixer import Mixer
from rtvc.remote.peer import BLOCK, RATE
from rtvc.settings import Settings
from tests.support.sounds import babble


def test_a_muted_microphone_is_heard_here_and_not_sent() -> None:
    port = PacedPort(RATE)
    mixer, sound = Mixer(port), babble(1, RATE)
    for first in range(0, 10 * BLOCK, BLOCK):
        port.capture.push(sound[first : first + BLOCK])
        blocks = mixer.microphone(Settings(mute=True))
        assert blocks is not None
        heard, sent = blocks
        np.testing.assert_array_equal(heard, sound[first : first + BLOCK])
        assert not sent.any()
