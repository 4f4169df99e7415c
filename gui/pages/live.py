"""The live page: power, devices, voices, sound, meters."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QVBoxLayout, QWidget

from gui.dialogs.effects import EffectsDialog
from gui.dialogs.enrolment import EnrolmentDialog
from gui.dialogs.virtual_microphone import VirtualMicrophoneDialog
from gui.sections.devices import DevicesSection
from gui.sections.meters import MetersSection
from gui.sections.power import PowerSection
from gui.sections.sound import SoundSection
from gui.sections.soundboard import SoundboardSection
from gui.sections.spectrogram_drawer import SpectrogramDrawer
from gui.sections.voices import VoicesSection
from gui.session import Session
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
        self.power = PowerSection(session)
        self.devices = DevicesSection(session)
        self.voices = VoicesSection(session)
        self.sound = SoundSection(session)
        self.soundboard = SoundboardSection(session)
        self.meters = MetersSection(session)
        columns = Columns(
            (
                Arrangement(
                    1160,
                    ((self.power, self.devices, self.soundboard), (self.voices,), (self.meters, self.sound)),
                    (10, 15, 10),
                ),
                Arrangement(
                    NARROW,
                    ((self.power, self.devices, self.meters, self.soundboard), (self.voices, self.sound)),
                    (9, 10),
                ),
                Arrangement(
                    0, ((self.power, self.voices, self.sound, self.devices, self.meters, self.soundboard),), (1,)
                ),
            )
        )
        ground = Ground()
        rows = QVBoxLayout(ground)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(columns, 1)
        self.area.setWidget(ground)
        self.devices.microphone_wanted.connect(self.set_up_microphone)
        self.devices.enrolment_wanted.connect(self.teach_voice)
        self.sound.transport.enrolment_wanted.connect(self.teach_voice)
        self.sound.effects.edit_wanted.connect(self.edit_effects)
        QWidget.setTabOrder(self.devices.monitor, self.drawer.expander.button)

    def set_up_microphone(self) -> None:
        """Open the wizard of the virtual microphone."""
        self._open(VirtualMicrophoneDialog(self._session, self.window()))

    def teach_voice(self) -> None:
        """Open the wizard that learns the user's voice."""
        self._open(EnrolmentDialog(self._session, self.window()))

    def edit_effects(self) -> None:
        """Open the effects one by one."""
        self._open(EffectsDialog(self._session, self.window()))

    @staticmethod
    def _open(dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
