"""What the user chose: engine settings, devices and pack, panel options, presets. Saved shortly after each change.

Lives on the GUI thread.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from gui.options import Options
from rtvc.app import presets
from rtvc.app.effects import find_effects
from rtvc.app.preferences import PreferenceFile, Preferences, Preset, Wiring
from rtvc.dsp.plugins import PluginEffect
from rtvc.errors import RtvcError
from rtvc.settings import Settings
from rtvc.transport import KEPT
from rtvc.voices.library import with_new_name

SAVE_MILLISECONDS = 400


class PreferencesModel(QObject):
    """The user's choices, as one immutable value that is replaced at each change.

    Signals
    -------
    settings_changed, wiring_changed, options_changed, presets_changed
        That part of `value` was replaced.
    failed
        A sentence: the file could not be read or written.
    """

    settings_changed = pyqtSignal()
    wiring_changed = pyqtSignal()
    options_changed = pyqtSignal()
    presets_changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, file: PreferenceFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._load_failure = ""
        self.value = Preferences()
        try:
            self.value = file.load()
        except RtvcError as error:
            self._load_failure = str(error)
        self.options = Options.from_json(self.value.panel)
        self._transport_before = Settings().map.transport
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_MILLISECONDS)
        self._save_timer.timeout.connect(self.save)

    @property
    def settings(self) -> Settings:
        """What the engine is asked to do."""
        return self.value.settings

    @property
    def wiring(self) -> Wiring:
        """The devices and the pack that the engine is built from."""
        return self.value.wiring

    def report_load_failure(self) -> None:
        """Emit `failed` if the file could not be read; call it once the window is listening."""
        if self._load_failure:
            self.failed.emit(self._load_failure)

    def change(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Settings
        """Replace some of the settings; a running engine follows at once.

        A trained map leads to one voice alone: with another voice, MKL takes its place.
        """
        changed = replace(self.settings, **values)
        if changed.map.trained and "map" not in values and changed.voice != self.settings.voice:
            changed = replace(changed, map=replace(changed.map, transport="mkl"))
        self._use(changed)

    def change_map(self, **values: Any) -> None:  # noqa: ANN401 - the fields of MapChoice
        """Replace transport, block size or strength."""
        self.change(map=replace(self.settings.map, **values))

    def choose_effects(self, name: str) -> None:
        """Use effects by their name, or those of a `.json` file; `failed` tells why they cannot be used."""
        try:
            self.change(effects=find_effects(name))
        except RtvcError as error:
            self.failed.emit(str(error))

    def replace_effect(self, before: PluginEffect, after: PluginEffect) -> None:
        """Take the values of a plug-in's window, unless that effect is gone or was changed here in the meantime."""
        rack = self.settings.effects
        if before in rack.effects:
            index = rack.effects.index(before)
            self.change(effects=replace(rack, effects=(*rack.effects[:index], after, *rack.effects[index + 1 :])))

    def change_noise(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Settings
        """Replace settings that may need RNNoise; `failed` tells if it is not installed."""
        try:
            replace(self.settings, **values).check_libraries()
            self.change(**values)
        except RtvcError as error:
            self.failed.emit(str(error))

    def choose_transport(self, name: str) -> None:
        """Choose another transport; `cancel_fit` returns from one that takes long to fit."""
        if self.settings.map.transport not in KEPT:
            self._transport_before = self.settings.map.transport
        self.change_map(transport=name)

    def cancel_fit(self) -> None:
        """Stop fitting and return to the previous transport."""
        self.change_map(transport=self._transport_before)

    def _use(self, settings: Settings) -> None:
        if settings != self.settings:
            self.value = replace(self.value, settings=settings)
            self._save_timer.start()
            self.settings_changed.emit()

    def rewire(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Wiring
        """Replace devices or the pack; a running engine is rebuilt."""
        wiring = replace(self.wiring, **values)
        if wiring != self.wiring:
            self.value = replace(self.value, wiring=wiring)
            self._save_timer.start()
            self.wiring_changed.emit()

    def choose(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Options
        """Replace some of the panel's own options."""
        options = replace(self.options, **values)
        if options != self.options:
            self.options = options
            self.value = replace(self.value, panel=options.to_json())
            self._save_timer.start()
            self.options_changed.emit()

    def store_preset(self, name: str) -> None:
        """Store settings and latency profile under a name; `failed` tells why that name cannot be used."""
        self._store(name, Preset(self.settings, self.options.profile))

    def duplicate_preset(self, name: str, new_name: str) -> None:
        """Store a preset under another name, with the present voice and levels if it has none of its own."""
        self._store(new_name, presets.find_preset(self.value, name, self.settings))

    def _store(self, name: str, preset: Preset) -> None:
        try:
            name = presets.new_preset_name(name)
        except RtvcError as error:
            self.failed.emit(str(error))
            return
        self._keep_presets({**self.value.presets, name: preset})

    def apply_preset(self, name: str, voices: Collection[str]) -> None:
        """Take settings and latency profile of a preset, given the names of the voices that exist."""
        preset, warning = presets.apply_preset(self.value, name, self.settings, voices)
        if warning:
            self.failed.emit(warning)
        self._use(preset.settings)
        if preset.profile is not None:
            self.choose(profile=preset.profile)

    def remove_preset(self, name: str) -> None:
        """Delete one of the user's presets."""
        self._keep_presets({key: value for key, value in self.value.presets.items() if key != name})

    def follow_renamed_voice(self, name: str, new_name: str) -> None:
        """Let settings and presets refer to a voice by its new name."""
        kept = {}
        for key, preset in self.value.presets.items():
            voice = with_new_name(preset.settings.voice, name, new_name)
            kept[key] = replace(preset, settings=replace(preset.settings, voice=voice))
        self._keep_presets(kept)
        if (voice := with_new_name(self.settings.voice, name, new_name)) != self.settings.voice:
            self.change(voice=voice)

    def _keep_presets(self, kept: dict[str, Preset]) -> None:
        self.value = replace(self.value, presets=kept)
        self._save_timer.start()
        self.presets_changed.emit()

    def save(self) -> None:
        """Write the file now; `failed` tells why it could not be written."""
        try:
            self._file.save(self.value)
        except RtvcError as error:
            self.failed.emit(str(error))

    def close(self) -> None:
        """Save what has not been saved yet."""
        if self._save_timer.isActive():
            self._save_timer.stop()
            self.save()
