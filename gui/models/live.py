"""The live engine: power as a state machine, status, recordings.

Lives on the GUI thread. Engines open and stop in tasks; a timer polls `Engine.snapshot()` every 50 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from gui.language import tr
from gui.models.devices import DevicesModel
from gui.models.preferences import PreferencesModel
from gui.options import Provider
from gui.view.status import LIVE, LossDetector, Status, status
from rtvc.app import live
from rtvc.app.live import LatencyProfile, LiveSetup
from rtvc.errors import RtvcError
from rtvc.live.live_engine import LiveEngine
from rtvc.live.snapshot import Snapshot, State
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings

POLL_MILLISECONDS = 50

TRIAL_SECONDS = 60.0
"""The latency profile Lowest gives way to Balanced if it keeps losing sound in so long a time from its start."""

OpenEngine = Callable[[LiveSetup, Settings], LiveEngine]
"""Returns an engine that has not been started yet, as `rtvc.remote.opening.open_engine` does (slow)."""


class Power(Enum):
    """Where the engine is between off and on. `LiveModel.on` is where the user wants it."""

    OFF = auto()
    WAITING = auto()
    """The user switched on while the devices were in use; opening follows once they are free."""
    OPENING = auto()
    ON = auto()
    CLOSING = auto()
    ENDED = auto()
    """The panel is closing; no engine starts any more."""


class LiveModel(QObject):
    """Starts, stops and rebuilds the engine, and tells how it is.

    Signals
    -------
    power_changed
        `power` or `on` has changed.
    polled
        A `Snapshot` and its `Status`: every 50 ms while the engine runs, and at each change otherwise.
    failed, noticed
        A sentence for the user.
    """

    power_changed = pyqtSignal()
    polled = pyqtSignal(object, object)
    failed = pyqtSignal(str)
    noticed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        devices: DevicesModel,
        open_engine: OpenEngine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._devices = devices
        self._open_engine = open_engine
        self.power = Power.OFF
        self.on = False
        self.engine: LiveEngine | None = None
        self.snapshot = Snapshot()
        self.status = Status.off()
        self._built_from = self.setup()
        self._losses = LossDetector()
        self._trial_ends = 0.0
        self._recorded_to = Path()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self.poll)
        preferences.settings_changed.connect(self._follow_settings)
        preferences.wiring_changed.connect(self._advance)
        preferences.options_changed.connect(self._advance)
        devices.freed.connect(self._advance)
        devices.changed.connect(self.poll)

    @property
    def changing(self) -> bool:
        """Whether the engine is between off and on."""
        return self.power in (Power.WAITING, Power.OPENING, Power.CLOSING)

    def set_power(self, on: bool) -> None:
        """Start or stop the engine; returns at once."""
        self.on = on
        self._advance()
        self.power_changed.emit()

    def _advance(self) -> None:
        """Take the next step from `power` towards `on`."""
        match self.power:
            case Power.OFF | Power.WAITING if self.on:
                if self._devices.reserve():
                    self._open()
                elif self.power is Power.OFF:
                    self._enter(Power.WAITING, Snapshot(State.STARTING))
            case Power.WAITING:
                self._enter(Power.OFF, Snapshot())
            case Power.ON if not self.on or self.setup() != self._built_from:
                self._close(Snapshot(State.STARTING if self.on else State.STOPPED))

    def setup(self) -> LiveSetup:
        """Return what an engine is built from at present."""
        wiring, options = self._preferences.wiring, self._preferences.options
        provider = None if options.provider is Provider.AUTOMATIC else options.provider.value
        return LiveSetup(
            wiring.microphone,
            wiring.output,
            wiring.monitor,
            wiring.pack,
            options.profile,
            runtime=Runtime(options.threads or None, provider),
            server=options.remote_server,
        )

    def _enter(self, power: Power, snapshot: Snapshot) -> None:
        self.power = power
        self._show(snapshot)
        self.power_changed.emit()

    def _open(self) -> None:
        setup, settings = self.setup(), self._preferences.settings
        self._built_from = setup
        self._enter(Power.OPENING, Snapshot(State.STARTING))
        self._devices.tasks.start(lambda control: self._open_engine(setup, settings), self._opened, self._open_failed)

    def _opened(self, engine: LiveEngine) -> None:
        if self.power is not Power.OPENING:
            return
        if not self.on:
            self.power = Power.OFF
            self._devices.release(streaming=False)
            self._enter(Power.OFF, Snapshot())
            return
        self.engine = engine
        engine.settings = self._preferences.settings
        engine.start()
        self._timer.start()
        self.power = Power.ON
        self._devices.release(streaming=True)
        self._enter(Power.ON, engine.snapshot())
        self._advance()

    def _open_failed(self, sentence: str) -> None:
        if self.power is not Power.OPENING:
            return
        self.on = False
        self.power = Power.OFF
        self._devices.release(streaming=False)
        self._enter(Power.OFF, Snapshot(State.FAILED, sentence))
        self.failed.emit(sentence)

    def poll(self) -> None:
        """Look at the engine, or repeat the last status."""
        if self.engine is None:
            self._show(self.snapshot)
            return
        self._show(self.engine.snapshot())
        if self.snapshot.state in (State.FAILED, State.STOPPED):
            # It stopped by itself: its last message stays in the status.
            self.on = False
            self._close(self.snapshot)

    def _close(self, shown: Snapshot) -> None:
        """Mute the engine at once, then stop it in a task; `shown` is the snapshot until then."""
        engine, self.engine = self.engine, None
        assert engine is not None
        self._timer.stop()
        engine.settings = replace(self._preferences.settings, mute=True)
        recorded = self._recorded_to if self.snapshot.recording else None
        self._enter(Power.CLOSING, shown)

        def closed() -> None:
            if self.power is Power.CLOSING:
                self._devices.streaming = False
                failed = self.snapshot.state is State.FAILED
                self._enter(Power.OFF, self.snapshot if failed else Snapshot(message=self.snapshot.message))
                self._advance()

        self._devices.tasks.start(
            lambda control: engine.stop(),
            lambda nothing: self._report_recording(recorded),
            self.failed.emit,
            finished=closed,
        )

    def _follow_settings(self) -> None:
        if self.engine is not None:
            self.engine.settings = self._preferences.settings
        self.poll()

    def read_voices_again(self) -> None:
        """Let a running engine take up the chosen voice as it is now."""
        if self.engine is not None:
            self.engine.read_voices_again()

    def _show(self, snapshot: Snapshot) -> None:
        started = snapshot.state in LIVE and self.snapshot.state not in LIVE
        self.snapshot = snapshot
        losing = self._losses.update(snapshot, time.monotonic())
        if self.power is Power.CLOSING and snapshot.state is State.STOPPED:
            self.status = Status.stopping()
        else:
            server = self._built_from.server.url if self._built_from.server is not None else ""
            safe = self._preferences.options.profile is LatencyProfile.SAFE
            self.status = status(
                snapshot, self._preferences.settings, losing, self._devices.output_name, safe, server
            )
        self.polled.emit(snapshot, self.status)
        if started:
            # The engine has made the virtual microphone, and may have found other devices.
            self._devices.reload()
            self._trial_ends = time.monotonic() + TRIAL_SECONDS
        tried = losing and self.power is Power.ON and self._built_from.profile is LatencyProfile.LOWEST
        if tried and time.monotonic() < self._trial_ends:
            self.noticed.emit(tr("The profile Lowest loses sound on this computer now. Balanced is used instead."))
            self._preferences.choose(profile=LatencyProfile.BALANCED)

    def set_recording(self, on: bool) -> None:
        """Record both sides into the recordings folder, or finish the recording."""
        engine = self.engine
        if engine is None:
            self.noticed.emit(tr("There is nothing to record yet. Switch the voice changer on first."))
        elif on:
            stamp = time.strftime("%Y-%m-%d %H-%M-%S")
            try:
                folder = live.recordings_folder(self._preferences.options.recordings or None)
                output = folder / f"{stamp} output.wav"
                engine.start_recording(folder / f"{stamp} microphone.wav", output)
                self._recorded_to = output
            except RtvcError as error:
                self.failed.emit(str(error))
        else:
            recorded = self._recorded_to
            self._devices.tasks.start(
                lambda control: engine.stop_recording(),
                lambda nothing: self._report_recording(recorded),
                self.failed.emit,
            )
        self.poll()

    def _report_recording(self, recorded: Path | None) -> None:
        if recorded is not None:
            self.noticed.emit(tr("The recording was saved as {path}.", path=recorded))

    def close(self) -> None:
        """Stop the engine now and start no other; raise what goes wrong."""
        self.power = Power.ENDED
        self.on = False
        self._timer.stop()
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.settings = replace(self._preferences.settings, mute=True)
            engine.stop()
