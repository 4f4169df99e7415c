"""The live page: power, devices, voices, sound, meters."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QDialog, QVBoxLayout, QWidget

from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.sections.devices import DevicesSection
from gui.sections.meters import MetersSection
from gui.sections.power import PowerSection
from gui.sections.sound import SoundSection
from gui.sections.spectrogram_drawer import SpectrogramDrawer
from gui.sections.voices import VoicesSection
from gui.sections.welcome import WelcomeSection
from gui.session import Session
from gui.theme import SCROLL_BAR, SPACE
from gui.widgets.columns import Arrangement, Columns
from gui.widgets.page import Ground, Scroll

NARROW = 720


class LivePage(QWidget):
    """The sections in as many columns as fit, above the spectrogram drawer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.area = Scroll()
        self.drawer = SpectrogramDrawer(session)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.area, 1)
        column.addWidget(self.drawer)
        self.welcome = WelcomeSection(session)
        self.power = PowerSection(session)
        self.devices = DevicesSection(session)
        self.voices = VoicesSection(session)
        self.sound = SoundSection(session)
        self.meters = MetersSection(session)
        columns = Columns(
            (
                Arrangement(
                    1160,
                    ((self.power, self.devices), (self.voices, self.sound), (self.meters,)),
                    (10, 15, 10),
                ),
                Arrangement(NARROW, ((self.power, self.devices, self.sound), (self.voices, self.meters)), (9, 10)),
                Arrangement(0, ((self.power, self.voices, self.sound, self.devices, self.meters),), (1,)),
            )
        )
        ground = Ground()
        rows = QVBoxLayout(ground)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        self._greeting = QVBoxLayout()
        self._greeting.addWidget(self.welcome)
        rows.addLayout(self._greeting)
        rows.addWidget(columns, 1)
        self.area.setWidget(ground)
        for section in (self.welcome, self.devices):
            section.microphone_wanted.connect(self.set_up_microphone)
            section.enrolment_wanted.connect(self.teach_voice)
        self.sound.transport.enrolment_wanted.connect(self.teach_voice)
        session.preferences.options_changed.connect(self._align_greeting)
        QWidget.setTabOrder(self.devices.monitor, self.drawer.expander.button)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Align the greeting with the columns."""
        super().resizeEvent(event)
        self._align_greeting()

    def _align_greeting(self) -> None:
        margin = 2 * SPACE if self.width() >= NARROW else SPACE
        margin *= self.welcome.isVisibleTo(self)
        self._greeting.setContentsMargins(margin, margin, max(0, margin - SCROLL_BAR), 0)

    def set_up_microphone(self) -> None:
        """Open the wizard of the virtual microphone."""
        self._open(VirtualMicrophoneDialog(self._session, self.window()))

    def teach_voice(self) -> None:
        """Open the wizard that learns the user's voice."""
        self._open(EnrolmentDialog(self._session, self.window()))

    @staticmethod
    def _open(dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
