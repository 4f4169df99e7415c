"""What keeps noise out of the conversion: suppression, and the gate that opens for level or for speech."""

from __future__ import annotations

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from gui.language import tr
from gui.session import Session
from gui.theme import SPACE
from gui.view.units import decibels_text
from gui.widgets.labelled_slider import LabelledSlider
from gui.widgets.labels import label
from gui.widgets.segments import Segments
from rtvc.dsp.noise_suppression import NoiseSuppression

GATE_OFF_DBFS = -80
GATE_HIGHEST_DBFS = -20


class NoiseSection(QWidget):
    """Chooses noise suppression and the noise gate."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self.suppression = Segments(
            tr("Noise suppression"),
            [
                (NoiseSuppression.OFF, tr("off")),
                (NoiseSuppression.LIGHT, tr("light")),
                (NoiseSuppression.STRONG, tr("strong")),
            ],
        )
        self.suppression.setToolTip(tr("Removes fan and keyboard noise before the conversion; adds 20 ms of delay"))
        self.suppression.chosen.connect(lambda level: self._use(noise_suppression=level))
        self.opens_for = Segments(
            tr("Noise gate"), [(False, tr("opens above level")), (True, tr("opens for speech"))]
        )
        self.opens_for.setToolTip(tr("Sends silence below the threshold, or when nobody speaks"))
        self.opens_for.chosen.connect(lambda speech: self._use(speech_gate=speech))
        self.gate = LabelledSlider(
            tr("Threshold"),
            tr("Sound below this level counts as silence"),
            ("", ""),
            lambda position: tr("off") if position <= GATE_OFF_DBFS else decibels_text(position),
            GATE_HIGHEST_DBFS,
            GATE_OFF_DBFS,
        )
        self.gate.moved.connect(
            lambda position: session.preferences.change(
                gate_threshold_dbfs=None if position <= GATE_OFF_DBFS else float(position)
            )
        )
        column.addWidget(label(tr("Noise suppression"), "caption"))
        column.addWidget(self.suppression)
        column.addWidget(label(tr("Noise gate"), "caption"))
        column.addWidget(self.opens_for)
        column.addWidget(self.gate)
        session.preferences.settings_changed.connect(self._show)
        self._show()

    def _use(self, **values: object) -> None:
        self._session.preferences.change_noise(**values)
        self._show()

    def _show(self) -> None:
        settings = self._session.preferences.settings
        self.suppression.set_value(settings.noise_suppression)
        self.opens_for.set_value(settings.speech_gate)
        self.gate.setVisible(not settings.speech_gate)
        threshold = settings.gate_threshold_dbfs
        self.gate.set_position(GATE_OFF_DBFS if threshold is None else round(threshold))
