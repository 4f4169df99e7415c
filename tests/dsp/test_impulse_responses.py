"""Convolution with synthetic rooms and with recordings of the user's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtvc.app.effects import add_impulse, find_effects
from rtvc.dsp import impulse_responses
from rtvc.dsp.effects import CONVOLUTION, Effect, Rack
from rtvc.dsp.effects_stage import Board, Effects
from rtvc.dsp.impulse_responses import ROOMS, impulse_names, impulse_response
from rtvc.errors import RtvcError
from rtvc.live.background_boards import BackgroundBoards
from rtvc.settings import Settings
from tests.support.sounds import write
from tests.support.waiting import until

RATE = 48_000
NOISE = (0.1 * np.random.default_rng(1).standard_normal(RATE)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's recordings."""
    monkeypatch.setattr(impulse_responses, "user_data_path", lambda *names, **options: tmp_path)
    return tmp_path / "impulses"


def rack(impulse: str, mix: float = 1.0) -> Rack:
    return Rack("", (Effect(CONVOLUTION, (("mix", mix),), impulse=impulse),))


def test_the_result_is_the_convolution_as_loud_as_the_voice() -> None:
    response = impulse_response("Room", RATE)
    expected = np.convolve(NOISE, response)[: len(NOISE)]
    result = Effects(RATE, rack("Room")).process(NOISE)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert np.std(result[RATE // 2 :]) == pytest.approx(np.std(NOISE), rel=0.1)
    half = Effects(RATE, rack("Room", 0.5)).process(NOISE)
    np.testing.assert_allclose(half, (NOISE + expected) / 2, atol=1e-5)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_room_is_the_same_at_every_rate_and_dies_away(room: str, rate: int) -> None:
    response = impulse_response(room, rate)
    assert len(response) == pytest.approx(ROOMS[room] * rate, abs=1)
    early, late = (np.std(part) for part in (response[: rate // 20], response[-rate // 20 :]))
    assert 20 * np.log10(early / late) > 40


def test_a_recording_of_the_user_is_added_and_used(tmp_path: Path, folder: Path) -> None:
    late = np.zeros(4_410, np.float32)
    late[441] = 0.25
    assert add_impulse(write(tmp_path / "Cellar.wav", late, 44_100)) == "Cellar.wav"
    assert impulse_names() == [*ROOMS, "Cellar.wav"]
    stage = Effects(RATE, boards=BackgroundBoards())
    stage.rack = rack("Cellar.wav")
    silence, click = np.zeros(960, np.float32), np.zeros(9_600, np.float32)
    click[4_000] = 0.5
    stage.process(silence)
    until(lambda: bool(np.argmax(np.abs(stage.process(click))) == 4_480))
    with pytest.raises(RtvcError, match="already exists"):
        add_impulse(tmp_path / "Cellar.wav")


@pytest.mark.parametrize("name", ["Attic.wav", "../secret.wav", "/etc/passwd", "room", "C:\\hall.wav"])
def test_what_is_not_in_the_folder_is_refused_by_name(name: str, tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    write(tmp_path / "secret.wav", NOISE, RATE)
    uses: list[Callable[[], object]] = [
        lambda: Board(RATE, rack(name)),
        lambda: Settings(effects=rack(name)).check_libraries(),
    ]
    for use in uses:
        with pytest.raises(RtvcError, match=r"There is no impulse response .*choose one of Room, Church"):
            use()
    board = Board(RATE, rack(name), live=True)
    assert "There is no impulse response" in board.problem
    np.testing.assert_array_equal(board.process(NOISE), NOISE)


def test_recordings_that_are_no_impulse_responses_are_refused(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "noise.wav").write_bytes(b"no sound")
    write(folder / "silent.wav", np.zeros(100, np.float32), RATE)
    write(folder / "long.wav", np.ones(88_000, np.float32), 8_000)
    for name, reason in (
        ("noise", "cannot be read"),
        ("silent", "contains no impulse response"),
        ("long", "lasts longer than 10 s"),
    ):
        with pytest.raises(RtvcError, match=reason):
            impulse_response(f"{name}.wav", RATE)
        with pytest.raises(RtvcError, match=reason.replace("cannot be", "is not audio that can be")):
            add_impulse(folder / f"{name}.wav")


def test_a_file_of_effects_names_its_impulse_response(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"effects": [{"effect": "convolution", "impulse": "Church", "mix": 1.0}]}')
    assert find_effects(str(path)).effects == rack("Church").effects
    path.write_text('{"effects": [{"effect": "convolution", "impulse": "../x.wav"}]}')
    with pytest.raises(RtvcError, match="There is no impulse response"):
        find_effects(str(path))


def test_only_impulse_responses_that_are_heard_have_to_be_there(folder: Path) -> None:
    gone = Effect(CONVOLUTION, impulse="gone.wav", active=False)
    Settings(effects=Rack("", (gone, Effect("gain")))).check_libraries()
    with pytest.raises(RtvcError, match="no impulse response"):
        Settings(effects=Rack("", (replace(gone, active=True),))).check_libraries()
