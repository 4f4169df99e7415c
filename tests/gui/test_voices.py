"""The voice gallery: choose, add, hear, rename, delete, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QApplication, QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.options import Options
from gui.view.voices import blend_name, two_voices, voice_words
from gui.widgets.voice_card import VoiceCard
from rtvc.app.voices import AddedVoice, Sound
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Voice
from tests.support.panel import (
    LEFT,
    FakeBackend,
    FakePlayer,
    QTest,
    choose,
    open_window,
    press,
    settings,
    switch_on,
)


def test_choosing_a_voice(qtbot: QtBot, window: MainWindow) -> None:
    cards = window.live.voices.gallery.cards
    assert list(cards) == ["Grandfather", "Amber", "Bernard"]
    assert cards["Grandfather"].isChecked(), "the first voice is chosen where none was"
    QTest.mouseClick(cards["Bernard"], LEFT)
    assert settings(window).voice == "Bernard"
    assert [name for name, card in cards.items() if card.isChecked()] == ["Bernard"]
    QTest.mouseClick(cards["Bernard"], LEFT)
    assert cards["Bernard"].isChecked()
    cards["Amber"].setFocus()
    QTest.keyClick(cards["Amber"], Qt.Key.Key_Return)
    assert settings(window).voice == "Amber"


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, modifiers))


def test_a_dropped_recording_becomes_the_chosen_voice(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path
) -> None:
    drop(window, tmp_path / "my_uncle.wav", tmp_path / "letter.txt")
    qtbot.waitUntil(lambda: "my uncle" in window.live.voices.gallery.cards)
    assert backend.library.own == ["Grandfather", "my uncle"]
    assert settings(window).voice == "my uncle"


def test_an_unusable_recording_is_refused_in_one_sentence(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    drop(window, tmp_path / "silent.wav")
    qtbot.waitUntil(lambda: "no speech" in window.toast.message.text())
    assert list(window.live.voices.gallery.cards) == ["Grandfather", "Amber", "Bernard"]


def test_deleting_can_be_undone(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    card = window.live.voices.gallery.cards["Grandfather"]
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert "Grandfather" not in window.live.voices.gallery.cards
    assert settings(window).voice == "Amber"
    QTest.mouseClick(window.toast.action, LEFT)
    assert "Grandfather" in window.live.voices.gallery.cards
    assert settings(window).voice == "Grandfather"
    assert backend.library.own == ["Grandfather"]


def test_a_failure_does_not_replace_the_undo_message(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    QTest.keyClick(window.live.voices.gallery.cards["Grandfather"], Qt.Key.Key_Delete)
    window.session.failed.emit("The headset was disconnected.")
    window.session.noticed.emit("Amber is ready.")
    QTest.mouseClick(window.toast.action, LEFT)
    assert backend.library.own == ["Grandfather"]
    assert "Grandfather" in window.live.voices.gallery.cards
    assert window.toast.isVisible()
    assert window.toast.message.text() == "The headset was disconnected.", "it waited"
    window.session.noticed.emit("Amber is ready.")
    assert window.toast.message.text() == "Amber is ready."


@pytest.mark.parametrize("settle", [lambda window: window.toast.dismiss.click(), lambda window: window.close()])
def test_a_deletion_is_settled_once_it_cannot_be_undone(
    window: MainWindow, backend: FakeBackend, settle: Callable[[MainWindow], None]
) -> None:
    window.live.voices.gallery.cards["Grandfather"].delete_wanted.emit("Grandfather")
    assert backend.library.own == ["Grandfather"]
    settle(window)
    assert backend.library.own == []


def test_shipped_voices_cannot_be_deleted(qtbot: QtBot, window: MainWindow) -> None:
    card = window.live.voices.gallery.cards["Amber"]
    assert card.delete_action is not None
    assert not card.delete_action.isEnabled()
    QTest.keyClick(card, Qt.Key.Key_Delete)
    assert "Amber" in window.live.voices.gallery.cards


def test_renaming(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("Uncle", True))
    window.session.preferences.change(voice="Grandfather")
    rename = window.live.voices.gallery.cards["Grandfather"].rename_action
    assert rename is not None
    rename.trigger()
    assert list(window.live.voices.gallery.cards) == ["Uncle", "Amber", "Bernard"]
    assert settings(window).voice == "Uncle"


def test_the_name_of_a_voice_being_added_is_taken(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = backend.add_voice

    def slowly(name: str, recordings: Sequence[Path], pack: str, *, voices: VoiceLibrary) -> AddedVoice:
        backend.may_end.wait(10.0)
        return added(name, recordings, pack, voices=voices)

    monkeypatch.setattr(backend, "add_voice", slowly)
    (tmp_path / "other").mkdir()
    drop(window, tmp_path / "uncle.wav")
    drop(window, tmp_path / "other" / "uncle.wav")
    backend.may_end.set()
    qtbot.waitUntil(lambda: {"uncle", "uncle 2"} <= set(window.live.voices.gallery.cards))
    drop(window, tmp_path / "silent.wav")
    qtbot.waitUntil(lambda: "silent" not in window.session.voices.taken_names())


def test_a_voice_added_again_gets_a_new_outline(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, reference = window.session, backend.folder / "Grandfather.wav"
    qtbot.waitUntil(lambda: session.voices.outlines[reference].seconds > 0)
    session.voices.delete("Grandfather")
    session.voices.settle_deletion("Grandfather")
    monkeypatch.setattr(backend, "reference", lambda voice: Sound(np.ones(32_000, np.float32), 16_000))
    session.voices.add("Grandfather", [])
    qtbot.waitUntil(
        lambda: reference in session.voices.outlines and session.voices.outlines[reference].seconds == 2.0
    )


def test_recording_a_new_voice(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("Me", True))
    record = window.live.voices.record
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: record.text() == "Speak… 2 s")
    backend.may_end.set()
    qtbot.waitUntil(lambda: "Me" in window.live.voices.gallery.cards)
    assert record.text() == "Record 5 s"


def test_recording_a_voice_can_be_cancelled(qtbot: QtBot, window: MainWindow) -> None:
    record = window.live.voices.record
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: "Speak" in record.text())
    QTest.mouseClick(record, LEFT)
    qtbot.waitUntil(lambda: record.text() == "Record 5 s")
    assert list(window.live.voices.gallery.cards) == ["Grandfather", "Amber", "Bernard"]


@pytest.mark.styled
def test_cards_stand_in_as_many_columns_as_fit(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    backend = FakeBackend(tmp_path, shipped=[f"Voice {number}" for number in range(9)])
    with open_window(qtbot, qapp, backend, FakePlayer()) as window:
        cards = list(window.live.voices.gallery.cards.values())

        def fit() -> None:
            columns = sum(card.y() == cards[0].y() for card in cards)
            narrowest = min(card.width() for card in cards)
            assert columns >= (1 if window.width() == 360 else 2), window.width()
            assert 130 <= narrowest < 2 * 168, window.width()

        for width in (360, 900, 1180, 1400):
            window.resize(width, 780)
            qtbot.waitUntil(fit)


def test_the_words_of_a_card_are_fitted_again_when_its_font_changes(qtbot: QtBot) -> None:
    card = VoiceCard(Voice("Amber", Path("amber.wav")), favourite=False, slot=None, slots=9)
    qtbot.addWidget(card)
    card.resize(200, 120)
    usual, large = card.font(), card.font()
    large.setPointSizeF(3 * usual.pointSizeF())
    icons_only = Qt.ToolButtonStyle.ToolButtonIconOnly
    card.setFont(large)
    assert card.play.toolButtonStyle() == icons_only
    card.setFont(usual)
    assert card.play.toolButtonStyle() != icons_only


def names(window: MainWindow) -> list[str]:
    return list(window.live.voices.gallery.cards)


def test_searching_narrows_the_gallery(window: MainWindow) -> None:
    search = window.live.voices.search
    search.setText("GRAND")
    assert names(window) == ["Grandfather"]
    search.setText("nobody")
    assert names(window) == []
    assert window.live.voices.nothing.isVisible()
    search.clear()
    assert names(window) == ["Grandfather", "Amber", "Bernard"]


def test_favourites_come_first_and_are_remembered(window: MainWindow, backend: FakeBackend) -> None:
    QTest.mouseClick(window.live.voices.gallery.cards["Bernard"].star, LEFT)
    assert names(window) == ["Bernard", "Grandfather", "Amber"]
    window.quit()
    assert Options.from_json(backend.preferences.saved.panel).favourites == ("Bernard",)


def test_the_gallery_is_sorted_as_chosen(window: MainWindow, backend: FakeBackend) -> None:
    backend.library.registers = {"Bernard": "low", "Amber": "high"}
    window.session.voices.reload()
    choose(window.live.voices.order, "By name")
    assert names(window) == ["Amber", "Bernard", "Grandfather"]
    choose(window.live.voices.order, "Low to high")
    assert names(window) == ["Bernard", "Amber", "Grandfather"]


def test_a_new_voice_leaves_the_hotkeys_of_the_others_alone(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    cards = window.live.voices.gallery.cards
    assert {name: card.slot for name, card in cards.items()} == {"Grandfather": 1, "Amber": 2, "Bernard": 3}
    drop(window, tmp_path / "aaron.wav")
    qtbot.waitUntil(lambda: "aaron" in names(window))
    slots = {name: card.slot for name, card in window.live.voices.gallery.cards.items()}
    assert slots == {"Grandfather": 1, "Amber": 2, "Bernard": 3, "aaron": 4}
    press(window, Qt.Key.Key_2)
    assert settings(window).voice == "Amber"


def test_a_hotkey_can_be_given_to_another_voice(window: MainWindow) -> None:
    window.live.voices.gallery.cards["Bernard"].slot_menu.actions()[1].trigger()
    slots = {name: card.slot for name, card in window.live.voices.gallery.cards.items()}
    assert slots == {"Grandfather": None, "Amber": 2, "Bernard": 1}
    press(window, Qt.Key.Key_1)
    assert settings(window).voice == "Bernard"


def test_a_voice_is_duplicated(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, text, **kwargs: (text, True))
    window.live.voices.gallery.cards["Amber"].duplicate_wanted.emit("Amber")
    qtbot.waitUntil(lambda: settings(window).voice == "Amber 2")


def test_a_voice_goes_to_a_file_and_comes_back(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shared.rtvcvoice"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    soundfile.write(backend.folder / "Grandfather.wav", 0.1 * np.ones(32_000), 16_000)
    window.live.voices.gallery.cards["Grandfather"].export_wanted.emit("Grandfather")
    qtbot.waitUntil(lambda: str(path) in window.toast.message.text())
    window.session.voices.delete("Grandfather")
    window.session.voices.settle_deletion("Grandfather")
    drop(window, path)
    qtbot.waitUntil(lambda: settings(window).voice == "Grandfather")
    assert backend.library.own == ["Grandfather"]


def test_a_file_that_is_no_voice_is_refused(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "broken.rtvcvoice"
    path.write_bytes(b"PK nonsense")
    drop(window, path)
    qtbot.waitUntil(lambda: "not a voice that can be imported" in window.toast.message.text())


def test_two_voices_are_blended(window: MainWindow) -> None:
    blend = window.live.voices.blend
    blend.set_open(True)
    choose(blend.one.box, "Amber")
    choose(blend.other.box, "Bernard")
    blend.share.slider.setValue(30)
    assert two_voices(settings(window).voice) == (("Amber", 0.7), ("Bernard", 0.3))
    assert "a blend of Amber (70%) and Bernard (30%)" in voice_words(settings(window).voice)
    window.session.voices.choose_existing()
    assert two_voices(settings(window).voice) is not None, "a blend of voices that exist stays chosen"
    QTest.mouseClick(window.live.voices.gallery.cards["Amber"], LEFT)
    assert settings(window).voice == "Amber"


def test_only_blends_of_two_are_blends() -> None:
    assert two_voices(blend_name("A", "B", 0.25)) == (("A", 0.75), ("B", 0.25))
    for name in ("", "Amber", "A:1,B:1,C:1", "A:x,B:1", "A:-1,B:1", "A:0,B:0", "A:1,B:inf", "A:nan,B:1"):
        assert two_voices(name) is None


def test_the_noise_in_a_voice_is_removed_and_heard_no_more(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[str] = []
    monkeypatch.setattr("rtvc.app.voices.clean_voice", lambda name, pack, voices: cleaned.append(name))
    switch_on(qtbot, window)
    with qtbot.waitSignal(window.session.voices.changed):  # the voice has another file now
        window.live.voices.gallery.cards["Amber"].clean_wanted.emit("Amber")
    qtbot.waitUntil(lambda: "cleaned" in window.toast.message.text())
    assert cleaned == ["Amber"]
    assert backend.engines[0].readings == 1
