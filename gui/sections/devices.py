"""Microphone, output and monitor."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton, QToolButton, QWidget

from gui.hotkeys import explained
from gui.icons import set_icon
from gui.language import tr
from gui.phrases import translated
from gui.session import Session
from gui.view.units import gain_text
from gui.widgets.card import Card
from gui.widgets.choice import Choice
from gui.widgets.flow import Flow
from gui.widgets.labelled_slider import LabelledSlider
from gui.widgets.labels import explain, label
from gui.widgets.toggle import Toggle
from rtvc.app.devices import DeviceChoice, device_choices
from rtvc.devices.portaudio import DeviceIdentity, Direction

MONITOR_DB = range(-40, 7)


class DevicesSection(Card):
    """Microphone, output, monitor."""

    microphone_wanted = pyqtSignal()
    enrolment_wanted = pyqtSignal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Sound devices"), parent)
        self._session = session
        self.refresh = QToolButton()
        self.refresh.setToolTip(tr("Look for devices again"))
        self.refresh.setAccessibleName(tr("Look for devices again"))
        set_icon(self.refresh, "refresh", "muted")
        self.refresh.clicked.connect(session.devices.reload)
        self.header.addWidget(self.refresh)

        self.microphone = self._list(tr("Microphone"), "microphone")
        self.output = self._list(tr("Output"), "output")
        self.hint = label("", "caption", wrap=True)
        self.body.addWidget(self.hint)
        self.create_button = QPushButton(tr("Create it now"))
        self.create_button.clicked.connect(session.devices.make_virtual_microphone)
        self.body.addWidget(self.create_button)

        actions = Flow()
        self.setup = self._quiet(tr("Discord and OBS…"), tr("Set up the virtual microphone and test it"))
        self.setup.clicked.connect(self.microphone_wanted)
        self.teach = self._quiet("", tr("Read aloud for 20 s, so that even your first words are converted well"))
        self.teach.clicked.connect(self.enrolment_wanted)
        actions.add(self.setup)
        actions.add(self.teach)
        self.body.addWidget(actions)

        self.monitor = Toggle(tr("Hear myself"), "headphones")
        self.monitor.clicked.connect(session.devices.hear_myself)
        self.body.addWidget(self.monitor)
        self.monitor_device = self._list(tr("Play to"), "monitor")
        self.monitor_gain = LabelledSlider(
            tr("Monitor volume"),
            tr("How loudly you hear yourself"),
            ("", ""),
            gain_text,
            MONITOR_DB[-1],
            MONITOR_DB[0],
        )
        self.monitor_gain.moved.connect(lambda position: session.preferences.change(monitor_gain_db=float(position)))
        self.body.addWidget(self.monitor_gain)

        session.preferences.options_changed.connect(self._explain)
        session.devices.changed.connect(self._show_devices)
        session.preferences.wiring_changed.connect(self._show_devices)
        session.enrolment.changed.connect(self._show_enrolment)
        session.preferences.settings_changed.connect(self._show_settings)
        self._explain()
        self._show_devices()
        self._show_enrolment()
        self._show_settings()

    def _explain(self) -> None:
        explain(
            self.monitor,
            explained(tr("Lets you hear what listeners hear"), self._session.preferences.options, "monitor"),
        )

    @staticmethod
    def _quiet(words: str, explanation: str) -> QPushButton:
        button = QPushButton(words)
        button.setProperty("kind", "link")
        button.setToolTip(explanation)
        return button

    def _list(self, name: str, field: str) -> Choice:
        choice = Choice(name)
        choice.chosen.connect(lambda identity: self._session.preferences.rewire(**{field: identity}))
        self.body.addWidget(choice)
        return choice

    def _show_devices(self) -> None:
        wiring, microphone = self._session.preferences.wiring, self._session.devices.virtual_microphone
        first = microphone.name or tr("Virtual microphone (none yet)")
        self._fill(self.microphone, self._with_missing("input", wiring.microphone), wiring.microphone)
        listed = [DeviceChoice(None, first), *self._with_missing("output", wiring.output)[1:]]
        self._fill(self.output, listed, wiring.output)
        monitors = self._with_missing("output", wiring.monitor)[1:]
        self._fill(self.monitor_device, monitors, wiring.monitor)
        virtual = wiring.output is None
        self.create_button.setVisible(virtual and not microphone.name and microphone.can_create)
        if virtual and microphone.name:
            self.hint.setText(
                tr("In Discord or OBS, choose “{microphone}” as the microphone.", microphone=microphone.name)
            )
        elif virtual:
            self.hint.setText(translated(microphone.explanation))
        else:
            self.hint.setText(
                tr("The converted voice plays on this device. Others hear it only through a virtual cable.")
            )

    def _with_missing(self, direction: Direction, wanted: DeviceIdentity | None) -> list[DeviceChoice]:
        """List the devices, and the chosen one even if it is unplugged."""
        choices = device_choices(self._session.devices.devices, direction)
        if wanted is not None and wanted not in {choice.identity for choice in choices}:
            choices.append(DeviceChoice(wanted, tr("{device} (not plugged in)", device=wanted.name)))
        return choices

    @staticmethod
    def _fill(list_: Choice, choices: list[DeviceChoice], chosen: DeviceIdentity | None) -> None:
        list_.fill([(choice.identity, translated(choice.label)) for choice in choices], chosen)

    def _show_enrolment(self) -> None:
        self.teach.setText(tr("My voice…") if self._session.enrolment.enrolment else tr("Teach rtvc your voice…"))

    def _show_settings(self) -> None:
        settings = self._session.preferences.settings
        self.monitor.setChecked(settings.monitor)
        for widget in (self.monitor_gain, self.monitor_device):
            widget.setVisible(settings.monitor)
        self.monitor_gain.set_position(round(settings.monitor_gain_db))
