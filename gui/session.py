"""The panel's one model: what is chosen, what is running, and everything that the widgets ask for.

Lives on the GUI thread. What is slow goes through `Tasks`; the engine's own threads are never waited for here. A
timer polls `snapshot()`; signals tell only of rare events.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from gui.options import Options
from gui.protocol import Backend, LiveEngine, PackFigures, Player, Sound, VirtualMicrophoneState
from gui.tasks import Control, Task, Tasks
from gui.view_state import USUAL_TRANSPORT, Outline, Status, Troubles, envelope, known_voice, status
from rtvc.app.preferences import Preferences, Wiring
from rtvc.devices.portaudio import Device, find_device
from rtvc.dsp.resample import resample
from rtvc.errors import RtvcError
from rtvc.live.snapshot import Snapshot, State
from rtvc.settings import Settings
from rtvc.transport import KEPT
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.voice import Voice

POLL_MILLISECONDS = 50
SAVE_MILLISECONDS = 400
RECORD_SECONDS = 5.0
DEVICE_TASKS = 5
"""An engine that opens or stops, one that failed, a recording that ends, a list of devices, and who borrows one."""

_log = logging.getLogger(__name__)

_BUILT_OF = ("profile", "threads", "provider")
"""The options that an engine is built of."""


class Session(QObject):
    """Joins the widgets to a `Backend`.

    Signals
    -------
    settings_changed, wiring_changed, options_changed, presets_changed, voices_changed, devices_changed, pack_changed
        Something that is shown has changed.
    power_changed
        The engine was asked to start or to stop, or has done so.
    polled
        A snapshot and its status, twenty times a second while the engine runs, and at each change else.
    playing_changed
        The name of the voice whose reference or preview is heard, or empty; and the share that was played.
    outline_ready
        The name of a voice whose outline is known now.
    recording_progressed, recorded
        How much of a new voice has been recorded (below 0: nothing is being recorded), and the file.
    enrolment_heard, enrolment_progressed, enrolled, enrolment_failed
        Level, peak and seconds of speech while the user's own voice is learnt; how far that is; how it ended.
    enrolment_changed, enrolment_forgotten
        What is known of the user's voice at the microphone has changed; it was forgotten, which can be undone.
    tone_heard, tone_failed
        How loud a test tone came through the virtual microphone, or why it could not be sent.
    failed, noticed
        A sentence for the user: what went wrong, or what they should know.
    """

    settings_changed = pyqtSignal()
    wiring_changed = pyqtSignal()
    presets_changed = pyqtSignal()
    voices_changed = pyqtSignal()
    devices_changed = pyqtSignal()
    pack_changed = pyqtSignal()
    power_changed = pyqtSignal()
    options_changed = pyqtSignal()
    polled = pyqtSignal(object, object)
    playing_changed = pyqtSignal(str, float)
    outline_ready = pyqtSignal(str)
    voice_deleted = pyqtSignal(str)
    recording_progressed = pyqtSignal(float)
    recorded = pyqtSignal(object)
    enrolment_heard = pyqtSignal(float, float, float)
    enrolment_progressed = pyqtSignal(float)
    enrolled = pyqtSignal(str)
    enrolment_failed = pyqtSignal(str)
    enrolment_changed = pyqtSignal()
    enrolment_forgotten = pyqtSignal()
    tone_heard = pyqtSignal(float)
    tone_failed = pyqtSignal(str)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(self, backend: Backend, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backend = backend
        self.tasks = Tasks(self)
        # What opens and closes devices never waits behind downloads and the like.
        self._device_tasks = Tasks(self, DEVICE_TASKS)
        self._player = player
        self._greeting = ""
        self.preferences = Preferences()
        try:
            self.preferences = backend.load()
        except RtvcError as error:
            self._greeting = str(error)
        self.options = Options.from_json(self.preferences.panel)
        self.devices: Sequence[Device] = ()
        self.virtual_microphone = VirtualMicrophoneState("", False, "")
        self.voices: Sequence[Voice] = ()
        self.outlines: dict[Path, Outline] = {}
        self.pack = PackFigures(1, 1, 1)
        self.enrolment: Enrolment | None = None
        self.snapshot = Snapshot()
        self.status = Status.off()
        self.engine: LiveEngine | None = None
        self._wanted = False
        self._busy = False
        self._stale = False
        self._troubles = Troubles()
        self._hidden: set[str] = set()
        self._learning: set[str] = set()
        self._recorded_to = Path()
        self._ended = False
        self._listing = False
        self._to_create = False
        self._playing = ""
        self._preparing: Task | None = None
        self._recording: Task | None = None
        self._borrowing: Task | None = None
        self._enrolling: Task | None = None
        self._forgotten: tuple[Enrolment, Wiring] | None = None
        self._looking_up: Task | None = None
        self._transport_before = USUAL_TRANSPORT
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self.poll)
        self._save = QTimer(self)
        self._save.setSingleShot(True)
        self._save.setInterval(SAVE_MILLISECONDS)
        self._save.timeout.connect(self._save_now)

    def begin(self) -> None:
        """Look for voices, devices and the models; returns at once."""
        if self._greeting:
            self.failed.emit(self._greeting)
        self.reload_voices()
        if self.settings.voice not in {voice.name for voice in self.voices} and self.voices:
            self.change(voice=self.voices[0].name)
        self.reload_devices()
        self._load_pack()

    # What is chosen

    @property
    def settings(self) -> Settings:
        """What is asked of the engine."""
        return self.preferences.settings

    @property
    def wiring(self) -> Wiring:
        """What the engine is built of."""
        return self.preferences.wiring

    def change(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Settings
        """Replace some of the settings; a running engine takes them at once."""
        settings = replace(self.settings, **values)
        if settings != self.settings:
            self._use(settings)

    def change_map(self, **values: Any) -> None:  # noqa: ANN401 - the fields of MapChoice
        """Replace some of the choices of the map; a running engine takes them at once."""
        self.change(map=replace(self.settings.map, **values))

    def choose_transport(self, name: str) -> None:
        """Move features by another map; `cancel_fit` goes back from one that takes long to fit."""
        if self.settings.map.transport not in KEPT:
            self._transport_before = self.settings.map.transport
        self.change_map(transport=name)

    def cancel_fit(self) -> None:
        """Fit no longer, and go on with the map before."""
        self.change_map(transport=self._transport_before)

    def _use(self, settings: Settings) -> None:
        self.preferences = replace(self.preferences, settings=settings)
        if self.engine is not None:
            self.engine.settings = settings
        self._save.start()
        self.settings_changed.emit()
        self.poll()

    def rewire(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Wiring
        """Replace some of the wiring; a running engine is stopped and built anew."""
        wiring = replace(self.wiring, **values)
        if wiring == self.wiring:
            return
        pack_changed = wiring.pack != self.wiring.pack
        self.preferences = replace(self.preferences, wiring=wiring)
        self._save.start()
        self._stale = self.engine is not None or self._busy
        self.wiring_changed.emit()
        self._look_up_enrolment()
        if pack_changed:
            self._load_pack()
        self._advance()

    def choose(self, **values: Any) -> None:  # noqa: ANN401 - the fields of Options
        """Replace some of the panel's own options; those that an engine is built of take effect at once, too."""
        before, self.options = self.options, replace(self.options, **values)
        if self.options == before:
            return
        self.preferences = replace(self.preferences, panel=self.options.to_json())
        self._save.start()
        self.options_changed.emit()
        if any(getattr(before, name) != getattr(self.options, name) for name in _BUILT_OF):
            self._rebuild()

    def store_preset(self, name: str) -> None:
        """Keep the settings under a name."""
        self._keep_presets({**self.preferences.presets, name: replace(self.settings, talking=False)})

    def apply_preset(self, name: str) -> None:
        """Take the settings of a preset; muting and talking stay as they are, and so does the voice if it is gone."""
        preset = replace(self.preferences.presets[name], mute=self.settings.mute, talking=self.settings.talking)
        if preset.voice and preset.voice not in {voice.name for voice in self.voices}:
            self.failed.emit(
                f"The voice {preset.voice} of the preset {name} is gone, and the voice stays as it was: "
                "choose another one, and keep the preset again."
            )
            preset = replace(preset, voice=self.settings.voice)
        self._use(preset)

    def remove_preset(self, name: str) -> None:
        """Forget a preset."""
        self._keep_presets({key: value for key, value in self.preferences.presets.items() if key != name})

    def _keep_presets(self, presets: dict[str, Settings]) -> None:
        self.preferences = replace(self.preferences, presets=presets)
        self._save.start()
        self.presets_changed.emit()

    @property
    def output_name(self) -> str:
        """What the listeners' side is called."""
        if self.wiring.output is None:
            return self.virtual_microphone.name or "the virtual microphone"
        for device in self.devices:
            if device.identity == self.wiring.output:
                return device.description
        return self.wiring.output.name

    def set_recording(self, on: bool) -> None:
        """Record both sides into the user's music folder, or finish doing so."""
        engine = self.engine
        if engine is None:
            self.noticed.emit("There is nothing to record yet: switch the voice changer on first.")
        elif on:
            stamp = time.strftime("%Y-%m-%d %H-%M-%S")
            try:
                folder = self.backend.recordings_folder()
                output = folder / f"{stamp} output.wav"
                engine.start_recording(folder / f"{stamp} microphone.wav", output)
                self._recorded_to = output
            except RtvcError as error:
                self.failed.emit(str(error))
        else:
            then = partial(self._tell_recording, self._recorded_to)
            self._device_tasks.start(lambda control: engine.stop_recording(), then, self.failed.emit)
        self.poll()

    def _save_now(self) -> None:
        try:
            self.backend.save(self.preferences)
        except RtvcError as error:
            self.failed.emit(str(error))

    # The engine

    @property
    def on(self) -> bool:
        """Whether the engine runs or is meant to."""
        return self._wanted

    @property
    def changing(self) -> bool:
        """Whether it is just being started or stopped."""
        return self._busy

    def set_power(self, on: bool) -> None:
        """Start or stop the engine; returns at once."""
        self._wanted = on
        self.power_changed.emit()
        self._advance()

    def _advance(self) -> None:
        """Take the next step towards what is wanted, one at a time; none once all is closed, whatever ends then."""
        if self._busy or self._ended:
            return
        if self.engine is not None and (self._stale or not self._wanted):
            self._busy = True
            self._stop_engine(self._closed)
            self._show(Snapshot(State.STARTING if self._wanted else State.STOPPED))
        elif self.engine is None and self._wanted and self._borrowing is not None:
            # An engine that starts looks for devices again, and for that nobody else may have one open.
            self._borrowing.cancel()
        elif self.engine is None and self._wanted and not self._listing:
            self._stale = False
            wiring, settings, options = self.wiring, self.settings, self.options
            self._busy = True
            self._show(Snapshot(State.STARTING))
            self._device_tasks.start(
                lambda control: self.backend.open_engine(wiring, settings, options), self._opened, self._open_failed
            )
        self.power_changed.emit()

    def _opened(self, engine: LiveEngine) -> None:
        if self._ended:
            return
        if not self._wanted:
            # Switched off meanwhile: it never starts.
            self._closed()
            return
        self._busy = False
        self.engine = engine
        engine.settings = self.settings
        engine.start()
        self._poll.start()
        self.poll()
        self._advance()

    def _open_failed(self, sentence: str) -> None:
        self._busy = False
        self._wanted = False
        self._show(Snapshot(State.FAILED, sentence))
        self.power_changed.emit()
        self.failed.emit(sentence)

    def _closed(self) -> None:
        self._busy = False
        self._show(Snapshot())
        self._advance()

    def poll(self) -> None:
        """Look at the engine."""
        if self.engine is not None:
            self._show(self.engine.snapshot())
            if self.snapshot.state in (State.FAILED, State.STOPPED):
                self._put_away()
        else:
            self._show(self.snapshot)

    def _put_away(self) -> None:
        """Put away an engine that has stopped by itself; its last words stay in the status."""
        self._wanted = False
        self._stop_engine()
        self.power_changed.emit()

    def _stop_engine(self, finished: Callable[[], None] | None = None) -> None:
        """Mute the engine at once, and stop it; it is not this session's any more."""
        engine, self.engine = self.engine, None
        assert engine is not None
        self._poll.stop()
        engine.settings = replace(self.settings, mute=True)
        then = partial(self._tell_recording, self._recorded_to) if self.snapshot.recording else None
        self._device_tasks.start(lambda control: engine.stop(), then, self.failed.emit, finished=finished)

    def _tell_recording(self, where: Path, nothing: None) -> None:
        self.noticed.emit(f"The recording is in {where}.")

    def _show(self, snapshot: Snapshot) -> None:
        started = snapshot.state is State.RUNNING and self.snapshot.state is not State.RUNNING
        self.snapshot = snapshot
        losing = self._troubles.update(snapshot, time.monotonic())
        stopping = self._busy and snapshot.state is State.STOPPED
        self.status = Status.stopping() if stopping else status(snapshot, self.settings, losing, self.output_name)
        self.polled.emit(snapshot, self.status)
        if started:
            # The engine has made the virtual microphone, and may have found that devices have come or gone.
            self.reload_devices()

    # Devices and models

    def reload_devices(self) -> None:
        """List the devices anew; an engine is not opened meanwhile."""
        if self._listing:
            return
        self._listing = True
        create, self._to_create = self._to_create, False
        refresh = self.engine is None and not self._busy and self._borrowing is None

        def work(control: Control) -> tuple[Sequence[Device], VirtualMicrophoneState]:
            if create:
                self.backend.create_virtual_microphone()
            return self.backend.devices(refresh), self.backend.virtual_microphone()

        self._device_tasks.start(work, self._take_devices, self.failed.emit, finished=self._listed)

    def _take_devices(self, found: tuple[Sequence[Device], VirtualMicrophoneState]) -> None:
        self.devices, self.virtual_microphone = found
        self.devices_changed.emit()
        self._look_up_enrolment()
        self.poll()

    def _listed(self) -> None:
        self._listing = False
        if self._to_create and not self._ended:
            self.reload_devices()
        self._advance()

    def create_virtual_microphone(self) -> None:
        """Make the virtual microphone, and look again; once the devices are listed, where that is going on."""
        self._to_create = True
        self.reload_devices()

    def hear_myself(self, on: bool) -> None:
        """Switch the monitor; the first time, onto the system's default output."""
        if on and self.wiring.monitor is None:
            try:
                default = find_device(None, "output", self.devices)
            except RtvcError:
                self.failed.emit("There is no output to hear yourself on: plug in headphones and look again.")
                self.settings_changed.emit()
                return
            self.rewire(monitor=default.identity)
        self.change(monitor=on)

    def _load_pack(self) -> None:
        pack = self.wiring.pack

        def take(figures: PackFigures) -> None:
            if pack == self.wiring.pack:
                self.pack = figures
                self.pack_changed.emit()

        self.tasks.start(lambda control: self.backend.figures(pack), take, self.failed.emit)

    # Voices

    def reload_voices(self) -> None:
        """List the voices anew."""
        self.voices = [voice for voice in self.backend.voices() if voice.name not in self._hidden]
        listed = {voice.reference for voice in self.voices}
        self.outlines = {path: outline for path, outline in self.outlines.items() if path in listed}
        for voice in self.voices:
            if voice.reference not in self.outlines:
                self.outlines[voice.reference] = Outline()
                self.tasks.start(partial(self._outline, voice), partial(self._take_outline, voice), self.failed.emit)
        self.voices_changed.emit()

    def _outline(self, voice: Voice, control: Control) -> Outline:
        sound = self.backend.reference(voice)
        return Outline(len(sound.audio) / sound.rate, envelope(sound.audio))

    def _take_outline(self, voice: Voice, outline: Outline) -> None:
        if voice.reference in self.outlines:
            self.outlines[voice.reference] = outline
            self.outline_ready.emit(voice.name)

    def voice_names(self) -> set[str]:
        """Return all names that are taken, also by voices that are being learnt or whose deletion can be undone."""
        return {voice.name for voice in self.voices} | self._hidden | self._learning

    def choose_voice_number(self, number: int) -> None:
        """Choose a voice by its place, from 1."""
        if number <= len(self.voices):
            self.change(voice=self.voices[number - 1].name)

    def add_voice(self, name: str, recordings: Sequence[Path]) -> None:
        """Store a voice and choose it."""
        pack = self.wiring.pack
        self._learning.add(name)
        self.noticed.emit(f"Learning {name} …")

        def added(warning: str | None) -> None:
            self.reload_voices()
            self.change(voice=name)
            self.noticed.emit(warning or f"{name} is ready.")

        self.tasks.start(
            lambda control: self.backend.add_voice(name, recordings, pack),
            added,
            self.failed.emit,
            finished=lambda: self._learning.discard(name),
        )

    def rename_voice(self, name: str, new_name: str) -> None:
        """Rename one of the user's voices."""
        try:
            self.backend.rename_voice(name, new_name)
        except RtvcError as error:
            self.failed.emit(str(error))
            return
        self.reload_voices()
        presets = self.preferences.presets
        self._keep_presets(
            {key: replace(one, voice=new_name) if one.voice == name else one for key, one in presets.items()}
        )
        if self.settings.voice == name:
            self.change(voice=new_name)

    def delete_voice(self, name: str) -> None:
        """Hide a voice; `settle_deletion` deletes it, `undo_deletion` brings it back."""
        self._hidden.add(name)
        self.reload_voices()
        if self.settings.voice == name:
            self.change(voice=self.voices[0].name if self.voices else "")
        self.voice_deleted.emit(name)

    def undo_deletion(self, name: str) -> None:
        """Bring a voice back, and choose it."""
        self._hidden.discard(name)
        self.reload_voices()
        self.change(voice=name)

    def settle_deletion(self, name: str) -> None:
        """Delete a voice that was hidden."""
        if name in self._hidden:
            self._hidden.discard(name)
            try:
                self.backend.remove_voice(name)
            except RtvcError as error:
                self.failed.emit(str(error))
                self.reload_voices()

    def play(self, name: str) -> None:
        """Play a voice's reference, or stop what is playing of it."""
        voice = self._find(name)
        self._sound(name, lambda control: self.backend.reference(voice))

    def preview(self, name: str) -> None:
        """Play the fixed sentence in a voice, or stop what is playing of it."""
        voice, wiring, settings = self._find(name), self.wiring, self.settings
        self._sound(name, lambda control: self.backend.preview(voice, wiring, settings, control))

    @property
    def playing(self) -> str:
        """The name of the voice that is being played, or prepared for it; or empty."""
        return self._playing

    def stop_playing(self) -> None:
        """Be silent."""
        if self._preparing is not None:
            self._preparing.cancel()
            self._preparing = None
        self._player.stop()
        self._playing = ""
        self.playing_changed.emit("", 0.0)

    def _sound(self, name: str, work: Callable[[Control], Sound]) -> None:
        before = self._playing
        self.stop_playing()
        if before == name:
            return
        try:
            rate = self._player.rate()
        except RtvcError as error:
            self.failed.emit(str(error))
            return

        def resampled(control: Control) -> Sound:
            sound = work(control)
            return Sound(resample(sound.audio, sound.rate, rate), rate)

        def ready(sound: Sound) -> None:
            self._preparing = None
            try:
                self._player.play(sound, lambda share: self.playing_changed.emit(name, share), self.stop_playing)
            except RtvcError as error:
                failed(str(error))

        def failed(sentence: str) -> None:
            self.stop_playing()
            self.failed.emit(sentence)

        def prepared(share: float) -> None:
            self.noticed.emit(f"Learning the way to {name} for the preview: {share:.0%}")

        self._playing = name
        self.playing_changed.emit(name, 0.0)
        self._preparing = self.tasks.start(resampled, ready, failed, prepared)

    def _find(self, name: str) -> Voice:
        return next(voice for voice in self.voices if voice.name == name)

    def record_voice(self) -> None:
        """Record the microphone for a new voice, or stop doing so; `recorded` tells the file."""
        if self._recording is not None:
            self._recording.cancel()
            return
        microphone = self.wiring.microphone

        def finished() -> None:
            self._recording = None
            self.recording_progressed.emit(-1.0)

        self._recording = self._borrow(
            lambda control: self.backend.record(microphone, RECORD_SECONDS, control),
            self.recorded.emit,
            self.failed.emit,
            self.recording_progressed.emit,
            finished,
        )
        if self._recording is not None:
            self.recording_progressed.emit(0.0)

    def enrol(self, seconds: float) -> None:
        """Learn the user's own voice at the chosen microphone; `enrolled` or `enrolment_failed` tell the end."""
        wiring = self.wiring

        def work(control: Control) -> Enrolment:
            return self.backend.enrol(wiring, seconds, self.enrolment_heard.emit, control)

        def done(enrolment: Enrolment) -> None:
            self._use_enrolment(enrolment, wiring)
            self.enrolled.emit(enrolment.warning or known_voice(enrolment))

        def finished() -> None:
            if self._enrolling is not None and self._enrolling.cancelled:
                self.enrolment_failed.emit("The recording was broken off: start once more.")

        self._enrolling = self._borrow(
            work, done, self.enrolment_failed.emit, self.enrolment_progressed.emit, finished
        )

    def cancel_enrolment(self) -> None:
        """Learn no more of the user's voice, if that is going on."""
        if self._enrolling is not None:
            self._enrolling.cancel()

    def forget_enrolment(self) -> None:
        """Delete what is known of the user's voice at the microphone; `undo_forgetting` brings it back."""
        enrolment, wiring = self.enrolment, self.wiring
        if enrolment is None:
            return

        def forgotten(nothing: None) -> None:
            self._forgotten = (enrolment, wiring)
            self._use_enrolment(None, wiring)
            self.enrolment_forgotten.emit()

        self.tasks.start(
            lambda control: self.backend.forget_enrolment(enrolment, wiring.pack), forgotten, self.failed.emit
        )

    def undo_forgetting(self) -> None:
        """Bring back what was known of the user's voice."""
        if self._forgotten is not None:
            enrolment, wiring = self._forgotten
            self._forgotten = None
            self.tasks.start(
                lambda control: self.backend.keep_enrolment(enrolment, wiring.pack),
                lambda nothing: self._use_enrolment(enrolment, wiring),
                self.failed.emit,
            )

    def _look_up_enrolment(self) -> None:
        wiring = self.wiring
        if self._looking_up is not None:
            self._looking_up.cancel()
        # A microphone that is not plugged in has none, and who switches on is told so.
        self._looking_up = self.tasks.start(
            lambda control: self.backend.enrolment(wiring),
            self._show_enrolment,
            lambda sentence: self._show_enrolment(None),
        )

    def _show_enrolment(self, enrolment: Enrolment | None) -> None:
        self.enrolment = enrolment
        self.enrolment_changed.emit()

    def _use_enrolment(self, enrolment: Enrolment | None, wiring: Wiring) -> None:
        """Take what has just become of the user's voice, unless another microphone or pack is used by now."""
        if (wiring.microphone, wiring.pack) != (self.wiring.microphone, self.wiring.pack):
            return
        if self._looking_up is not None:
            self._looking_up.cancel()
        if self.engine is not None:
            self.engine.enrolment = enrolment
        self._show_enrolment(enrolment)

    def test_tone(self) -> None:
        """Send a tone through the virtual microphone; `tone_heard` or `tone_failed` tell how it went."""
        self._borrow(self.backend.test_tone, self.tone_heard.emit, self.tone_failed.emit)

    def _borrow(
        self,
        work: Callable[[Control], Any],
        then: Callable[[Any], None],
        failed: Callable[[str], None],
        progress: Callable[[float], None] | None = None,
        finished: Callable[[], None] | None = None,
    ) -> Task | None:
        """Run a task that opens devices by itself; one at a time, and broken off before an engine is opened."""
        if self._borrowing is not None or self._busy or self._listing:
            failed("The sound devices are just being opened: try again in a moment.")
            return None

        def ended() -> None:
            self._borrowing = None
            if finished is not None:
                finished()
            self._advance()

        self._borrowing = self._device_tasks.start(work, then, failed, progress, ended)
        return self._borrowing

    def _rebuild(self) -> None:
        """Build a running engine anew."""
        self._stale = self.engine is not None or self._busy
        self._advance()

    def close(self) -> None:
        """Stop everything, delete what was to be deleted, and remember the choices; harmless when done.

        What goes wrong with one step is told in the terminal, for the window is about to go, and keeps no other back.
        """
        if self._ended:
            return
        self._ended = True
        self.failed.connect(_log.error)
        unsaved = self._save.isActive()
        self._poll.stop()
        self._save.stop()
        steps: list[Callable[[], object]] = [partial(self.settle_deletion, name) for name in self._hidden]
        steps += [self._save_now] if unsaved else []
        if self.engine is not None:
            self.engine.settings = replace(self.settings, mute=True)
            steps.append(self.engine.stop)
        for step in (*steps, self.stop_playing, self._device_tasks.close, self.tasks.close, self.backend.close):
            try:
                step()
            except RtvcError as error:
                _log.error(str(error))
            except Exception:
                _log.exception("A fault while the panel was closing")
        self.engine = None

    @property
    def idle(self) -> bool:
        """Whether no task runs."""
        return self.tasks.idle and self._device_tasks.idle
