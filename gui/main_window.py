"""The main window: header with pages and status light, the page, and the message line."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QMimeData, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QStackedWidget,
    QSystemTrayIcon,
    QVBoxLayout,
    QWidget,
)

from gui.hotkeys import ADD_KEYS
from gui.icons import pixmap
from gui.language import tr, use_language
from gui.pages.guide import GuidePage
from gui.pages.live import LivePage
from gui.pages.packs import PacksPage
from gui.pages.settings import SettingsPage
from gui.phrases import translated
from gui.session import Session
from gui.theme import SPACE, theme
from gui.view.status import Status, Tone
from gui.widgets.labels import label
from gui.widgets.status_light import DOT, StatusLight
from gui.widgets.toast import Toast
from gui.window_hotkeys import WindowHotkeys
from rtvc.live.snapshot import Snapshot
from rtvc.voices.exchange import SUFFIX
from rtvc.voices.library import AUDIO_SUFFIXES

UNDO_SECONDS = 8.0
NOTICE_SECONDS = 6.0


class MainWindow(QMainWindow):
    """The panel's window over a session; closing it closes the session.

    Signals
    -------
    language_changed
        Everything in the window was made again in another language.
    """

    language_changed = pyqtSignal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        session.setParent(self)
        self.setWindowIcon(QIcon(pixmap("rtvc", "#000000", 64)))
        self.setMinimumWidth(360)
        self.resize(QSize(1180, 780))
        self.setAcceptDrops(True)
        self._quitting = False
        self._language = session.preferences.options.language
        self._build()
        self.hotkeys = WindowHotkeys(self, session)
        QShortcut(QKeySequence(ADD_KEYS), self).activated.connect(lambda: self.live.voices.ask_for_files())
        session.live.polled.connect(self._poll)
        session.failed.connect(self._complain)
        session.noticed.connect(self._notice)
        session.voices.deleted.connect(self._offer_undo)
        session.enrolment.forgotten.connect(self._offer_to_remember)
        session.preferences.options_changed.connect(self._follow_options)

    def _build(self) -> None:
        """Make everything in the window, in the present language."""
        session = self.session
        self.setWindowTitle(tr("Real-time voice changer"))
        self.live = LivePage(session)
        self.pages = QStackedWidget()
        self.tabs: list[QPushButton] = []
        self.light = StatusLight()
        self.toast = Toast()
        self.title = label("rtvc", "heading")

        header = QFrame()
        header.setObjectName("header")
        self._header = QHBoxLayout(header)
        self._header.setContentsMargins(2 * SPACE, 0, 2 * SPACE, 0)
        self._header.setSpacing(SPACE)
        self.logo = QLabel()
        self.logo.setPixmap(pixmap("rtvc", "#000000", 24, 3))
        self._header.addWidget(self.logo)
        self._header.addWidget(self.title)
        self._tab_row = QHBoxLayout()
        self._tab_row.setSpacing(0)
        self._header.addLayout(self._tab_row)
        self._header.addStretch(1)
        self._header.addWidget(self.light)
        self.packs_page = PacksPage(session)
        self.settings_page = SettingsPage(session)
        self.add_page(tr("Live"), self.live)
        self.add_page(tr("Models"), self.packs_page)
        self.add_page(tr("Settings"), self.settings_page)
        self.guide = GuidePage(session)
        self.add_page(tr("Set up"), self.guide)
        self.guide.finished.connect(self._end_guide)
        self.settings_page.guide_wanted.connect(self.show_guide)
        if session.preferences.options.welcomed:
            self.tabs[-1].hide()
        else:
            self.show_guide()
        centre = QWidget()
        # Something has the focus when the window opens; a control with the focus would look chosen.
        centre.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        column.addWidget(self.pages, 1)
        column.addWidget(self.toast)
        self.setCentralWidget(centre)
        centre.setFocus()

    def add_page(self, name: str, page: QWidget) -> None:
        """Add a page with its tab."""
        tab = QPushButton(name)
        tab.setCheckable(True)
        tab.setAutoExclusive(True)
        tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tab.setProperty("kind", "tab")
        tab.setAccessibleName(tr("Page {name}", name=name))
        tab.clicked.connect(lambda: self.pages.setCurrentWidget(page))
        self._tab_row.addWidget(tab)
        self.tabs.append(tab)
        self.pages.addWidget(page)
        tab.setChecked(len(self.tabs) == 1)

    def show_guide(self) -> None:
        """Show the setup guide."""
        self.tabs[-1].show()
        self.tabs[-1].click()

    def _end_guide(self) -> None:
        self.tabs[0].click()
        self.tabs[-1].hide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Hide the name where it does not fit, then the logo, then the status words."""
        super().resizeEvent(event)
        self._fit_header()

    def _fit_header(self) -> None:
        words = self.light.sizeHint().width()
        room = self.width() - 5 * SPACE - words
        room -= sum(tab.sizeHint().width() for tab in self.tabs if not tab.isHidden())
        self.light.setFixedWidth(max(DOT, words + min(0, room)))
        room -= self.logo.sizeHint().width() + SPACE
        self.logo.setVisible(room >= 0)
        self.title.setVisible(room >= self.title.sizeHint().width() + SPACE)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept recordings."""
        if event is not None and _recordings(event.mimeData()):
            event.acceptProposedAction()
            self.live.voices.gallery.drop_area.set_highlighted(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Remove the highlight."""
        self.live.voices.gallery.drop_area.set_highlighted(False)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Add the dropped recordings as voices."""
        self.live.voices.gallery.drop_area.set_highlighted(False)
        if event is not None:
            self.live.voices.add_files(_recordings(event.mimeData()))
            event.acceptProposedAction()

    def bring_forward(self) -> None:
        """Show the window above all others."""
        self.show()
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()

    def quit(self) -> None:
        """Close the window and end the program."""
        self._quitting = True
        self.close()
        QApplication.quit()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Stop everything, or keep running in the tray if the user chose that."""
        assert event is not None
        if (
            self.session.preferences.options.close_to_tray
            and not self._quitting
            and QSystemTrayIcon.isSystemTrayAvailable()
        ):
            event.ignore()
            self.hide()
            return
        try:
            self.session.close()
        finally:
            super().closeEvent(event)
            QApplication.quit()

    def _complain(self, sentence: str) -> None:
        self.toast.show_message(translated(sentence), Tone.BAD)

    def _notice(self, sentence: str) -> None:
        self.toast.show_message(translated(sentence), seconds=NOTICE_SECONDS)

    def _follow_options(self) -> None:
        options = self.session.preferences.options
        if options.appearance is not theme.appearance:
            theme.use(options.appearance)
        if options.language != self._language:
            self._language = options.language
            # The list in which it was chosen is among what is replaced, so it returns first.
            QTimer.singleShot(0, self._change_language)

    def _change_language(self) -> None:
        self.toast.settle()
        page = self.pages.currentIndex()
        use_language(self._language)
        self._build()
        self.tabs[page].click()
        self.session.live.poll()
        self.language_changed.emit()

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        if status != self.light.status:
            self.light.set_status(status)
            self._fit_header()

    def _offer_undo(self, name: str) -> None:
        self.toast.show_message(
            tr("{name} was deleted.", name=name),
            action=tr("Undo"),
            on_action=lambda: self.session.voices.undo_deletion(name),
            on_settled=lambda: self.session.voices.settle_deletion(name),
            seconds=UNDO_SECONDS,
        )

    def _offer_to_remember(self) -> None:
        self.toast.show_message(
            tr("Your voice was forgotten."),
            action=tr("Undo"),
            on_action=self.session.enrolment.undo_forgetting,
            seconds=UNDO_SECONDS,
        )


def _recordings(data: QMimeData | None) -> list[Path]:
    """Return the dragged audio files."""
    if data is None:
        return []
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() in (*AUDIO_SUFFIXES, SUFFIX)]
