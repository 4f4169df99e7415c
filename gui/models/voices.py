"""The voices: list, search, hotkeys, adding, sharing, renaming, deleting with undo, recording a new one.

Lives on the GUI thread; analysis and recording run in tasks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import tr
from gui.models.devices import DevicesModel
from gui.models.preferences import PreferencesModel
from gui.options import VoiceOrder
from gui.phrases import translated
from gui.tasks import Control, Task, Tasks
from gui.view.voices import Outline, envelope
from rtvc.app import models, voices
from rtvc.errors import RtvcError
from rtvc.voices import exchange
from rtvc.voices.library import VoiceLibrary, voice_names
from rtvc.voices.voice import Voice

RECORD_SECONDS = 5.0
SLOTS = 9
REGISTERS = ("low", "medium", "high")


class VoicesModel(QObject):
    """The voices of a library, and which one is chosen.

    Signals
    -------
    changed
        The list has changed.
    outline_ready
        Name of a voice whose outline is known now.
    recording_changed
        The recording of a voice is another one now.
    deleted
        Name of a voice that was hidden; `undo_deletion` or `settle_deletion` follow.
    recording_progressed, recorded
        Share of a new voice's recording, 0 … 1 (below 0: none is being made), and its file.
    failed, noticed
        A sentence for the user.
    """

    changed = pyqtSignal()
    outline_ready = pyqtSignal(str)
    recording_changed = pyqtSignal()
    deleted = pyqtSignal(str)
    recording_progressed = pyqtSignal(float)
    recorded = pyqtSignal(object)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        devices: DevicesModel,
        tasks: Tasks,
        library: VoiceLibrary,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._devices = devices
        self._tasks = tasks
        self._library = library
        self._scratch = tempfile.TemporaryDirectory(prefix="rtvc-panel-", ignore_cleanup_errors=True)
        self.voices: Sequence[Voice] = ()
        self.outlines: dict[Path, Outline] = {}
        self._hidden: set[str] = set()
        self._adding: set[str] = set()
        self._recording: Task | None = None

    def reload(self) -> None:
        """List the voices again; choose the first one if the chosen one is gone."""
        self.voices = [voice for voice in self._library.list() if voice.name not in self._hidden]
        listed = {voice.reference for voice in self.voices}
        self.outlines = {path: outline for path, outline in self.outlines.items() if path in listed}
        for voice in self.voices:
            if voice.reference not in self.outlines:
                self.outlines[voice.reference] = Outline()
                self._tasks.start(partial(_outline, voice), partial(self._take_outline, voice), self.failed.emit)
        if not self._preferences.options.voice_slots:
            self._give_slots([voice.name for voice in self.voices])
        self.changed.emit()

    def choose_existing(self) -> None:
        """Choose the first voice if the chosen one, or a part of the chosen blend, does not exist."""
        chosen = self._preferences.settings.voice
        if self.voices and not voice_names(chosen) <= self.names():
            self._preferences.change(voice=self.voices[0].name)

    def _take_outline(self, voice: Voice, outline: Outline) -> None:
        if voice.reference in self.outlines:
            self.outlines[voice.reference] = outline
            self.outline_ready.emit(voice.name)

    def find(self, name: str) -> Voice:
        """Return the listed voice of a name."""
        return next(voice for voice in self.voices if voice.name == name)

    def names(self) -> set[str]:
        """Return the names of the listed voices."""
        return {voice.name for voice in self.voices}

    def taken_names(self) -> set[str]:
        """Return all names in use, including voices that are being added or whose deletion can be undone."""
        return self.names() | self._hidden | self._adding

    def slot(self, name: str) -> int | None:
        """Return the number of the hotkey that chooses a voice, or None."""
        slots = self._preferences.options.voice_slots
        return next((int(number) for number, voice in slots.items() if voice == name), None)

    def assign_slot(self, name: str, number: int) -> None:
        """Let the hotkey of a number choose a voice instead of its previous one; 0 removes the voice's hotkey."""
        slots = {key: voice for key, voice in self._preferences.options.voice_slots.items() if voice != name}
        if number:
            slots[str(number)] = name
        self._preferences.choose(voice_slots=slots)

    def choose_slot(self, number: int) -> None:
        """Choose the voice of a hotkey, if it has one."""
        name = self._preferences.options.voice_slots.get(str(number))
        if name in self.names():
            self._preferences.change(voice=name)

    def toggle_favourite(self, name: str) -> None:
        """Mark a voice as a favourite, or unmark it."""
        favourites = self._preferences.options.favourites
        kept = tuple(one for one in favourites if one != name)
        self._preferences.choose(favourites=kept if name in favourites else (*kept, name))

    def shown(self, search: str) -> list[Voice]:
        """Return the voices whose name or description contains a text: favourites first, then in the user's order."""
        options = self._preferences.options
        wanted = search.casefold().split()

        def matches(voice: Voice) -> bool:
            text = " ".join((voice.name, translated(voice.description), translated(voice.register))).casefold()
            return all(word in text for word in wanted)

        def key(voice: Voice) -> tuple[bool, object, str]:
            order: object = 0
            if options.voice_order is VoiceOrder.REGISTER:
                order = REGISTERS.index(voice.register) if voice.register in REGISTERS else len(REGISTERS)
            elif options.voice_order is VoiceOrder.OWN_FIRST:
                order = voice.folder is None
            return voice.name not in options.favourites, order, voice.name.casefold()

        return sorted(filter(matches, self.voices), key=key)

    def duplicate(self, name: str, new_name: str) -> None:
        """Store a copy of a voice under another name."""
        self._store(new_name, lambda: self._library.duplicate(name, new_name))

    def clean(self, name: str) -> None:
        """Remove the noise from the recording of one of the user's voices."""
        pack = self._preferences.wiring.pack
        self._tasks.start(
            lambda control: voices.clean_voice(name, pack, voices=self._library),
            lambda cleaned: self._cleaned(name),
            self.failed.emit,
        )

    def _cleaned(self, name: str) -> None:
        self.recording_changed.emit()
        self.reload()
        self.noticed.emit(tr("The recording of {name} was cleaned.", name=name))

    def export(self, name: str, path: Path) -> None:
        """Write a voice to a `.rtvcvoice` file; the file dialog has asked before replacing one."""
        voice = self.find(name)
        self._tasks.start(
            lambda control: exchange.export_voice(voice, path, overwrite=True),
            lambda nothing: self.noticed.emit(tr("{name} was exported to {path}.", name=name, path=path)),
            self.failed.emit,
        )

    def import_file(self, path: Path) -> None:
        """Add the voice of a `.rtvcvoice` file, under its own name."""
        pack = self._preferences.wiring.pack

        def work(control: Control) -> Voice:
            return exchange.import_voice(self._library, path, models.open_pack(pack))

        self._tasks.start(work, lambda voice: self._added(voice.name), self.failed.emit)

    def _store(self, name: str, work: Callable[[], object]) -> None:
        self._adding.add(name)
        self._tasks.start(
            lambda control: work(),
            lambda result: self._added(name),
            self.failed.emit,
            finished=lambda: self._adding.discard(name),
        )

    def _added(self, name: str, warning: str | None = None) -> None:
        self.reload()
        self._give_slots([name])
        self._preferences.change(voice=name)
        self.noticed.emit(warning or tr("{name} is ready.", name=name))

    def _give_slots(self, names: Sequence[str]) -> None:
        """Give voices the hotkeys that are free; those of other voices never move."""
        slots = self._preferences.options.voice_slots
        kept = {number: name for number, name in slots.items() if name in self.names() | self._hidden}
        free = [str(number) for number in range(1, SLOTS + 1) if str(number) not in kept]
        without = (name for name in names if name not in kept.values())
        self._preferences.choose(voice_slots={**kept, **dict(zip(free, without, strict=False))})

    def add(self, name: str, recordings: Sequence[Path]) -> None:
        """Store a voice and choose it."""
        pack = self._preferences.wiring.pack
        self._adding.add(name)
        self.noticed.emit(tr("Adding {name} …", name=name))

        self._tasks.start(
            lambda control: voices.add_voice(name, recordings, pack, voices=self._library),
            lambda added: self._added(name, added.warning),
            self.failed.emit,
            finished=lambda: self._adding.discard(name),
        )

    def rename(self, name: str, new_name: str) -> None:
        """Rename one of the user's voices; presets follow."""
        try:
            self._library.rename(name, new_name)
        except RtvcError as error:
            self.failed.emit(str(error))
            return
        options = self._preferences.options
        self._preferences.choose(
            favourites=tuple(new_name if one == name else one for one in options.favourites),
            voice_slots={number: new_name if one == name else one for number, one in options.voice_slots.items()},
        )
        self.reload()
        self._preferences.follow_renamed_voice(name, new_name)

    def delete(self, name: str) -> None:
        """Hide a voice; `settle_deletion` deletes it, `undo_deletion` brings it back."""
        self._hidden.add(name)
        self.reload()
        self.choose_existing()
        self.deleted.emit(name)

    def undo_deletion(self, name: str) -> None:
        """Show a hidden voice again and choose it."""
        self._hidden.discard(name)
        self.reload()
        self._preferences.change(voice=name)

    def settle_deletion(self, name: str) -> None:
        """Delete a hidden voice for good."""
        if name in self._hidden:
            self._hidden.discard(name)
            try:
                self._library.remove(name)
            except RtvcError as error:
                self.failed.emit(str(error))
                self.reload()

    def record(self) -> None:
        """Record the microphone for a new voice, or cancel that; `recorded` carries the file."""
        if self._recording is not None:
            self._recording.cancel()
            return
        microphone = self._preferences.wiring.microphone

        def finished() -> None:
            self._recording = None
            self.recording_progressed.emit(-1.0)

        self._recording = self._devices.borrow(
            lambda control: voices.record_reference(
                microphone, RECORD_SECONDS, Path(self._scratch.name), progress=control.progress
            ),
            self.recorded.emit,
            self.failed.emit,
            self.recording_progressed.emit,
            finished,
        )
        if self._recording is not None:
            self.recording_progressed.emit(0.0)

    def close(self) -> None:
        """Delete the voices that are still hidden."""
        for name in list(self._hidden):
            self.settle_deletion(name)
        self._scratch.cleanup()


def _outline(voice: Voice, control: Control) -> Outline:
    sound = voices.reference(voice)
    return Outline(len(sound.audio) / sound.rate, envelope(sound.audio))
