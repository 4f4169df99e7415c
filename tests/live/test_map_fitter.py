import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtvc.features import FeatureSet
from rtvc.live import map_fitter
from rtvc.live.map_fitter import NICENESS, MapFitter, MapRequest, Speaker
from rtvc.live.priority import Rank
from rtvc.packs.pack import ModelPack
from rtvc.transport import FITS, FITTED_ON_FRAMES, Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.transport.flow_matching import FlowTransport
from rtvc.transport.knn import NearestTransport
from rtvc.transport.mkl import AffineTransport
from rtvc.voices.library import VoiceLibrary
from tests.support.packs import identity_pack
from tests.support.sounds import babble
from tests.support.speakers import frames, speaker_set
from tests.support.transports import QUICK_FLOW, Endless
from tests.support.waiting import until


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ModelPack:
    return identity_pack(tmp_path_factory.mktemp("pack"), hop=160)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, babble(5, 16_000, seed=7), 16_000)
    return str(path)


def test_within_ten_seconds_the_online_map_comes_near_that_of_the_whole_recording(
    pack: ModelPack, voice: str
) -> None:
    target = VoiceLibrary().open(voice).features(pack)
    whole = frames(pack, 60, seed=1)
    best = fit_map(pack, FeatureSet.of(whole, roles=pack.roles), target, MapChoice(block_size=1))
    speaker = Speaker(pack)
    probe = frames(pack, 5, seed=2)
    wanted = best(probe)
    errors = []
    for heard in (slice(0, 0), slice(0, 1), slice(1, 10)):
        rows = whole[heard.start * pack.frame_rate : heard.stop * pack.frame_rate]
        speaker(rows, np.ones(len(rows), bool))
        online = fit_map(pack, speaker.features(), target, MapChoice(block_size=1))
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


def test_a_map_is_fitted_once_for_each_request_and_each_second_of_speech(
    pack: ModelPack, voice: str, tmp_path: Path
) -> None:
    library, speaker = Counting(tmp_path), Speaker(pack)
    fitter = MapFitter(pack, speaker, library)
    request = MapRequest(voice, MapChoice())
    maps = []
    for seed in range(3):
        fitter.ask(request)
        fitter.work()
        maps.append(fitter.transport)
        fitter.work()
        assert fitter.transport is maps[-1]
        made = frames(pack, 1, seed)
        speaker(made, np.ones(len(made), bool))
    assert len({id(one) for one in maps}) == 3
    assert library.opened == 1
    fitter.ask(MapRequest("", MapChoice()))
    fitter.work()
    assert "No voice is chosen" in fitter.error
    assert fitter.transport is maps[-1]


def test_a_voice_whose_recording_was_changed_is_fitted_again_to_an_enrolled_speaker_too(
    pack: ModelPack, tmp_path: Path
) -> None:
    path = tmp_path / "voice.wav"
    request = MapRequest(str(path), MapChoice())
    fitter = MapFitter(pack, Speaker(pack, speaker_set(pack, 1)), VoiceLibrary(tmp_path))
    offsets = []
    for seed in (7, 8):
        soundfile.write(path, babble(5, 16_000, seed=seed), 16_000)
        fitter.ask(request)
        fitter.work()
        assert isinstance(fitter.transport, AffineTransport)
        offsets.append(fitter.transport.offset)
        fitter.read_voices_again()
    assert not np.allclose(offsets[0], offsets[1])


def test_what_cannot_be_fitted_is_said_and_the_map_stays(pack: ModelPack, voice: str) -> None:
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.ask(MapRequest(voice, MapChoice()))
    fitter.work()
    transport = fitter.transport
    for request, words in (
        (MapRequest("nobody", MapChoice()), "no voice 'nobody'"),
        (MapRequest(voice, MapChoice("magic")), "no transport named 'magic'"),
        (MapRequest("/nowhere.wav", MapChoice()), "no such file"),
        (MapRequest(voice, MapChoice(block_size=0)), "block size"),
    ):
        fitter.ask(request)
        fitter.work()
        assert words in fitter.error
        assert fitter.transport is transport
    fitter.ask(MapRequest(voice, MapChoice(block_size=1)))
    fitter.work()
    assert fitter.error == ""


def test_a_fault_of_the_program_is_said_and_the_next_request_is_met(
    pack: ModelPack, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "knn", lambda source, target: 1 / 0)
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.start()
    try:
        for transport, words in (("knn", "ZeroDivisionError"), ("mkl", "")):
            request = MapRequest(voice, MapChoice(transport))
            fitter.ask(request)
            until(partial(fitter.answered, request), 30)
            assert words in fitter.error
    finally:
        fitter.stop()
    assert isinstance(fitter.transport, AffineTransport)
    assert fitter.error == ""


