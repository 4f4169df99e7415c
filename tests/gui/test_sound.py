"""Sliders, transports and presets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.enrolment import EnrolmentDialog
from gui.main_window import MainWindow
from gui.view.transports import transport_words
from rtvc.app.live import LatencyProfile
from rtvc.app.preferences import Preset
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.transport.choice import MapChoice
from rtvc.transport.trained_maps import MapLibrary
from tests.support.packs import identity_pack
from tests.support.panel import (
    LEFT,
    PACK_DIGEST,
    RUNNING,
    FakeBackend,
    QTest,
    choose,
    enrolled,
    record_messages,
    settings,
    switch_on,
)
from tests.support.trained_maps import write_trained_map


def test_sliders_change_their_settings(window: MainWindow) -> None:
    sound = window.live.sound
    sound.strength.slider.setValue(40)
    assert settings(window).map.strength == 0.4
    assert sound.strength.value_label.text() == "40%"
    sound.similarity.slider.setValue(0)
    assert settings(window).map.block_size == 1
    sound.similarity.slider.setValue(4)
    assert settings(window).map.block_size is None, "the pack's own K is not pinned"
    assert sound.similarity.value_label.text() == "default"
    sound.similarity.slider.setValue(6)
    assert settings(window).map.block_size == 64
    sound.input_gain.slider.setValue(6)
    sound.output_gain.slider.setValue(-3)
    assert (settings(window).input_gain_db, settings(window).output_gain_db) == (6.0, -3.0)
    sound.noise.gate.slider.setValue(-40)
    assert settings(window).gate_threshold_dbfs == -40
    sound.noise.gate.slider.setValue(sound.noise.gate.slider.minimum())
    assert settings(window).gate_threshold_dbfs is None
    assert sound.noise.gate.value_label.text() == "off"


def test_noise_suppression_and_the_gate_for_speech(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = window.live.sound.noise
    # What the panel does, whether or not RNNoise is installed here.
    monkeypatch.setattr("rtvc.dsp.noise_suppression.load_rnnoise", lambda: None)
    noise.suppression.buttons[NoiseSuppression.STRONG].click()
    noise.opens_for.buttons[True].click()
    assert settings(window).noise_suppression is NoiseSuppression.STRONG
    assert settings(window).speech_gate
    assert noise.gate.isHidden()


def test_without_rnnoise_the_choice_stays_off_and_a_sentence_says_why(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise RtvcError("RNNoise is missing.")

    said: list[str] = []
    window.session.preferences.failed.connect(said.append)
    monkeypatch.setattr("rtvc.dsp.noise_suppression.load_rnnoise", missing)
    noise = window.live.sound.noise
    noise.suppression.buttons[NoiseSuppression.LIGHT].click()
    assert said == ["RNNoise is missing."]
    assert settings(window).noise_suppression is NoiseSuppression.OFF
    assert noise.suppression.buttons[NoiseSuppression.OFF].isChecked()


def test_sliders_follow_settings_without_rounding_them(window: MainWindow) -> None:
    wanted = replace(settings(window), map=MapChoice(block_size=5, strength=0.333))
    window.session.preferences.change_map(strength=0.333, block_size=5)
    assert settings(window) == wanted
    assert window.live.sound.strength.slider.value() == 33


def test_gains_unfold(qtbot: QtBot, window: MainWindow) -> None:
    assert not window.live.sound.noise.gate.isVisible()
    QTest.mouseClick(window.live.sound.more.button, LEFT)
    assert window.live.sound.noise.gate.isVisible()


def test_another_transport_is_used_at_once_and_only_mkl_has_k(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    switch_on(qtbot, window)
    sound = window.live.sound
    sound.more.set_open(True)
    assert [sound.transport.choice.box.itemData(index) for index in range(4)] == ["mkl", "knn", "sinkhorn", "flow"]
    sound.similarity.slider.setValue(2)
    assert sound.similarity.isVisible()
    choose(sound.transport.choice.box, transport_words("knn").name)
    assert backend.engines[0].settings.map.transport == "knn"
    assert len(backend.engines) == 1
    assert not sound.similarity.isVisible()
    assert not sound.transport.teach.isVisible(), "kNN needs no enrolment"
    choose(sound.transport.choice.box, transport_words("mkl").name)
    assert sound.similarity.isVisible()
    assert backend.engines[0].settings.map.block_size == 4


def test_a_trained_map_is_offered_for_its_voice_alone(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    session = window.session
    pack = identity_pack(tmp_path / "pack")
    of = {"name": "mini", "digest": PACK_DIGEST}
    MapLibrary().add(write_trained_map(tmp_path / "map", pack, voice="Alder", pack=of))
    MapLibrary().add(write_trained_map(tmp_path / "other", pack, voice="Alder", system="cvc"))
    part = window.live.sound.transport

    def offered() -> list[str]:
        return [part.choice.box.itemData(index) for index in range(part.choice.box.count())]

    switch_on(qtbot, window)
    assert offered() == ["mkl", "knn", "sinkhorn", "flow"]
    session.preferences.change(voice="Alder")
    assert offered() == ["mkl", "knn", "sinkhorn", "flow", "not:Alder"]
    choose(part.choice.box, "NOT: Alder")
    assert backend.engines[0].settings.map.transport == "not:Alder"
    assert "trained for this voice only" in part.sentence.text()
    session.preferences.change(voice="Willow")
    assert offered() == ["mkl", "knn", "sinkhorn", "flow"]
    assert settings(window).map.transport == "mkl"


@pytest.mark.parametrize("name", ["sinkhorn", "flow"])
def test_a_transport_that_needs_an_enrolment_leads_to_it(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend, name: str
) -> None:
    window.live.sound.more.set_open(True)
    part = window.live.sound.transport
    choose(part.choice.box, transport_words(name).name)
    assert "teach rtvc your voice" in part.sentence.text()
    part.teach.click()
    dialog = window.findChild(EnrolmentDialog)
    assert dialog is not None
    dialog.close()
    backend.enrolled = enrolled(20.0)
    window.session.devices.reload()
    qtbot.waitUntil(lambda: not part.teach.isVisible())
    assert "teach rtvc your voice" not in part.sentence.text()


def test_a_long_fit_shows_progress_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    window.live.sound.more.set_open(True)
    part = window.live.sound.transport
    switch_on(qtbot, window)
    choose(part.choice.box, transport_words("knn").name)
    choose(part.choice.box, transport_words("flow").name)
    assert not part.fit.isVisible()
    backend.engines[0].now = replace(RUNNING, fit_progress=0.25)
    qtbot.waitUntil(part.fit.isVisible)
    assert part.bar.value() == 250
    QTest.mouseClick(part.cancel, LEFT)
    assert backend.engines[0].settings.map.transport == "knn"
    assert part.choice.box.currentData() == "knn"
    backend.engines[0].now = RUNNING
    qtbot.waitUntil(lambda: not part.fit.isVisible())


def test_presets_keep_and_restore_the_sound(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: (" Stage ", True))
    button = window.live.sound.presets

    def item(words: str) -> QAction:
        return next(action for action in button.menu_of_presets.actions() if action.text() == words)

    window.session.preferences.change(voice="Bernard", map=MapChoice(strength=0.6))
    item("Save these settings…").trigger()
    window.session.preferences.change(voice="Amber", map=MapChoice(), mute=True)
    item("Stage").trigger()
    settings = window.session.preferences.settings
    assert (settings.voice, settings.map.strength, settings.mute) == ("Bernard", 0.6, True)
    assert window.live.voices.gallery.cards["Bernard"].isChecked()
    remove = item("Remove").menu()
    assert remove is not None
    assert [action.text() for action in remove.actions()] == ["Stage"], "what comes with rtvc cannot be removed"
    remove.actions()[0].trigger()
    assert not window.session.preferences.value.presets


def test_a_supplied_preset_says_what_it_changes_and_can_be_duplicated_but_not_replaced(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    preferences, menu = window.session.preferences, window.live.sound.presets.menu_of_presets
    preferences.change(voice="Bernard", intonation=0.5)
    low_end = next(action for action in menu.actions() if action.text().startswith("Low-end computer"))
    assert "less work for the processor" in low_end.text()
    low_end.trigger()
    assert preferences.settings == Settings(voice="Bernard")
    assert preferences.options.profile is LatencyProfile.SAFE
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("natural", True))
    with record_messages(window.session.failed) as said:
        next(action for action in menu.actions() if action.text() == "Save these settings…").trigger()
    assert "comes with rtvc and cannot be replaced" in said[0]
    assert not preferences.value.presets
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: (kwargs["text"], True))
    duplicate = next(action for action in menu.actions() if action.text() == "Duplicate").menu()
    assert duplicate is not None
    next(action for action in duplicate.actions() if action.text() == "Stream").trigger()
    assert preferences.value.presets["Stream 2"] == Preset(
        Settings(voice="Bernard", intonation=1.2), LatencyProfile.SAFE
    )


def test_presets_follow_a_voice_to_its_new_name(window: MainWindow) -> None:
    session = window.session
    session.preferences.change(voice="Grandfather")
    session.preferences.store_preset("stage")
    session.voices.rename("Grandfather", "Uncle")
    session.preferences.change(voice="Amber")
    session.preferences.apply_preset("stage", session.voices.names())
    assert settings(window).voice == "Uncle"


def test_blends_follow_a_voice_to_its_new_name_and_end_with_it(window: MainWindow) -> None:
    session = window.session
    session.preferences.change(voice="Grandfather:0.5,Amber:0.5")
    session.preferences.store_preset("both")
    session.voices.rename("Grandfather", "Uncle")
    assert settings(window).voice == "Uncle:0.5,Amber:0.5"
    session.preferences.change(voice="Amber")
    session.preferences.apply_preset("both", session.voices.names())
    assert settings(window).voice == "Uncle:0.5,Amber:0.5"
    session.voices.delete("Uncle")
    assert settings(window).voice in ("Amber", "Bernard")


def test_a_preset_whose_voice_is_gone_says_so(window: MainWindow) -> None:
    session = window.session
    session.preferences.change(voice="Grandfather", map=MapChoice(strength=0.5))
    session.preferences.store_preset("stage")
    session.voices.delete("Grandfather")
    session.voices.settle_deletion("Grandfather")
    session.preferences.change(voice="Bernard", map=MapChoice())
    with record_messages(session.failed) as said:
        session.preferences.apply_preset("stage", session.voices.names())
    assert "Grandfather" in said[0]
    assert (settings(window).voice, settings(window).map.strength) == ("Bernard", 0.5)


def test_formants_move_where_the_pack_allows(qtbot: QtBot, window: MainWindow, backend: FakeBackend) -> None:
    slider = window.live.sound.formants
    window.live.sound.more.set_open(True)
    assert slider.isVisible()
    assert slider.value_label.text() == "unchanged"
    slider.slider.setValue(12)
    assert settings(window).formants == pytest.approx(1.12)
    assert slider.value_label.text() == "+12%"
    backend.pitch = None
    window.session.preferences.rewire(pack="large")
    qtbot.waitUntil(lambda: not slider.isVisible())


def test_pitch_and_intonation_move_where_the_pack_allows(
    qtbot: QtBot, window: MainWindow, backend: FakeBackend
) -> None:
    sound = window.live.sound
    sound.more.set_open(True)
    sound.pitch.slider.setValue(-3)
    sound.intonation.slider.setValue(150)
    assert settings(window).pitch_semitones == -3
    assert settings(window).intonation == 1.5
    assert sound.pitch.value_label.text() == "-3 semitones"
    backend.pitch = None
    window.session.preferences.rewire(pack="large")
    qtbot.waitUntil(lambda: not sound.pitch.isVisible())
    assert not sound.intonation.isVisible()
