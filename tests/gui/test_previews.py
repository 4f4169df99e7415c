"""Hearing references and previews."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.previews import Playing
from rtvc.errors import RtvcError
from tests.support.panel import (
    LEFT,
    FakeBackend,
    FakePlayer,
    QTest,
)


def test_hearing_the_reference_and_stopping(qtbot: QtBot, window: MainWindow, player: FakePlayer) -> None:
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.play, LEFT)
    qtbot.waitUntil(lambda: player.sound is not None)
    assert window.session.previews.voice == "Amber"
    assert card.playing
    QTest.mouseClick(card.play, LEFT)
    assert player.sound is None
    assert not card.playing


def test_something_else_of_the_same_voice_replaces_what_plays(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    card, previews = window.live.voices.gallery.cards["Amber"], window.session.previews
    QTest.mouseClick(card.play, LEFT)
    qtbot.waitUntil(lambda: player.sound is not None)
    QTest.mouseClick(card.preview, LEFT)
    qtbot.waitUntil(lambda: ("preview", "Amber") in backend.heard and previews.state is Playing.SOUNDING)
    previews.hear_myself(window.session.voices.find("Amber"))
    assert previews.state is Playing.RECORDING
    previews.hear_myself(window.session.voices.find("Amber"))
    qtbot.waitUntil(lambda: previews.state is Playing.NOTHING)


def test_without_an_output_no_preview_is_prepared(
    window: MainWindow, backend: FakeBackend, player: FakePlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise RtvcError("There is no output to play on.")

    monkeypatch.setattr(player, "rate", refuse)
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.preview, LEFT)
    assert window.toast.message.text() == "There is no output to play on."
    assert not card.playing
    assert ("preview", "Amber") not in backend.heard


def test_hearing_a_preview_to_its_end(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    cards = window.live.voices.gallery.cards
    QTest.mouseClick(cards["Amber"].play, LEFT)
    qtbot.waitUntil(lambda: player.sound is not None)
    QTest.mouseClick(cards["Bernard"].preview, LEFT)
    assert not cards["Amber"].playing
    # It comes at the player's rate: the window waits for no resampling.
    qtbot.waitUntil(lambda: player.sound is not None and player.sound.rate == player.rate())
    assert ("preview", "Bernard") in backend.heard
    player.finish()
    assert not cards["Bernard"].playing


def test_a_preview_with_a_long_fit_shows_progress_and_can_be_stopped(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, player: FakePlayer
) -> None:
    window.session.preferences.choose_transport("flow")
    card = window.live.voices.gallery.cards["Amber"]
    QTest.mouseClick(card.preview, LEFT)
    qtbot.waitUntil(lambda: "25%" in window.toast.message.text())
    QTest.mouseClick(card.play, LEFT)
    assert not card.playing
    assert player.sound is None
    QTest.mouseClick(card.preview, LEFT)
    backend.may_end.set()
    qtbot.waitUntil(lambda: player.sound is not None)
