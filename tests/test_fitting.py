import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.converter import unchanged
from rtvc.fitting import MapFitter, MapWish, Speaker, fit_map
from rtvc.pack import ModelPack
from rtvc.stage import Block
from rtvc.statistics import FeatureSet
from rtvc.voices import VoiceLibrary
from tests.packs import identity_pack
from tests.sounds import babble


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"), hop=160)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, babble(5, 16_000, seed=7), 16_000)
    return str(path)


def frames(pack: ModelPack, seconds: float, seed: int) -> Block:
    """Features of a speaker who differs from the population in every mean and every deviation."""
    random = np.random.default_rng(seed)
    traits = np.random.default_rng(99)
    dim, count = pack.feature_dim, round(seconds * pack.frame_rate)
    centre, spread = traits.normal(0, 0.05, dim), traits.uniform(0.01, 0.2, dim)
    made = (centre + spread * random.standard_normal((count, dim))).astype(np.float32)
    assert pack.roles.pitch is not None
    assert pack.roles.voicing is not None
    made[:, pack.roles.pitch] = random.normal(4.6, 0.2, count)
    made[:, pack.roles.voicing] = random.integers(0, 2, count)
    return made


def test_within_ten_seconds_the_online_map_comes_near_that_of_the_whole_recording(
    pack: ModelPack, voice: str
) -> None:
    target = VoiceLibrary().open(voice).features(pack)
    whole = frames(pack, 60, seed=1)
    best = fit_map(pack, FeatureSet.of(whole, roles=pack.roles), target, "mkl", {"block_size": 1})
    speaker = Speaker(pack)
    probe = frames(pack, 5, seed=2)
    wanted = best(probe)
    errors = []
    for heard in (slice(0, 0), slice(0, 1), slice(1, 10)):
        rows = whole[heard.start * pack.frame_rate : heard.stop * pack.frame_rate]
        speaker(rows, np.ones(len(rows), bool))
        online = fit_map(pack, speaker.features(), target, "mkl", {"block_size": 1})
        errors.append(float(np.sqrt(np.mean((online(probe) - wanted) ** 2) / np.mean(wanted**2))))
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.2 * errors[0]


def test_silence_teaches_nothing(pack: ModelPack) -> None:
    speaker = Speaker(pack)
    before = speaker.features().statistics
    made = frames(pack, 3, seed=1)
    speaker(made, np.zeros(len(made), bool))
    np.testing.assert_array_equal(speaker.features().statistics.mean, before.mean)
    assert speaker.speech_frames == 0


def test_an_enrolled_speaker_is_learnt_no_more_until_the_enrolment_is_taken_back(pack: ModelPack) -> None:
    made = frames(pack, 3, seed=1)
    enrolled = FeatureSet.of(made, roles=pack.roles)
    speaker = Speaker(pack, enrolled)
    speaker(made, np.ones(len(made), bool))
    assert speaker.features() is enrolled
    version = speaker.version
    speaker(made, np.ones(len(made), bool))
    assert speaker.version == version
    speaker.enrolled = None
    speaker(made, np.ones(len(made), bool))
    assert speaker.speech_frames == len(made)


class Counting(VoiceLibrary):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened = 0

    def open(self, name: str) -> object:  # type: ignore[override]
        self.opened += 1
        return super().open(name)


def test_a_map_is_fitted_once_for_each_wish_and_each_second_of_speech(
    pack: ModelPack, voice: str, tmp_path: Path
) -> None:
    library, speaker = Counting(tmp_path), Speaker(pack)
    fitter = MapFitter(pack, speaker, library)
    wish = MapWish(voice, "mkl", None)
    maps = []
    for seed in range(3):
        fitter.ask(wish)
        fitter.work()
        maps.append(fitter.transport)
        fitter.work()
        assert fitter.transport is maps[-1]
        made = frames(pack, 1, seed)
        speaker(made, np.ones(len(made), bool))
    assert len({id(one) for one in maps}) == 3
    assert library.opened == 1
    fitter.ask(MapWish("", "mkl", None))
    fitter.work()
    assert fitter.transport is unchanged


def test_what_cannot_be_fitted_is_said_and_the_map_stays(pack: ModelPack, voice: str) -> None:
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.ask(MapWish(voice, "mkl", None))
    fitter.work()
    transport = fitter.transport
    for wish, words in (
        (MapWish("nobody", "mkl", None), "no voice 'nobody'"),
        (MapWish(voice, "magic", None), "no transport named 'magic'"),
        (MapWish("/nowhere.wav", "mkl", None), "no such file"),
        (MapWish(voice, "mkl", 0), "block size"),
    ):
        fitter.ask(wish)
        fitter.work()
        assert words in fitter.trouble
        assert fitter.transport is transport
    fitter.ask(MapWish(voice, "mkl", 1))
    fitter.work()
    assert fitter.trouble == ""


def test_the_thread_fits_what_is_asked_and_ends(pack: ModelPack, voice: str) -> None:
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.start()
    fitter.ask(MapWish(voice, "mkl", None))
    waited = threading.Event()
    for _ in range(500):
        if fitter.transport is not unchanged:
            break
        waited.wait(0.01)
    assert fitter.transport is not unchanged
    fitter.stop()
    assert "rtvc map fitter" not in {thread.name for thread in threading.enumerate()}
