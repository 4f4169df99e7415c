"""The user's devices as a port that can be opened again after anything that happened to them.

Belongs to the worker, which opens and closes it; `RouteWatch` calls back from its own thread, to mute at once.
"""

from __future__ import annotations

import sys

from rtvc.devices import portaudio
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.devices.streams import BUFFER_SECONDS, Capture, DevicePort, Playback
from rtvc.devices.virtual_microphone import (
    Role,
    RouteWatch,
    VirtualMicrophone,
    explain_virtual_cable,
    find_virtual_cable,
)
from rtvc.errors import RtvcError

Wanted = DeviceIdentity | str | None
"""A device by its identity or by (part of) its name; None for the usual one."""


class LivePort:
    """A microphone, an output and perhaps a monitor, found by name at each `open`. An `AudioPort`.

    Parameters
    ----------
    microphone
        None for the system's default one.
    output
        None for the virtual microphone: made here on Linux, an installed virtual cable elsewhere.
    monitor
        None for no monitor. One that is missing does not keep the others from being opened.
    virtual_microphone
        The virtual microphone, whose owner closes it; it is opened here, and again after the server was restarted.
    buffer_seconds
        As in `DeviceStream`.

    Attributes
    ----------
    microphone_name
        Which microphone was opened, as enrolments know it; empty before.
    warning
        What the user should know about the devices as they were opened, if anything.
    """

    def __init__(
        self,
        microphone: Wanted = None,
        output: Wanted = None,
        monitor: Wanted = None,
        *,
        virtual_microphone: VirtualMicrophone | None = None,
        buffer_seconds: float = BUFFER_SECONDS,
    ) -> None:
        self._wanted = (microphone, output, monitor)
        self._virtual_microphone = virtual_microphone
        self._buffer_seconds = buffer_seconds
        self._port: DevicePort | None = None
        self._watch: RouteWatch | None = None
        self._trouble: str | None = None
        self.microphone_name = ""
        self.warning = ""

    @property
    def capture(self) -> Capture:
        """The microphone's side, once opened."""
        return self._opened().capture

    @property
    def playback(self) -> Playback:
        """The output's side, once opened."""
        return self._opened().playback

    @property
    def monitor(self) -> Playback | None:
        """The monitor's side, once opened."""
        return self._opened().monitor

    def open(self) -> None:
        """Find the devices and open them; raise `RtvcError` naming the one that is missing or refused."""
        self._trouble = None
        library = portaudio.portaudio()
        try:
            self._open()
        except library.PortAudioError as error:
            # Asking for devices may fail as well as opening them, while a sound server comes and goes.
            raise RtvcError(f"PortAudio cannot reach the devices ({error.args[0]})") from None

    def start(self) -> None:
        """Drop what the microphone heard since `open`."""
        self._opened().start()

    def close(self) -> None:
        """Close the streams; the virtual microphone stays, silent."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._port is not None:
            self._port.close()

    def failure(self) -> str | None:
        """Say in one sentence what has failed since `open`, or None while all is well."""
        return self._trouble or (None if self._port is None else self._port.failure())

    @property
    def ended(self) -> bool:
        """Never: devices do not end."""
        return False

    def _open(self) -> None:
        portaudio.refresh()
        wanted_microphone, wanted_output, wanted_monitor = self._wanted
        if wanted_output is None and self._virtual_microphone is not None:
            self._virtual_microphone.open()
            wanted_output = self._virtual_microphone.identity
        listed = portaudio.list_devices()
        microphone = portaudio.find_device(wanted_microphone, "input", listed)
        output = _cable(listed) if wanted_output is None else portaudio.find_device(wanted_output, "output", listed)
        monitor, self.warning = None, ""
        if wanted_monitor is not None:
            try:
                monitor = portaudio.find_device(wanted_monitor, "output", listed)
            except RtvcError as error:
                self.warning = f"No monitor: {error}"
        port = DevicePort(microphone, output, monitor, self._buffer_seconds)
        port.open()
        self._port = port
        self.microphone_name = port.microphone_name
        self._guard(microphone, output, monitor)

    def _opened(self) -> DevicePort:
        if self._port is None:
            raise RuntimeError("the port has not been opened")
        return self._port

    def _guard(self, microphone: Device, output: Device, monitor: Device | None) -> None:
        """Watch that the sound server leaves the streams where they are."""
        roles: list[tuple[Role, Device | None]] = [
            ("microphone", microphone),
            ("voice", output),
            ("monitor", monitor),
        ]
        expected = {role: device.name for role, device in roles if device is not None and device.host_api == PULSE}
        if expected:
            self._watch = RouteWatch(expected, self._on_trouble)
            self._watch.start()

    def _on_trouble(self, sentence: str) -> None:
        self._opened().playback.muted = True
        self._trouble = sentence


def virtual_microphone() -> VirtualMicrophone | None:
    """Return the virtual microphone where this program makes it itself (on Linux), not yet opened."""
    return VirtualMicrophone() if sys.platform == "linux" else None


def _cable(listed: list[Device]) -> Device:
    cable = find_virtual_cable(listed)
    if cable is None:
        raise RtvcError(f"No virtual microphone is installed.\n{explain_virtual_cable()}")
    return cable.playback
