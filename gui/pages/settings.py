"""The settings page: latency profile, computing, window, hotkeys."""

from __future__ import annotations

import os

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QPushButton, QSystemTrayIcon, QVBoxLayout, QWidget

from gui.language import LANGUAGES, tr, tr_noop
from gui.options import MOST_THREADS, Provider
from gui.sections.about import AboutSection
from gui.sections.hotkeys import HotkeysSection
from gui.sections.server import ServerSection
from gui.session import Session
from gui.theme import SPACE, Appearance
from gui.view.units import shortened_path
from gui.widgets.card import Card
from gui.widgets.choice import Choice
from gui.widgets.labelled_slider import LabelledSlider
from gui.widgets.labels import explain, label
from gui.widgets.page import Page
from gui.widgets.segments import Segments
from rtvc.app import autostart
from rtvc.app.live import LatencyProfile
from rtvc.errors import RtvcError
from rtvc.packs.runtime import cuda_works

_PROFILES = {
    LatencyProfile.LOWEST: tr_noop("Least delay. Needs a fast computer and a good sound card."),
    LatencyProfile.BALANCED: tr_noop("Short delay without gaps on most computers."),
    LatencyProfile.SAFE: tr_noop("More delay, but fewer gaps while a game keeps the computer busy."),
}


class SettingsPage(Page):
    """Settings of the engine and the window, and what rtvc is."""

    guide_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.column.addWidget(label(tr("Settings"), "title"))
        self._add_engine()
        self._add_looks()
        self.server = ServerSection(session.preferences)
        self.column.addWidget(self.server)
        self.hotkeys = HotkeysSection(session)
        self.column.addWidget(self.hotkeys)
        self.about = AboutSection(session)
        self.about.guide_wanted.connect(self.guide_wanted)
        self.column.addWidget(self.about)
        self.column.addStretch(1)
        session.preferences.options_changed.connect(self._show)
        self._show()

    def _add_engine(self) -> None:
        card = Card(tr("Delay and computing"))
        self.profile = Segments(
            tr("Latency profile"),
            (
                (LatencyProfile.LOWEST, tr("Lowest")),
                (LatencyProfile.BALANCED, tr("Balanced")),
                (LatencyProfile.SAFE, tr("Safe")),
            ),
        )
        self.profile.chosen.connect(lambda profile: self._session.preferences.choose(profile=profile))
        profile = QWidget()
        _name(profile, tr("Latency profile"), self.profile)
        card.body.addWidget(profile)
        self.profile_words = label("", "caption", wrap=True)
        card.body.addWidget(self.profile_words)
        self.threads = LabelledSlider(
            tr("Processor threads"),
            tr("Threads per model; more are faster as long as cores are free"),
            ("", ""),
            lambda threads: str(threads) if threads else tr("as the model suggests"),
            max(1, min(MOST_THREADS, os.cpu_count() or 1)),
        )
        # The engine is rebuilt for it, so it acts on release.
        self.threads.slider.setTracking(False)
        self.threads.moved.connect(lambda position: self._session.preferences.choose(threads=position))
        card.body.addWidget(self.threads)
        self.provider = Segments(
            tr("Models run on"),
            (
                (Provider.AUTOMATIC, tr("Automatic")),
                (Provider.PROCESSOR, tr("Processor")),
                (Provider.GRAPHICS, tr("Graphics card")),
            ),
        )
        self.provider.chosen.connect(lambda provider: self._session.preferences.choose(provider=provider))
        self._provider_row = QWidget()
        _name(self._provider_row, tr("Models run on"), self.provider)
        self._provider_row.hide()
        card.body.addWidget(self._provider_row)
        self.column.addWidget(card)
        # Looking for a graphics card loads its libraries, which takes seconds.
        self._session.tasks.start(lambda control: cuda_works(), self._show_provider)

    def _show_provider(self, cuda_works: bool) -> None:
        """Offer the graphics card where there is one, and the way back where it has gone."""
        self._provider_row.setVisible(
            cuda_works or self._session.preferences.options.provider is not Provider.AUTOMATIC
        )

    def _add_looks(self) -> None:
        card = Card(tr("Window"))
        self.appearance = Segments(
            tr("Colours"),
            (
                (Appearance.SYSTEM, tr("Same as the system")),
                (Appearance.LIGHT, tr("Light")),
                (Appearance.DARK, tr("Dark")),
            ),
        )
        self.appearance.chosen.connect(lambda appearance: self._session.preferences.choose(appearance=appearance))
        colours = QWidget()
        _name(colours, tr("Colours"), self.appearance)
        card.body.addWidget(colours)
        self.language = Choice(tr("Language"))
        names = [(code, language.name) for code, language in LANGUAGES.items()]
        self.language.fill([("", tr("Same as the system")), *names], self._session.preferences.options.language)
        self.language.chosen.connect(lambda code: self._session.preferences.choose(language=code))
        card.body.addWidget(self.language)
        self.tray: QCheckBox | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self.tray = QCheckBox(tr("Closing the window keeps rtvc in the tray"))
            self.tray.clicked.connect(lambda on: self._session.preferences.choose(close_to_tray=on))
            card.body.addWidget(self.tray)
        self.autostart = QCheckBox(tr("Start rtvc when I log in"))
        explain(self.autostart, tr("The microphone stays closed until you switch the voice changer on"))
        self.autostart.setChecked(autostart.starts_with_system())
        self.autostart.clicked.connect(self._start_with_system)
        card.body.addWidget(self.autostart)
        self.minimised = QCheckBox(tr("Start minimised"))
        self.minimised.clicked.connect(lambda on: self._session.preferences.choose(start_minimised=on))
        card.body.addWidget(self.minimised)
        recordings = QWidget()
        self.recordings = QPushButton()
        self.recordings.setAccessibleName(tr("Folder for recordings"))
        self.recordings.clicked.connect(self._pick_recordings)
        _name(recordings, tr("Folder for recordings"), self.recordings)
        card.body.addWidget(recordings)
        self.column.addWidget(card)

    def _show(self) -> None:
        options = self._session.preferences.options
        self.profile.set_value(options.profile)
        self.profile_words.setText(tr(_PROFILES[options.profile]))
        self.threads.set_position(options.threads)
        self.appearance.set_value(options.appearance)
        self.provider.set_value(options.provider)
        if self.tray is not None:
            self.tray.setChecked(options.close_to_tray)
        self.minimised.setChecked(options.start_minimised)
        self.recordings.setText(
            shortened_path(options.recordings) if options.recordings else tr("Music folder (default)")
        )

    def _start_with_system(self, on: bool) -> None:
        try:
            autostart.start_with_system(on)
        except RtvcError as error:
            self._session.failed.emit(str(error))
        self.autostart.setChecked(autostart.starts_with_system())

    def _pick_recordings(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder for recordings"))
        if folder:
            self._session.preferences.choose(recordings=folder)


def _name(row: QWidget, name: str, widget: QWidget) -> None:
    """Fill a row with a control below its name."""
    pair = QVBoxLayout(row)
    pair.setContentsMargins(0, 0, 0, 0)
    pair.setSpacing(SPACE // 2)
    pair.addWidget(label(name, "caption"))
    pair.addWidget(widget)
