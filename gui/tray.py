"""The tray icon: status, power and mute without the window."""

from __future__ import annotations

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QIcon, QPainter, QPixmap
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
        self.power = self.menu.addAction(tr("Switch on"))
        self.mute = self.menu.addAction(tr("Mute"))
        assert self.power is not None
        assert self.mute is not None
        self.power.triggered.connect(lambda: session.live.set_power(not session.live.on))
        self.mute.setCheckable(True)
        self.mute.triggered.connect(lambda on: session.preferences.change(mute=on))
        self.menu.addSeparator()
        self.menu.addAction(tr("Open rtvc"), window.bring_forward)
        self.menu.addAction(tr("Quit"), window.quit)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activate)
        session.live.polled.connect(self._show)
        session.live.power_changed.connect(self._show_power)
        session.preferences.settings_changed.connect(self._show_settings)
        self._show(session.live.snapshot, session.live.status)
        self._show_power()
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

    def _show_settings(self) -> None:
        assert self.mute is not None
        self.mute.setChecked(self._session.preferences.settings.mute)

    def _show_power(self) -> None:
        assert self.power is not None
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
