"""The user's devices as a port that can be opened again whatever happened to them.

It belongs to the worker, which opens and closes it. `RouteWatch` calls back from its own thread to mute at once.
"""

from __future__ import annotations

from rtvc.devices import portaudio
from rtvc.devices.device_port import DevicePort
from rtvc.devices.device_stream import BUFFER_SECONDS
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.devices.route_watch import RouteWatch
from rtvc.devices.sides import Capture, Playback
from rtvc.devices.virtual_cable import explain_virtual_cable, find_virtual_cable
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.errors import RtvcError

Wanted = DeviceIdentity | str | None
"""A device, by its identity or by part of its name; None for the default."""


class LivePort:
    """An `AudioPort` of devices that are found by name at each `open`.

    Parameters
    ----------
    microphone
        None for the system's default.
    output
        None for the virtual microphone: rtvc's own on Linux, an installed virtual cable elsewhere.
    monitor
        None for no monitor. One that is missing or refused, or fails later, is a warning; the voice goes on.
    virtual_microphone
        The virtual microphone. `open` opens it, also after the server restarted; its owner closes it.
    buffer_seconds
        As in `DeviceStream`.

    Attributes
    ----------
    microphone_name
        The microphone that was opened, as enrolments know it; empty before.
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
        self._error: str | None = None
        self._no_monitor = ""
        self.microphone_name = ""

    @property
    def warning(self) -> str:
        """Why there is no monitor, though one is wanted; empty otherwise."""
        return self._no_monitor or ("" if self._port is None else self._port.warning)

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
        """Find the devices and open them; raise `RtvcError` that names the one that is missing or refused."""
        library = portaudio.portaudio()
        try:
            self._open()
        except library.PortAudioError as error:
            # While a sound server starts or stops, listing devices can fail as well as opening them.
            raise RtvcError(f"PortAudio cannot reach the devices ({error.args[0]}).") from None

    def start(self) -> None:
        """Drop what the microphone heard since `open`."""
        self._opened().start()

    def close(self) -> None:
        """Close the streams. The virtual microphone stays and is silent."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        self._error = None
        if self._port is not None:
            self._port.close()

    def failure(self) -> str | None:
        """Return one sentence about what has failed since `open`; None while all is well, and once closed."""
        return self._error or (None if self._port is None else self._port.failure())

    @property
    def ended(self) -> bool:
        """Never: devices do not end."""
        return False

    def _open(self) -> None:
        wanted_microphone, wanted_output, wanted_monitor = self._wanted
        own = self._virtual_microphone if wanted_output is None else None
        if own is not None:
            own.open()
        portaudio.refresh()
        listed = portaudio.list_devices()
        microphone = portaudio.find_device(wanted_microphone, "input", listed)
        if own is not None:
            wanted_output = own.jack_identity if microphone.host_api == portaudio.JACK else own.identity
        output = _cable(listed) if wanted_output is None else portaudio.find_device(wanted_output, "output", listed)
        monitor, self._no_monitor = None, ""
        if wanted_monitor is not None:
            try:
                monitor = portaudio.find_device(wanted_monitor, "output", listed)
            except RtvcError as error:
                self._no_monitor = f"No monitor: {error}"
        port = DevicePort(microphone, output, monitor, self._buffer_seconds)
        port.open()
        self._port = port
        self.microphone_name = port.microphone_name
        self._guard(port)

    def _opened(self) -> DevicePort:
        if self._port is None:
            raise RuntimeError("the port has not been opened")
        return self._port

    def _guard(self, port: DevicePort) -> None:
        """Watch that the sound server leaves the streams on their devices."""
        routed = [stream for stream in port.streams if stream.device.host_api == PULSE]
        if routed:
            self._watch = RouteWatch(routed, self._on_error)
            self._watch.start()

    def _on_error(self, sentence: str) -> None:
        self._opened().playback.muted = True
        self._error = sentence


def _cable(listed: list[Device]) -> Device:
    cable = find_virtual_cable(listed)
    if cable is None:
        raise RtvcError(f"No virtual microphone is installed.\n{explain_virtual_cable()}")
    return cable.playback
