"""The tray icon: status, power and mute without the window."""

from __future__ import annotations

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QAction, QIcon, QPainter, QPixmap
from PyQt6.QtWidgets import QMenu, QSystemTrayIcon

from gui.icons import pixmap
from gui.language import tr
from gui.main_window import MainWindow
from gui.session import Session
from gui.theme import theme
from gui.view.status import Status, Tone
from rtvc.live.snapshot import Snapshot

SIZE = 64
_COLOURS = {Tone.GOOD: "good", Tone.CAUTION: "caution", Tone.BAD: "bad"}


class Tray(QObject):
    """Shows the status; a click opens the window."""

    def __init__(self, window: MainWindow, session: Session) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._shown: Status | None = None
        self.icon = QSystemTrayIcon(self)
        self.menu = QMenu()
        self.power, self.mute, self._open, self._quit = (QAction(self.menu) for _ in range(4))
        self.menu.addActions((self.power, self.mute))
        self.menu.addSeparator()
        self.menu.addActions((self._open, self._quit))
        self.power.triggered.connect(lambda: session.live.set_power(not session.live.on))
        self.mute.setCheckable(True)
        self.mute.triggered.connect(lambda on: session.preferences.change(mute=on))
        self._open.triggered.connect(window.bring_forward)
        self._quit.triggered.connect(window.quit)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activate)
        session.live.polled.connect(self._show)
        session.live.power_changed.connect(self._show_power)
        session.preferences.settings_changed.connect(self._show_settings)
        window.language_changed.connect(self._show_words)
        self._show(session.live.snapshot, session.live.status)
        self._show_words()
        self._show_settings()
        self.icon.show()

    def _activate(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self._window.bring_forward()

    def _show(self, snapshot: Snapshot, status: Status) -> None:
        if status == self._shown:
            return
        self._shown = status
        self.icon.setIcon(_picture(status.tone))
        self.icon.setToolTip(tr("rtvc: {status}", status=status.words))

    def _show_words(self) -> None:
        self.mute.setText(tr("Mute"))
        self._open.setText(tr("Open rtvc"))
        self._quit.setText(tr("Quit"))
        self._show_power()

    def _show_settings(self) -> None:
        self.mute.setChecked(self._session.preferences.settings.mute)

    def _show_power(self) -> None:
        self.power.setText(tr("Switch off") if self._session.live.on else tr("Switch on"))


def _picture(tone: Tone) -> QIcon:
    """Return the program's icon, with a dot in the tone's colour while it is on."""
    picture = QPixmap(pixmap("rtvc", "#000000", SIZE))
    if tone in _COLOURS:
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("surface"))
        painter.setBrush(theme.colour(_COLOURS[tone]))
        painter.drawEllipse(SIZE - 27, SIZE - 27, 25, 25)
        painter.end()
    return QIcon(picture)
