"""The soundboard: clips of a folder, played by buttons and hotkeys."""

from pathlib import Path

import pytest
from PyQt6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.hotkeys import actions
from gui.main_window import MainWindow
from rtvc.live.engine import Engine
from tests.support.panel import LEFT, QTest, record_messages, settings


@pytest.fixture
def clips(window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    folder = tmp_path / "clips"
    folder.mkdir()
    paths = [folder / name for name in ("Drums.wav", "Laughter.ogg")]
    for path in paths:
        path.touch()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(folder))
    QTest.mouseClick(window.live.soundboard.folder, LEFT)
    qtbot.waitUntil(lambda: len(window.live.soundboard.buttons) == 2)
    return paths


def test_each_clip_has_a_button_and_a_hotkey(
    window: MainWindow, qtbot: QtBot, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    board = window.live.soundboard
    assert [button.text() for button in board.buttons] == ["Drums", "Laughter"]
    with record_messages(window.session.soundboard.noticed) as messages:
        board.buttons[0].click()
    assert "Switch the voice changer on" in messages[0]

    played: list[tuple[Path, float] | str] = []

    class Playing(Engine):
        def __init__(self) -> None: ...

        def play_clip(self, path: Path, gain_db: float = 0.0) -> None:
            played.append((path, gain_db))

        def stop_clips(self) -> None:
            played.append("stop")

    board.gain.slider.setValue(-6)
    with monkeypatch.context() as patch:
        patch.setattr(window.session.live, "engine", Playing())
        board.buttons[0].click()
        qtbot.waitUntil(lambda: len(played) == 1)
        actions(window.session)["clip2"]()
        qtbot.waitUntil(lambda: len(played) == 2)
        actions(window.session)["clip3"]()
        actions(window.session)["stop_clips"]()
    assert played == [(clips[0], -6.0), (clips[1], -6.0), "stop"]


def test_clips_give_way_to_the_voice(window: MainWindow, clips: list[Path]) -> None:
    window.live.soundboard.ducking.slider.setValue(-20)
    assert settings(window).ducking_db == 20.0


def test_a_folder_without_clips_is_said(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(tmp_path / "empty"))
    with record_messages(window.session.soundboard.failed) as messages:
        QTest.mouseClick(window.live.soundboard.folder, LEFT)
        qtbot.waitUntil(lambda: bool(messages))
    assert "contains no clips" in messages[0]
