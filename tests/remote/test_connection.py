"""What a connection sends along, and when it counts as lost, with a link that always stands."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from rtvc.dsp.stage import Block
from rtvc.remote import connection
from rtvc.remote.connection import SENT_NAME, Connection
from rtvc.remote.link import Address
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import VoiceLibrary
from tests.support.voices import record
from tests.support.waiting import until


class StandingLink:
    """Takes everything, and gives sound."""

    opened: ClassVar[list[tuple[Settings, Any]]] = []
    told: ClassVar[list[Settings]] = []

    def __init__(self, address: Address, track: object, on_block: Callable[[Block], object]) -> None:
        self.alive = True
        self.reception = SimpleNamespace(order=SimpleNamespace(received=1), heard=time.monotonic())

    async def open(self, settings: Settings, voice: Any = None) -> None:  # noqa: ANN401
        self.opened.append((settings, voice))

    def send(self, settings: Settings) -> None:
        self.told.append(settings)

    def ping(self) -> None:
        self.reception.heard = time.monotonic()

    async def close(self) -> None:
        pass


class Following:
    """A connection with such links, and the settings that it follows."""

    def __init__(self, settings: Settings, library: VoiceLibrary) -> None:
        self.settings = settings
        self.connection = Connection(Address("http://localhost"), lambda: self.settings, lambda block: None, library)
        self.connection.start()
        until(lambda: self.connection.receiving)


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Settings], Following]:
    monkeypatch.setattr(connection, "Link", StandingLink)
    monkeypatch.setattr(StandingLink, "opened", [])
    monkeypatch.setattr(StandingLink, "told", [])
    return lambda settings: Following(settings, VoiceLibrary(tmp_path / "voices"))


Follow = Callable[[Settings], Following]


def test_another_voice_of_this_computer_is_sent_along_without_the_server_being_lost(
    follow: Follow, tmp_path: Path
) -> None:
    following = follow(Settings(voice="Willow"))
    lost: list[bool] = []
    following.settings = Settings(voice=str(record(tmp_path / "mine.wav")))

    def arrived() -> bool:
        lost.append(following.connection.lost)
        return len(StandingLink.opened) == 2 and following.connection.receiving

    until(arrived)
    following.connection.stop()
    assert not any(lost)
    assert [settings.voice for settings, _ in StandingLink.opened] == ["Willow", SENT_NAME]


@pytest.mark.parametrize("name", ["Speech (final).wav", "it's me.wav", "Willow.wav"])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_no_name_of_a_file_leaves_this_computer(follow: Follow, tmp_path: Path, name: str, strength: float) -> None:
    mine = str(record(tmp_path / name))
    following = follow(Settings(voice=mine, map=MapChoice(strength=strength)))
    following.settings = replace(following.settings, mute=True)
    until(lambda: StandingLink.told)
    following.connection.stop()
    ((settings, sent),) = StandingLink.opened
    assert settings.voice == sent["name"] == StandingLink.told[-1].voice == SENT_NAME


def test_a_voice_whose_recording_was_changed_is_sent_again_but_one_of_the_server_is_not(
    follow: Follow, tmp_path: Path
) -> None:
    mine = record(tmp_path / "mine.wav")
    following = follow(Settings(voice="Willow"))
    following.connection.send_voice_again()
    until(lambda: len(StandingLink.told) == 1)
    following.settings = Settings(voice=str(mine))
    until(lambda: len(StandingLink.opened) == 2 and following.connection.receiving)
    record(mine, 3)
    following.connection.send_voice_again()
    until(lambda: len(StandingLink.opened) == 3 and following.connection.receiving)
    following.connection.stop()
    before, after = (sent["recording"] for _, sent in StandingLink.opened[1:])
    assert before != after


def test_a_link_that_falls_silent_is_lost(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    following = follow(Settings(voice="Willow"))
    monkeypatch.setattr(connection, "LOST_SECONDS", -1.0)
    until(lambda: following.connection.lost)
    assert "Connection to the server lost" in following.connection.trouble
    following.connection.stop()
