"""Room, keyboard and names: everyone can use the panel at any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLineEdit,
)
from pytestqt.qtbot import QtBot

from gui import hotkeys as hotkeys_module
from gui.language import ENGLISH, LANGUAGES, use_language
from gui.main_window import MainWindow
from gui.screenshots import clipped_labels
from gui.sections import hotkeys as hotkeys_section
from gui.theme import SPACE
from rtvc.live.snapshot import Snapshot, State
from tests.support.panel import LEFT, FakeBackend, FakePlayer, QTest, open_window, switch_on

pytestmark = pytest.mark.styled


@pytest.fixture(params=LANGUAGES)
def language(qapp: QApplication, backend: FakeBackend, request: pytest.FixtureRequest) -> Iterator[str]:
    saved = backend.preferences.saved
    backend.preferences.saved = replace(saved, panel={**saved.panel, "language": request.param})
    yield request.param
    use_language(ENGLISH)


def test_tabs_show_their_pages(window: MainWindow) -> None:
    for tab, page in zip(window.tabs, (window.live, window.packs_page, window.settings_page), strict=False):
        QTest.mouseClick(tab, LEFT)
        assert window.pages.currentWidget() is page
        assert tab.isChecked()


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(window: MainWindow) -> None:
    nameless = []
    for page in (window.live, window.packs_page, window.settings_page):
        for control in page.findChildren(QAbstractButton):
            if isinstance(control.parent(), QLineEdit):  # the clear button of a search field
                continue
            if not (control.accessibleName() or control.text()):
                nameless.append(control)
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.accessibleName() or control.text()
    assert not nameless


def test_the_tab_key_goes_from_the_switch_over_the_voices_to_the_drawer(
    qapp: QApplication, window: MainWindow
) -> None:
    live, card = window.live, window.live.voices.gallery.cards["Grandfather"]
    wanted = [
        live.power.power,
        live.voices.add,
        *card.controls,
        live.sound.strength.slider,
        live.devices.microphone.box,
        live.devices.monitor,
        live.drawer.expander.button,
    ]
    window.activateWindow()
    window.tabs[-1].setFocus()
    met = []
    for _ in range(50):
        QTest.keyClick(qapp.focusWidget(), Qt.Key.Key_Tab)
        met.append(qapp.focusWidget())
    places = [met.index(control) for control in wanted]
    assert places == sorted(places)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_words_are_cut_at_360_pixels(
    qtbot: QtBot, qapp: QApplication, language: str, backend: FakeBackend, scale: float
) -> None:
    usual = qapp.font()
    large = qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.resize(360, 900)
            qtbot.waitUntil(lambda: window.width() == 360)

            def nothing_is_cut() -> None:
                assert cut(window) == []

            for tab in window.tabs:
                tab.click()
                qtbot.waitUntil(nothing_is_cut)
    finally:
        qapp.setFont(usual)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_long_words_and_keys_have_room_at_360_pixels(
    qtbot: QtBot, qapp: QApplication, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    monkeypatch.setattr(hotkeys_module, "unavailable", lambda: "")
    monkeypatch.setattr(hotkeys_section, "unavailable", lambda: "")
    usual, large = qapp.font(), qapp.font()
    large.setPointSizeF(usual.pointSizeF() * scale)
    qapp.setFont(large)
    try:
        with open_window(qtbot, qapp, backend, FakePlayer()) as window:
            window.resize(360, 900)
            window.session.preferences.choose(global_hotkeys=True)
            window.session.live.set_power(True)
            qtbot.waitUntil(lambda: window.session.live.engine is not None)
            backend.engines[0].now = Snapshot(State.RECOVERING, "The headset was disconnected. Reconnecting…")
            headline = window.live.power.headline
            qtbot.waitUntil(lambda: headline.text() == "Reconnecting" and window.width() == 360)
            assert QFontMetrics(headline.fitted_font()).horizontalAdvance("Reconnecting") <= headline.width()
            window.tabs[2].click()

            def nothing_is_cut() -> None:
                assert cut(window) == []
                for field in window.settings_page.hotkeys.fields.values():
                    if field.isVisible():
                        assert field.fontMetrics().horizontalAdvance("Ctrl+Alt+Space") < field.width() - 2 * SPACE
                        assert field.mapTo(window, field.rect().topRight()).x() < window.width()

            qtbot.waitUntil(nothing_is_cut)
    finally:
        qapp.setFont(usual)


def cut(window: MainWindow) -> list[str]:
    """Return what is visible and has less room than it needs, or lies beyond the window's edge."""
    shown = [child for child in window.findChildren(QAbstractButton) if child.isVisible()]
    return [
        control.accessibleName() or control.text()
        for control in shown
        if control.width() < control.minimumSizeHint().width()
        or control.mapTo(window, control.rect().topRight()).x() >= window.width()
    ]


def test_nothing_is_cut_at_any_width(qtbot: QtBot, window: MainWindow) -> None:
    page, viewport, live = window.live.area.widget(), window.live.area.viewport(), window.live
    assert page is not None
    assert viewport is not None
    sections = (live.power, live.voices, live.sound, live.devices, live.meters)
    for width in (360, 640, 900, 1400):
        window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: window.width() == width)  # type: ignore[misc]
        qtbot.waitUntil(lambda: page.width() == viewport.width() and all(one.width() >= 300 for one in sections))
        for section in sections:
            assert section.geometry().right() <= page.width(), width
            assert section.minimumSizeHint().width() <= section.width(), width


SIZES = ((1180, 780), (1400, 900), (1024, 700), (900, 1060), (360, 1000))


def test_no_label_is_clipped(qtbot: QtBot, language: str, window: MainWindow) -> None:
    switch_on(qtbot, window)
    for expander in (window.live.meters.details, window.live.sound.more, window.live.voices.blend):
        expander.set_open(True)
    window.show_guide()
    bar = window.live.meters.delay_bar

    def nothing_is_clipped() -> None:
        assert clipped_labels(window) == [], window.size()

    def the_legend_is_whole() -> None:
        assert bar.height() >= bar.sizeHint().height(), window.size()

    for size in SIZES:
        window.resize(*size)
        for tab in window.tabs:
            tab.click()
            qtbot.waitUntil(nothing_is_clipped)
        window.tabs[0].click()
        qtbot.waitUntil(the_legend_is_whole)


def test_the_cards_of_a_row_are_equally_wide(qtbot: QtBot, window: MainWindow) -> None:
    for width in (600, 1180, 1400, 1180):
        window.resize(width, 780)

        def equally_wide() -> bool:
            widths = [card.width() for card in window.live.voices.gallery.cards.values()]
            return max(widths) - min(widths) <= 1

        qtbot.waitUntil(equally_wide)
