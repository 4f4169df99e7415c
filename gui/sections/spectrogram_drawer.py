"""The drawer below the live page: spectrograms of microphone and output."""

from __future__ import annotations

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.spectrogram import spectrogram
from gui.widgets.expander import Expander
from gui.widgets.spectrogram import Spectrogram

SECONDS = 3.0
COLUMNS = 240
DRAW_MILLISECONDS = 100


class SpectrogramDrawer(QFrame):
    """Draws only while it is open and the engine runs."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("drawer")
        self._session = session
        self.expander = Expander(tr("Spectrogram"))
        self.input = Spectrogram(tr("Microphone"))
        self.output = Spectrogram(tr("Output"))
        self.expander.body.setSpacing(SPACE)
        # Side by side: one above the other, they would cover twice as much of the page.
        strips = QHBoxLayout()
        strips.setSpacing(SPACE)
        strips.addWidget(self.input)
        strips.addWidget(self.output)
        self.expander.body.addLayout(strips)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE, SPACE // 2, 2 * SPACE, SPACE // 2)
        column.addWidget(self.expander)
        self._timer = QTimer(self)
        self._timer.setInterval(DRAW_MILLISECONDS)
        self._timer.timeout.connect(self.draw)
        self.expander.set_open(session.preferences.options.spectrogram)
        self.expander.toggled.connect(lambda is_open: session.preferences.choose(spectrogram=is_open))
        self.expander.toggled.connect(self._follow)
        session.live.power_changed.connect(self._follow)
        self._follow()

    def draw(self) -> None:
        """Draw the last 3 s."""
        engine = self._session.live.engine
        if engine is not None and self.isVisible():
            for picture, audio in zip((self.input, self.output), engine.recent_audio(SECONDS), strict=True):
                picture.set_picture(spectrogram(audio, COLUMNS, SECONDS))

    def _follow(self) -> None:
        if self._session.preferences.options.spectrogram and self._session.live.engine is not None:
            self._timer.start()
            self.draw()
        else:
            self._timer.stop()