@pytest.mark.parametrize("chosen", ["", "nobody"])
def test_what_is_said_does_not_pile_up_where_no_voice_is_reached(
    pack: ModelPack, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = Speaker(pack)
    read: list[FeatureSet] = []
    features = speaker.features
    monkeypatch.setattr(speaker, "features", lambda: read.append(features()))
    fitter = MapFitter(pack, speaker, VoiceLibrary())
    for seed in range(3):
        speaker(frames(pack, 1, seed), np.ones(pack.frame_rate, bool))
        fitter.ask(MapRequest(chosen, MapChoice()))
        fitter.work()
    assert len(read) == 3


@pytest.mark.parametrize("transport", FITTED_ON_FRAMES)
def test_a_map_that_wants_an_enrolment_says_so_and_mkl_learns_on_until_there_is_one(
    pack: ModelPack, voice: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
    speaker = Speaker(pack)
    fitter = MapFitter(pack, speaker, VoiceLibrary())
    maps = []
    for seed in (1, 2):
        fitter.ask(MapRequest(voice, MapChoice(transport)))
        fitter.work()
        maps.append(fitter.transport)
        assert isinstance(fitter.transport, AffineTransport)
        assert "enrol with `rtvc enrol`, or choose the transport mkl or knn" in fitter.error
        speaker(frames(pack, 1, seed), np.ones(pack.frame_rate, bool))
    assert maps[0] is not maps[1]
    speaker.enrolled = speaker_set(pack)
    fitter.work()
    assert not isinstance(fitter.transport, AffineTransport)
    assert fitter.error == ""


def test_knn_needs_no_enrolment(pack: ModelPack, voice: str) -> None:
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.ask(MapRequest(voice, MapChoice("knn")))
    fitter.work()
    assert isinstance(fitter.transport, NearestTransport)
    assert fitter.error == ""


def test_a_new_enrolment_is_fitted_to(pack: ModelPack, voice: str) -> None:
    speaker = Speaker(pack, speaker_set(pack))
    fitter = MapFitter(pack, speaker, VoiceLibrary())
    maps = []
    for seed in (2, 2, 3):
        fitter.ask(MapRequest(voice, MapChoice()))
        fitter.work()
        maps.append(fitter.transport)
        if seed == 2 and len(maps) == 2:
            speaker.enrolled = speaker_set(pack, seed=3)
    assert maps[0] is maps[1]
    assert maps[1] is not maps[2]


@pytest.mark.parametrize("change", ["request", "enrolment", "stop"])
def test_a_long_fit_tells_its_progress_and_ends_when_nobody_waits_for_it(
    pack: ModelPack, voice: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Meanwhile the new voice is reached by MKL."""
    endless = Endless()
    monkeypatch.setitem(FITS, "flow", endless)
    speaker = Speaker(pack, speaker_set(pack))
    fitter = MapFitter(pack, speaker, VoiceLibrary())
    fitter.start()
    fitter.ask(MapRequest(voice, MapChoice("flow")))
    assert endless.begun.wait(60)
    told = fitter.progress
    assert told == 0.25
    meanwhile = fitter.transport
    assert isinstance(meanwhile, AffineTransport)
    request = MapRequest(voice, MapChoice("flow"))
    if change == "request":
        request = MapRequest(voice, MapChoice("knn"))
    elif change == "enrolment":
        monkeypatch.setitem(FITS, "flow", QUICK_FLOW)
        speaker.enrolled = speaker_set(pack, seed=2)
    if change != "stop":
        expected = NearestTransport if change == "request" else FlowTransport

        def fitted() -> bool:
            fitter.ask(request)
            return isinstance(fitter.transport, expected)

        until(fitted, 60)
    fitter.stop()
    assert fitter.progress is None
    assert fitter.error == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness of its own")
def test_a_long_fit_gives_way_to_everything_and_a_short_one_does_not(
    pack: ModelPack, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    niceness: dict[str, int] = {}

    def noting(name: str) -> Callable[..., Transport]:
        def note(source: FeatureSet, target: FeatureSet, **options: object) -> Transport:
            niceness[name] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            dim = pack.feature_dim
            return AffineTransport(np.eye(dim, dtype=np.float32), np.zeros(dim, np.float32))

        return note

    for name in ("mkl", "sinkhorn"):
        monkeypatch.setitem(FITS, name, noting(name))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.start()
    fitter.ask(MapRequest(voice, MapChoice("sinkhorn")))
    until(lambda: len(niceness) == 2)
    fitter.stop()
    assert niceness == {"mkl": own, "sinkhorn": min(19, own + NICENESS)}
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def test_only_a_fit_that_was_short_is_urgent_when_it_is_repeated(
    pack: ModelPack, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    class Recorded:
        def __init__(self, seconds: float, rank: Rank) -> None:
            events.append(f"urgent, {rank.name}")

        def give_up(self) -> None:
            events.append("given up")

        def stepped(self) -> None:
            events.append("stepped")

    monkeypatch.setattr(map_fitter, "Urgency", Recorded)
    speaker = Speaker(pack)
    fitter = MapFitter(pack, speaker, VoiceLibrary(), urgent=True)
    fitter.start()

    def seen(wanted: str) -> bool:
        return events[-1:] == [wanted]

    short, long = MapRequest(voice, MapChoice()), MapRequest(voice, MapChoice("flow"))
    made = frames(pack, 2, seed=1)
    for request, wanted in ((short, "urgent, FITTER"), (short, "stepped"), (long, "given up")):
        speaker(made, np.ones(len(made), bool))
        fitter.ask(request)
        until(partial(seen, wanted))
    until(lambda: fitter.error)  # this transport needs an enrolment
    fitter.stop()
    assert events == ["urgent, FITTER", "stepped", "given up"]


def test_the_more_speech_was_learnt_the_less_often_is_a_new_map_due(pack: ModelPack) -> None:
    speaker = Speaker(pack)
    second, fits = frames(pack, 1, seed=1), []
    for _ in range(600):
        before = speaker.version
        speaker(second, np.zeros(len(second), bool))
        assert speaker.version == before
        speaker(second, np.ones(len(second), bool))
        fits.append(speaker.version != before)
    assert all(fits[:20])
    assert 1 <= sum(fits[-60:]) <= 3


def test_the_thread_fits_what_is_asked_and_ends(pack: ModelPack, voice: str) -> None:
    fitter = MapFitter(pack, Speaker(pack), VoiceLibrary())
    fitter.start()
    fitter.ask(MapRequest(voice, MapChoice()))
    until(lambda: fitter.transport is not None)
    fitter.stop()
    assert "rtvc map fitter" not in {thread.name for thread in threading.enumerate()}
