"""Which map moves your voice to the other: what each is like, what it needs, and how far its fit is."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.status import Status
from gui.view.transports import transport_words
from gui.view.units import percent_text
from gui.widgets.choice import Choice
from gui.widgets.labels import label, set_text, set_tone
from rtvc.live.snapshot import Snapshot
from rtvc.transport import FITS, FITTED_ON_FRAMES
from rtvc.transport.trained_maps import MapLibrary


class TransportSection(QWidget):
    """A part of the sound section."""

    enrolment_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._maps_of = ("", "")
        self._maps: list[str] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE // 2)
        self.choice = Choice(tr("Transport"))
        self.choice.chosen.connect(session.preferences.choose_transport)
        column.addWidget(self.choice)
        self.sentence = label("", "caption", wrap=True)
        column.addWidget(self.sentence)
        self.teach = QPushButton(tr("Teach rtvc your voice…"))
        self.teach.setProperty("kind", "link")
        self.teach.clicked.connect(self.enrolment_wanted)
        column.addWidget(self.teach)
        self.fit = QWidget()
        row = QHBoxLayout(self.fit)
        row.setContentsMargins(0, SPACE // 2, 0, 0)
        row.setSpacing(2 * SPACE)
        self.share = label("", "caption")
        row.addWidget(self.share)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(tr("Progress of fitting the map"))
        row.addWidget(self.bar, 1)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setProperty("kind", "quiet")
        self.cancel.setAccessibleName(tr("Cancel fitting the map"))
        self.cancel.clicked.connect(session.preferences.cancel_fit)
        row.addWidget(self.cancel)
        column.addWidget(self.fit)
        session.preferences.settings_changed.connect(self._show)
        session.enrolment.changed.connect(self._show)
        session.packs.figures_changed.connect(self._show)
        session.live.polled.connect(self._poll)
        self._show()
        self._poll(session.live.snapshot, session.live.status)

    def _show(self) -> None:
        chosen = self._session.preferences.settings.map.transport
        names = [*FITS, *self._trained_maps()]
        self.choice.fill([(name, transport_words(name).name) for name in names], chosen)
        lacking = chosen in FITTED_ON_FRAMES and self._session.enrolment.enrolment is None
        sentences = [transport_words(chosen).sentence]
        if chosen == "mkl" and (figures := self._session.packs.figures) is not None:
            size = self._session.preferences.settings.map.block_size or figures.block_size
            sentences.append(
                tr("It maps K = {size} of {count} feature dimensions together.", size=size, count=figures.learned_dim)
            )
        if lacking:
            sentences.append(tr("To use it, teach rtvc your voice first. Until then, MKL is used."))
        self.sentence.setText(" ".join(sentences))
        set_tone(self.sentence, "caution" if lacking else "")
        self.teach.setVisible(lacking)

    def _trained_maps(self) -> list[str]:
        """Return the names of the trained maps that lead to the chosen voice; read anew for another."""
        figures = self._session.packs.figures
        wanted = self._session.preferences.settings.voice, "" if figures is None else figures.digest
        if wanted != self._maps_of:
            self._maps_of = wanted
            self._maps = [name for name, _ in MapLibrary().leading_to(*wanted)]
        return self._maps

    def _poll(self, snapshot: Snapshot, status: Status) -> None:
        share = snapshot.fit_progress
        self.fit.setVisible(share is not None)
        if share is not None:
            self.bar.setValue(round(1000 * share))
            set_text(self.share, tr("Fitting: {percent}", percent=percent_text(share)))
