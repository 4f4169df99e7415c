"""A server that computes in place of this computer: address, token file, and what to send while it is lost."""

from __future__ import annotations

from PyQt6.QtWidgets import QCheckBox, QFileDialog, QLineEdit, QPushButton, QWidget

from gui.language import tr
from gui.models.preferences import PreferencesModel
from gui.view.units import shortened_path
from gui.widgets.card import Card
from gui.widgets.flow import Flow
from gui.widgets.labels import explain, label

EXAMPLE = "https://192.168.1.20:8788"


class ServerSection(Card):
    """Chooses where the voice is changed; a running engine is rebuilt."""

    def __init__(self, preferences: PreferencesModel, parent: QWidget | None = None) -> None:
        super().__init__(tr("Server"), parent)
        self._preferences = preferences
        self.body.addWidget(
            label(
                tr(
                    "Let another computer run the models. Start `rtvc serve` there, and copy its token file to "
                    "this computer."
                ),
                "caption",
                wrap=True,
            )
        )
        self.address = QLineEdit()
        self.address.setAccessibleName(tr("Address of the server"))
        self.address.setPlaceholderText(EXAMPLE)
        explain(self.address, tr("Empty: the models run on this computer"))
        self.address.editingFinished.connect(lambda: preferences.choose(server=self.address.text().strip()))
        self.body.addWidget(self.address)
        buttons = Flow()
        self.token = QPushButton()
        self.token.setAccessibleName(tr("Token file of the server"))
        self.token.clicked.connect(self._pick)
        self.forget = QPushButton(tr("Remove token file"))
        self.forget.clicked.connect(lambda: preferences.choose(server_token=""))
        for button in (self.token, self.forget):
            buttons.add(button)
        self.body.addWidget(buttons)
        self.bypass = QCheckBox(tr("Own voice if disconnected"))
        explain(self.bypass, tr("If this is off, listeners hear silence until the connection is back"))
        self.bypass.clicked.connect(lambda on: preferences.choose(server_bypass=on))
        self.body.addWidget(self.bypass)
        preferences.options_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        options = self._preferences.options
        if self.address.text().strip() != options.server:
            self.address.setText(options.server)
        chosen = options.server_token
        self.token.setText(shortened_path(chosen) if chosen else tr("Choose the token file"))
        self.forget.setVisible(bool(chosen))
        self.bypass.setChecked(options.server_bypass)

    def _pick(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Token file of the server"))
        if path:
            self._preferences.choose(server_token=path)
