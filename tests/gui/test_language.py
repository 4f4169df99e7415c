"""The panel's texts: every one is marked, translated, and true to what the engine says."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from PyQt6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

import rtvc
from gui.language import ENGLISH, LANGUAGES, number, read_texts, tr, use_language
from gui.main_window import MainWindow
from gui.phrases import IN_PANEL, PHRASES, translated
from gui.translations import CODE, files, plural_forms, texts
from gui.tray import Tray
from gui.view.units import semitones_text
from tests.support.panel import LEFT, QTest, choose, switch_on

ENGINE = Path(rtvc.__file__).parent


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    use_language("de")
    yield
    use_language(ENGLISH)


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def shape(text: str) -> str:
    """Return a text with every placeholder as `{}`."""
    return re.sub(r"\{\w*\}", "{}", text)


def engine_shapes() -> set[str]:
    """Return the shapes of all texts in the engine's code and assets."""
    shapes = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                shapes.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                shapes.add(node.value)
    for path in (ENGINE / "assets").rglob("*.json"):
        entries = json.loads(path.read_text(encoding="utf-8"))
        for entry in (entries, *entries.values()):
            if isinstance(entry, dict):
                shapes |= {value for value in entry.values() if isinstance(value, str)}
    return shapes


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_language_has_every_text_with_the_same_placeholders(path: Path) -> None:
    """`python -m gui.translations` adds what is missing."""
    language = path.stem.removeprefix("rtvc_")
    wanted = {text: plural for text, plural in texts().items() if plural or language != ENGLISH}
    known = read_texts(path)
    assert set(known) == set(wanted)
    for text, forms in known.items():
        assert len(forms) == (plural_forms(language) if wanted[text] else 1), text
        for form in forms:
            assert form.strip(), text
            assert placeholders(form) == placeholders(text), text


def test_every_phrase_of_the_engine_is_one() -> None:
    known = engine_shapes()
    assert [phrase for phrase in (*PHRASES, *IN_PANEL) if shape(phrase) not in known] == []


def test_the_panel_names_no_command_where_it_has_its_own_sentence() -> None:
    for phrase, own in IN_PANEL.items():
        assert set(placeholders(own)) <= set(placeholders(phrase)), phrase
        assert "--" not in own, phrase
    engine = "/home/me/a.wav already exists; use --force to replace it."
    assert translated(engine) == "/home/me/a.wav already exists. Choose another name."


def test_texts_numbers_and_plurals_are_german(german: None) -> None:
    assert tr("Microphone") == "Mikrofon"
    assert number(1234.56, 1) == "1234,6"
    assert number(3, signed=True) == "+3"
    assert [semitones_text(shift) for shift in (-1, 0, 2)] == ["-1 Halbton", "unverändert", "+2 Halbtöne"]


def test_qts_own_buttons_are_german(german: None) -> None:
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    button = box.button(QDialogButtonBox.StandardButton.Cancel)
    assert button is not None
    assert button.text() == "Abbrechen"


def test_sentences_of_the_engine_are_german(german: None) -> None:
    assert translated("USB Mic was disconnected. Reconnecting…") == "USB Mic ist nicht mehr verbunden. Verbindet neu…"
    lost = translated("USB Mic cannot be opened (device busy). Reconnecting…")
    assert lost == "USB Mic lässt sich nicht öffnen (device busy). Verbindet neu…"
    assert translated("/home/me/a.wav: contains no speech; a voice needs at least 1 s, better 5 s.").startswith(
        "/home/me/a.wav: enthält keine Sprache"
    )
    assert translated("A sentence that nobody knows.") == "A sentence that nobody knows."


def test_an_unknown_language_is_english(german: None) -> None:
    use_language("xx")
    assert tr("Microphone") == "Microphone"
    assert semitones_text(1) == "+1 semitone"


def test_every_language_has_its_file() -> None:
    assert {path.stem.removeprefix("rtvc_") for path in files()} == set(LANGUAGES)


def test_the_language_chosen_in_settings_is_taken_at_once(qtbot: QtBot, window: MainWindow) -> None:
    session = window.session
    switch_on(qtbot, window)
    tray = Tray(window, session)
    QTest.mouseClick(window.tabs[2], LEFT)
    try:
        choose(window.settings_page.language.box, "Deutsch")
        qtbot.waitUntil(lambda: window.tabs[1].text() == "Modelle")
        assert window.pages.currentWidget() is window.settings_page
        assert window.settings_page.language.box.currentText() == "Deutsch"
        assert window.light.status.words == "An"
        assert session.live.on
        assert set(window.packs_page.cards) == {entry.name for entry in session.packs.entries}
        assert tray.power.text() == "Ausschalten"
        window.live.power.power.click()
        qtbot.waitUntil(lambda: window.light.status.words == "Aus")
    finally:
        use_language(ENGLISH)


SHOWING = re.compile(
    "label|explain|Card|Choice|Expander|LabelledSlider|LevelMeter|Segments|Spectrogram|Toggle|QCheckBox|QMenu|"
    "QPushButton|addAction|addItem|complain|emit|show_message|set(AccessibleDescription|AccessibleName|"
    "PlaceholderText|Text|Title|ToolTip|WindowTitle)"
)
"""What shows its first argument."""


def unmarked(path: Path) -> Iterator[str]:
    """Return the texts with words that a file shows without `tr`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if SHOWING.fullmatch(getattr(node.func, "attr", getattr(node.func, "id", ""))):
            first = node.args[0]
            for part in first.values if isinstance(first, ast.JoinedStr) else [first]:
                text = part.value if isinstance(part, ast.Constant) else ""
                if isinstance(text, str) and re.search(r"[A-Za-z]{2}", text) and text != "rtvc":
                    yield f"{path.name}:{node.lineno}: {text}"


def test_no_text_is_shown_unmarked() -> None:
    assert [text for path in sorted(CODE.rglob("*.py")) for text in unmarked(path)] == []
