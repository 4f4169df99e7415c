"""The sound devices: their list, the virtual microphone, and who may open them.

Lives on the GUI thread; everything that touches PortAudio runs in `tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from gui.language import tr, tr_noop
from gui.models.preferences import PreferencesModel
from gui.tasks import Control, Task, Tasks
from rtvc.app import devices, virtual_microphone
from rtvc.app.virtual_microphone import VirtualMicrophoneState
from rtvc.devices import portaudio
from rtvc.devices.portaudio import Device
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.errors import RtvcError

LISTEN_SECONDS = 3600.0
DEVICE_TASKS = 5
"""Threads: an engine that opens or stops, one that failed, a recording that ends, a device list, and a borrower."""

NO_OUTPUT = tr_noop("There is no output to hear yourself on. Plug in headphones, then refresh the devices.")
BUSY = tr_noop("The sound devices are being opened. Try again in a moment.")


@dataclass(frozen=True)
class Found:
    """What a look at the devices found."""

    devices: Sequence[Device]
    virtual_microphone: VirtualMicrophoneState


def look_for_devices(refresh: bool) -> Found:
    """List the devices (slow); with `refresh`, those that were plugged in since PortAudio started are found too."""
    if refresh:
        portaudio.refresh()
    return Found(tuple(portaudio.list_devices()), virtual_microphone.virtual_microphone_state())


class Use(Enum):
    """Who opens devices at the moment. A running engine keeps its own streams and does not count."""

    FREE = auto()
    LISTING = auto()
    RESERVED = auto()
    """An engine is being opened."""
    BORROWED = auto()
    """A task, such as an enrolment, has a device open."""
    ENDED = auto()


class DevicesModel(QObject):
    """Lists the devices and hands them out to one user at a time.

    Signals
    -------
    changed
        The devices or the virtual microphone were listed again.
    freed
        The devices are free again; anyone waiting for them may ask.
    level_heard, listening_failed
        While listening: level and peak in dBFS; or why the microphone cannot be heard.
    listeners_found
        The names of the programs that record the virtual microphone; None where no one can tell.
    tone_heard, tone_failed
        The level in dBFS at which a test tone arrived, or why it could not be sent.
    failed
        A sentence for the user.
    """

    changed = pyqtSignal()
    freed = pyqtSignal()
    level_heard = pyqtSignal(float, float)
    listening_failed = pyqtSignal(str)
    listeners_found = pyqtSignal(object)
    tone_heard = pyqtSignal(float)
    tone_failed = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(
        self,
        preferences: PreferencesModel,
        look: Callable[[bool], Found] = look_for_devices,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._look = look
        self.microphone: VirtualMicrophone | None = virtual_microphone.virtual_microphone()
        # Its own pool: opening and closing devices never waits behind downloads.
        self.tasks = Tasks(self, DEVICE_TASKS)
        self.use = Use.FREE
        self.streaming = False
        """Whether an engine's streams are open: PortAudio cannot look for new devices then."""
        self.devices: Sequence[Device] = ()
        self.virtual_microphone = VirtualMicrophoneState("", False, "")
        self._reload_wanted = False
        self._make_wanted = False
        self._borrower: Task | None = None
        self._listening: Task | None = None

    @property
    def output_name(self) -> str:
        """The name of the device that listeners hear."""
        output = self._preferences.wiring.output
        if output is None:
            return self.virtual_microphone.name or tr("the virtual microphone")
        for device in self.devices:
            if device.identity == output:
                return device.description
        return output.name

    def reload(self) -> None:
        """List the devices again, once they are free."""
        if self.use is Use.FREE:
            self._list()
        elif self.use is not Use.LISTING:
            self._reload_wanted = True
            self.stop_listening()

    def make_virtual_microphone(self) -> None:
        """Make the virtual microphone and list the devices again, once they are free."""
        self._make_wanted = True
        if self.use is Use.FREE:
            self._list()
        else:
            self.stop_listening()

    def _list(self) -> None:
        self.use = Use.LISTING
        make, self._make_wanted, self._reload_wanted = self._make_wanted, False, False
        refresh = not self.streaming

        def work(control: Control) -> Found:
            if make and self.microphone is not None:
                self.microphone.open()
            return self._look(refresh)

        self.tasks.start(work, self._take, self.failed.emit, finished=self._free)

    def _take(self, found: Found) -> None:
        self.devices, self.virtual_microphone = found.devices, found.virtual_microphone
        self.changed.emit()

    def _free(self) -> None:
        if self.use is Use.ENDED:
            return
        self.use = Use.FREE
        if self._reload_wanted or self._make_wanted:
            self._list()
        else:
            self.freed.emit()

    def reserve(self) -> bool:
        """Reserve the devices for opening an engine; if they are in use, cancel a borrower and return False."""
        if self.use is Use.FREE:
            self.use = Use.RESERVED
            return True
        if self._borrower is not None:
            self._borrower.cancel()
        return False

    def release(self, streaming: bool) -> None:
        """End a reservation; `streaming` tells whether the engine's streams are open now."""
        self.streaming = streaming
        self._free()

    def borrow(
        self,
        work: Callable[[Control], Any],
        then: Callable[[Any], None],
        failed: Callable[[str], None],
        progress: Callable[[float], None] | None = None,
        finished: Callable[[], None] | None = None,
    ) -> Task | None:
        """Run a task that opens devices itself, unless they are in use; it is cancelled when an engine opens."""
        if self.use is not Use.FREE:
            failed(tr(BUSY))
            return None

        def ended() -> None:
            self._borrower = None
            try:
                if finished is not None:
                    finished()
            finally:
                self._free()

        self.use = Use.BORROWED
        self._borrower = self.tasks.start(work, then, failed, progress, ended)
        return self._borrower

    def listen(self) -> None:
        """Report the microphone's level by `level_heard` until `stop_listening`, or until an engine opens."""
        microphone = self._preferences.wiring.microphone

        def work(control: Control) -> None:
            def heard(level: float, peak: float) -> None:
                control.check()
                self.level_heard.emit(level, peak)

            devices.listen(microphone, LISTEN_SECONDS, heard)

        self._listening = self.borrow(work, lambda nothing: None, self.listening_failed.emit)

    def stop_listening(self) -> None:
        """End `listen`."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    def look_for_listeners(self) -> None:
        """Find out which programs record the virtual microphone; `listeners_found` follows."""
        self.tasks.start(
            lambda control: virtual_microphone.listeners(),
            self.listeners_found.emit,
            lambda sentence: self.listeners_found.emit(None),
        )

    def test_tone(self) -> None:
        """Play a tone into the virtual microphone and listen there; `tone_heard` or `tone_failed` follow."""
        self.borrow(
            lambda control: virtual_microphone.send_test_tone(self.microphone, progress=control.progress),
            self.tone_heard.emit,
            self.tone_failed.emit,
        )

    def hear_myself(self, on: bool) -> None:
        """Switch the monitor; the first time, choose the system's default output for it."""
        preferences = self._preferences
        if on and preferences.wiring.monitor is None:
            try:
                default = portaudio.find_device(None, "output", self.devices)
            except RtvcError:
                self.failed.emit(tr(NO_OUTPUT))
                preferences.settings_changed.emit()
                return
            preferences.rewire(monitor=default.identity)
        preferences.change(monitor=on)

    def close(self) -> None:
        """Cancel everything, wait for it, and remove the virtual microphone."""
        self.use = Use.ENDED
        self.tasks.close()
        if self.microphone is not None:
            self.microphone.close()
