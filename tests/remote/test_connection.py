"""What a connection sends along, and when it counts as lost, with links that stand unless they are told to fail."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.remote import connection
from rtvc.remote.connection import SENT_NAME, Connection
from rtvc.remote.link import Address, Unreachable
from rtvc.remote.protocol import Refusal
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.voices.library import VoiceLibrary
from tests.support.voices import record
from tests.support.waiting import until


class StandingLink:
    """Takes everything, and gives sound."""

    failures: ClassVar[list[RtvcError]] = []
    """What the next ones raise when they are opened."""

    opened: ClassVar[list[tuple[Settings, Any]]] = []
    told: ClassVar[list[Settings]] = []
    closed: ClassVar[list[bool]] = []
    """One for each message that is dropped because the channel is not open yet."""

    def __init__(self, address: Address, track: object, on_block: Callable[[Block], object]) -> None:
        self.alive, self.refused, self.accepted = True, "", Settings()
        self.reception = SimpleNamespace(order=SimpleNamespace(received=1), heard=time.monotonic())

    async def open(self, settings: Settings, voice: Any = None) -> None:  # noqa: ANN401
        if self.failures:
            raise self.failures.pop(0)
        self.opened.append((settings, voice))
        self.accepted = settings

    def send(self, settings: Settings) -> bool:
        if self.closed:
            self.closed.pop()
            return False
        self.told.append(settings)
        return True

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

    @property
    def link(self) -> StandingLink:
        link: Any = self.connection.link
        assert isinstance(link, StandingLink)
        return link


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Settings], Following]:
    monkeypatch.setattr(connection, "Link", StandingLink)
    monkeypatch.setattr(StandingLink, "failures", [])
    monkeypatch.setattr(StandingLink, "opened", [])
    monkeypatch.setattr(StandingLink, "told", [])
    return lambda settings: Following(settings, VoiceLibrary(tmp_path / "voices"))


Follow = Callable[[Settings], Following]


@pytest.mark.parametrize("full", [0, 1, 2])
def test_another_voice_of_this_computer_is_sent_along_without_the_server_being_lost(
    follow: Follow, tmp_path: Path, full: int
) -> None:
    """The session that was left may still take the only place of the server."""
    following = follow(Settings(voice="Willow"))
    StandingLink.failures += [Unreachable("All sessions of this server are in use.")] * full
    lost: list[bool] = []
    following.settings = Settings(voice=str(record(tmp_path / "mine.wav")))

    def arrived() -> bool:
        lost.append(following.connection.lost)
        return len(StandingLink.opened) == 2 and following.connection.receiving

    until(arrived)
    following.connection.stop()
    assert not any(lost)
    assert [settings.voice for settings, _ in StandingLink.opened] == ["Willow", SENT_NAME]


def test_settings_that_change_while_a_session_opens_are_told_once_it_takes_them(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = follow(Settings(voice="Willow"))
    monkeypatch.setattr(StandingLink, "closed", [True, True])
    following.settings = Settings(voice="Alder")
    until(lambda: StandingLink.told)
    following.connection.stop()
    assert [settings.voice for settings in StandingLink.told] == ["Alder"]


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


def test_a_server_that_goes_while_it_gets_another_voice_is_lost_in_the_end(
    follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "START_SECONDS", 0.3)
    following = follow(Settings(voice="Willow"))
    StandingLink.failures += [Unreachable("The server does not answer.")] * 9
    following.settings = Settings(voice=str(record(tmp_path / "mine.wav")))
    until(lambda: following.connection.rejoining)
    until(lambda: following.connection.lost)
    assert following.connection.trouble == "The server does not answer: trying again."
    following.connection.stop()


def test_settings_that_are_refused_after_a_loss_leave_the_last_ones_that_were_taken(follow: Follow) -> None:
    following = follow(Settings(voice="Willow"))
    following.settings = Settings(voice="Alder")
    until(lambda: len(StandingLink.told) == 1)
    following.link.accepted = following.settings
    following.settings = Settings(voice="nobody")
    until(lambda: len(StandingLink.told) == 2)
    StandingLink.failures += [Refusal("The server has no such voice."), Unreachable("The server does not answer.")]
    following.link.alive = False
    until(lambda: len(StandingLink.opened) == 2 and following.connection.receiving)
    assert not following.connection.failure
    assert following.link.refused == "The server has no such voice."
    assert len(StandingLink.told) == 2
    following.settings = Settings(voice="Birch")
    until(lambda: len(StandingLink.told) == 3)
    following.connection.stop()
    assert [settings.voice for settings, _ in StandingLink.opened] == ["Willow", "Alder"]


def test_a_voice_of_this_computer_that_is_refused_leaves_the_one_before_until_it_is_changed(
    follow: Follow, tmp_path: Path
) -> None:
    following = follow(Settings(voice="Willow"))
    StandingLink.failures.append(Refusal("mine: holds no speech."))
    mine = str(record(tmp_path / "mine.wav"))
    lost: list[bool] = []

    def arrived() -> bool:
        lost.append(following.connection.lost)
        return len(StandingLink.opened) == 2 and following.connection.receiving

    following.settings = Settings(voice=mine)
    until(arrived)
    assert not any(lost)
    assert following.link.refused == "mine: holds no speech."
    following.settings = Settings(voice=mine, output_gain_db=-3)
    time.sleep(0.1)
    following.connection.send_voice_again()
    until(lambda: len(StandingLink.opened) == 3)
    following.connection.stop()
    assert not StandingLink.told  # The session did not have the voice.
    assert [settings.voice for settings, _ in StandingLink.opened] == ["Willow", "Willow", SENT_NAME]


def test_a_recording_that_can_no_longer_be_read_leaves_the_voice_before(follow: Follow, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.wav"
    damaged.write_text("no sound")
    following = follow(Settings(voice="Willow"))
    following.settings = Settings(voice=str(damaged))
    until(lambda: len(StandingLink.opened) == 2 and following.connection.receiving)
    following.connection.stop()
    assert "damaged.wav" in following.link.refused
    assert [settings.voice for settings, _ in StandingLink.opened] == ["Willow", "Willow"]


def test_a_server_that_no_longer_takes_the_token_is_trouble_and_is_tried_again(follow: Follow) -> None:
    following = follow(Settings(voice="Willow"))
    StandingLink.failures.append(RtvcError("The token is missing or wrong."))
    following.link.alive = False
    until(lambda: "token" in following.connection.trouble)
    following.settings = Settings(voice="Alder")
    until(lambda: len(StandingLink.opened) == 2 and following.connection.receiving)
    following.connection.stop()
    assert not following.link.refused
    assert StandingLink.opened[-1][0].voice == "Alder"


def test_a_link_that_falls_silent_is_lost(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    following = follow(Settings(voice="Willow"))
    monkeypatch.setattr(connection, "LOST_SECONDS", -1.0)
    until(lambda: following.connection.lost)
    assert "The server is lost" in following.connection.trouble
    following.connection.stop()
