"""How the voice is converted: strength, transport, K, pitch, effects, noise, gains, presets."""

from __future__ import annotations

from PyQt6.QtWidgets import QWidget

from gui.language import number, tr
from gui.sections.effects import EffectsSection
from gui.sections.noise import NoiseSection
from gui.sections.transport import TransportSection
from gui.session import Session
from gui.theme import SPACE
from gui.view.transports import block_sizes, nearest_block_size
from gui.view.units import gain_text, percent_text, semitones_text
from gui.widgets.card import Card
from gui.widgets.expander import Expander
from gui.widgets.labelled_slider import LabelledSlider
from gui.widgets.preset_button import PresetButton
from rtvc.transport.formants import LARGEST_FORMANTS

PITCH_SEMITONES = 12
FORMANTS_PERCENT = round(100 * (LARGEST_FORMANTS - 1))
INTONATION_PERCENT = 200
GAIN_DB = 24


class SoundSection(Card):
    """Strength, K, pitch and effects; transport, intonation, noise and gains under Details."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(tr("Sound"), parent)
        self._session = session
        self._sizes: tuple[int, ...] = (1,)
        self.strength = LabelledSlider(
            tr("Strength"),
            tr("How far to move from your own voice towards the chosen one"),
            (tr("my voice"), tr("the chosen voice")),
            lambda position: percent_text(position / 100),
        )
        self.strength.moved.connect(lambda position: session.preferences.change_map(strength=position / 100))
        self.similarity = LabelledSlider(
            tr("Similarity and clarity"),
            tr("K, the number of feature dimensions mapped together: small is clearer, large is more similar"),
            (tr("clearer"), tr("more similar")),
            self._size_text,
            0,
        )
        self.similarity.moved.connect(self._choose_size)
        self.pitch = LabelledSlider(
            tr("Pitch"),
            tr("Raise or lower the converted voice"),
            (tr("lower"), tr("higher")),
            semitones_text,
            PITCH_SEMITONES,
            -PITCH_SEMITONES,
        )
        self.pitch.moved.connect(lambda position: session.preferences.change(pitch_semitones=float(position)))
        self.formants = LabelledSlider(
            tr("Formants"),
            tr("Make the converted voice sound like a larger or smaller body, at the same pitch"),
            (tr("larger body"), tr("smaller body")),
            lambda position: tr("{number}%", number=number(position, signed=True)) if position else tr("unchanged"),
            FORMANTS_PERCENT,
            -FORMANTS_PERCENT,
        )
        self.formants.moved.connect(lambda position: session.preferences.change(formants=1 + position / 100))
        self.intonation = LabelledSlider(
            tr("Intonation"),
            tr("How lively the melody of speech is: 0% is monotone, 100% is the chosen voice's own"),
            (tr("monotone"), tr("lively")),
            lambda position: percent_text(position / 100),
            INTONATION_PERCENT,
        )
        self.intonation.moved.connect(lambda position: session.preferences.change(intonation=position / 100))
        self.input_gain = LabelledSlider(
            tr("Microphone gain"), tr("Gain before the conversion"), ("", ""), gain_text, GAIN_DB, -GAIN_DB
        )
        self.input_gain.moved.connect(lambda position: session.preferences.change(input_gain_db=float(position)))
        self.output_gain = LabelledSlider(
            tr("Output gain"), tr("Gain of the converted voice"), ("", ""), gain_text, GAIN_DB, -GAIN_DB
        )
        self.output_gain.moved.connect(lambda position: session.preferences.change(output_gain_db=float(position)))
        self.noise = NoiseSection(session)
        self.presets = PresetButton(session)
        self.header.addWidget(self.presets)
        self.body.setSpacing(2 * SPACE)
        self.body.addWidget(self.strength)
        self.body.addWidget(self.similarity)
        self.body.addWidget(self.pitch)
        self.effects = EffectsSection(session)
        self.body.addWidget(self.effects)
        self.transport = TransportSection(session)
        self.more = Expander(tr("Details"))
        for widget in (self.formants, self.intonation, self.transport, self.noise, self.input_gain, self.output_gain):
            self.more.body.addWidget(widget)
        self.more.set_open(session.preferences.options.sound_details)
        self.more.toggled.connect(lambda is_open: session.preferences.choose(sound_details=is_open))
        self.body.addWidget(self.more)
        session.preferences.settings_changed.connect(self._show_settings)
        session.packs.figures_changed.connect(self._show_pack)
        self._show_pack()

    def _show_pack(self) -> None:
        figures = self._session.packs.figures
        self._sizes = block_sizes(figures.learned_dim) if figures else (1,)
        self.similarity.set_maximum(len(self._sizes) - 1)
        self._show_settings()

    def _show_settings(self) -> None:
        settings = self._session.preferences.settings
        self.strength.set_position(round(settings.map.strength * 100))
        self.similarity.setVisible(settings.map.transport == "mkl" and len(self._sizes) > 1)
        wanted = settings.map.block_size or self._default_size()
        self.similarity.set_position(nearest_block_size(self._sizes, wanted))
        figures = self._session.packs.figures
        for slider in (self.pitch, self.intonation):
            slider.setVisible(figures is not None and figures.has_pitch)
        self.formants.setVisible(figures is not None and figures.has_formants)
        self.pitch.set_position(round(settings.pitch_semitones))
        self.formants.set_position(round(100 * (settings.formants - 1)))
        self.intonation.set_position(round(settings.intonation * 100))
        self.input_gain.set_position(round(settings.input_gain_db))
        self.output_gain.set_position(round(settings.output_gain_db))

    def _choose_size(self, position: int) -> None:
        size = self._sizes[position]
        self._session.preferences.change_map(block_size=None if size == self._default_size() else size)

    def _default_size(self) -> int:
        figures = self._session.packs.figures
        return figures.block_size if figures else 1

    def _size_text(self, position: int) -> str:
        size = self._sizes[min(position, len(self._sizes) - 1)]
        if size == self._default_size():
            return tr("default")
        return tr("clearer") if size < self._default_size() else tr("more similar")
