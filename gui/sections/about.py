"""About: version, licences, where data lies, diagnostics for a bug report, and the setup guide again."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QUrl, pyqtSignal
from PyQt6.QtGui import QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import QGridLayout, QPushButton, QWidget

from gui.language import tr
from gui.phrases import translated
from gui.session import Session
from gui.theme import SPACE
from gui.widgets.card import Card
from gui.widgets.expander import Expander
from gui.widgets.flow import Flow
from gui.widgets.labels import label
from rtvc.app import about


class AboutSection(Card):
    """Shows what `rtvc.app.about` tells."""

    guide_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("About"), parent)
        self._session = session
        own = about.component("rtvc")
        self.body.addWidget(
            label(
                tr(
                    "rtvc {version}, a real-time voice changer. Licence: {licence}. Sound leaves this computer only "
                    "if you choose a server.",
                    version=own.version,
                    licence=own.licence,
                ),
                wrap=True,
            )
        )
        actions = Flow()
        self.copy = QPushButton(tr("Copy diagnostics"))
        self.copy.setToolTip(
            tr("Copy versions, system and the latest crash report for a bug report; nothing private")
        )
        self.copy.clicked.connect(self._copy)
        self.guide = QPushButton(tr("Open the setup guide"))
        self.guide.clicked.connect(self.guide_wanted)
        for button in (self.copy, self.guide):
            actions.add(button)
        self.body.addWidget(actions)
        self.places = Expander(tr("Where data is stored"))
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        for row, (place_name, path) in enumerate(about.places()):
            words = translated(place_name)
            grid.addWidget(label(words, "caption"), row, 0, Qt.AlignmentFlag.AlignTop)
            place = QPushButton(str(path))
            place.setProperty("kind", "link")
            place.setAccessibleName(tr("Open the folder: {name}", name=words))
            place.setToolTip(str(path))
            place.setMinimumWidth(0)
            place.clicked.connect(lambda checked, path=path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
            grid.addWidget(place, row, 1)
        self.places.body.addLayout(grid)
        self.body.addWidget(self.places)
        self.licences = Expander(tr("Licences and credits"))
        self._credits = label("", "caption", wrap=True)
        self.licences.body.addWidget(self._credits)
        self.licences.toggled.connect(self._list_licences)
        self.body.addWidget(self.licences)

    def _list_licences(self, is_open: bool) -> None:
        """List them when somebody wants to see them: to read all packages' metadata takes 50 ms."""
        if is_open and not self._credits.text():
            lines = [f"{one.name} {one.version}: {one.licence}" for one in about.components()]
            self._credits.setText("\n".join([*lines, "", *about.credits()]))

    def _copy(self) -> None:
        self._session.tasks.start(lambda control: about.diagnostics(), self._copied, self._session.failed.emit)

    def _copied(self, text: str) -> None:
        clipboard = QGuiApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(text)
        self._session.noticed.emit(tr("The diagnostics were copied. Paste them into a bug report."))
