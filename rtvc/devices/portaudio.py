"""Which microphones and outputs there are, and how to find one again tomorrow.

PortAudio's list is a snapshot taken when it starts and its indices change, so a device is remembered as a
`DeviceIdentity`. On Linux the sources and sinks of PulseAudio (or of PipeWire in its place) are listed one by one, as
host API "PulseAudio", though PortAudio knows the server as a single device only: `duplex` routes each stream.

Not for the audio callback, but for any thread: PortAudio is not made for several at once, so whoever asks it for
anything holds `portaudio_lock`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, NamedTuple

from rtvc.devices.pulse import connect, server_errors
from rtvc.errors import RtvcError

Direction = Literal["input", "output"]

PULSE = "PulseAudio"
OWN_PREFIX = "rtvc_"
"""Sinks and sources whose names begin so are this program's virtual microphone, never a default device."""

CABLES = (
    # Product, how its playback device's name begins, and what that is replaced by in the microphone's name.
    ("VB-CABLE", "CABLE Input", "CABLE Output"),
    ("VB-CABLE", "CABLE-A Input", "CABLE-A Output"),
    ("VB-CABLE", "CABLE-B Input", "CABLE-B Output"),
    ("VoiceMeeter", "VoiceMeeter Input", "VoiceMeeter Output"),
    ("VoiceMeeter", "VoiceMeeter Aux Input", "VoiceMeeter Aux Output"),
    ("BlackHole", "BlackHole", "BlackHole"),
)
VIRTUAL_AUDIO_CABLE = "(Virtual Audio Cable)"
"""What the names of that product's devices hold, alike in both directions."""

MME_NAME_LENGTH = 31
_PREFERENCE = (PULSE, "WASAPI", "Core Audio", "ASIO", "ALSA", "JACK", "DirectSound", "WDM-KS", "MME")
_USUAL_RATES = (48_000, 44_100, 96_000, 32_000, 24_000, 16_000, 88_200, 192_000)
_LOWEST_LIVE_RATE = 8_000


class DeviceIdentity(NamedTuple):
    """What stays the same when devices come and go: store this, never an index."""

    host_api: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.host_api})"


@dataclass(frozen=True)
class Device:
    """A device as it is listed now.

    Attributes
    ----------
    host_api, name
        Its identity.
    description
        What to show to people.
    inputs, outputs
        Channels it can record and play at most.
    default_rate
        Its own sample rate in Hz.
    index
        PortAudio's, valid until the next `refresh`.
    default_input, default_output
        Whether the system takes it where none is named.
    """

    host_api: str
    name: str
    description: str
    inputs: int
    outputs: int
    default_rate: int
    index: int
    default_input: bool = False
    default_output: bool = False

    @property
    def identity(self) -> DeviceIdentity:
        """The host API and the name."""
        return DeviceIdentity(self.host_api, self.name)

    def channels(self, direction: Direction) -> int:
        """How many channels it has in a direction; 0 means that it cannot be used so."""
        return self.inputs if direction == "input" else self.outputs


def portaudio() -> ModuleType:
    """Import sounddevice, which starts PortAudio; raise `RtvcError` where the library is missing."""
    try:
        import sounddevice
    except OSError:
        raise RtvcError("PortAudio is missing: install it (Debian and Ubuntu: apt install libportaudio2)") from None
    module: ModuleType = sounddevice
    return module


portaudio_lock = threading.RLock()
open_streams: set[object] = set()
"""The streams that are open; whoever opens or closes one says so here."""


def refresh() -> None:
    """Make PortAudio look for devices again, unless a stream is open anywhere: it would not outlive that."""
    library = portaudio()
    with portaudio_lock:
        if open_streams:
            return
        if library._initialized:  # not after a time without success
            library._terminate()
        library._initialize()


def list_devices() -> list[Device]:
    """List all devices as of the last `refresh`; sinks and sources of PulseAudio as they are now."""
    library = portaudio()
    with portaudio_lock:
        apis, entries = library.query_hostapis(), library.query_devices()
    defaults = {(api["default_input_device"], "input") for api in apis}
    defaults |= {(api["default_output_device"], "output") for api in apis}
    found = []
    for index, entry in enumerate(entries):
        name = str(entry["name"])
        found.append(
            Device(
                host_api=_short_host_api(apis[entry["hostapi"]]["name"]),
                name=name,
                description=" ".join(name.split()),
                inputs=entry["max_input_channels"],
                outputs=entry["max_output_channels"],
                default_rate=round(entry["default_samplerate"]),
                index=index,
                default_input=(index, "input") in defaults,
                default_output=(index, "output") in defaults,
            )
        )
    bridge = next((device for device in found if (device.host_api, device.name) == ("ALSA", "pulse")), None)
    if bridge is None:
        return found
    pulse = _pulse_devices(bridge.index)
    if not pulse:
        return found
    return pulse + [
        device for device in found if device.host_api != "ALSA" or device.name not in ("pulse", "default")
    ]


def find_device(wanted: DeviceIdentity | str | None, direction: Direction, devices: Sequence[Device]) -> Device:
    """Find a device by its identity, by its name or an unmistakable part of it, or the default one.

    By default no monitor of an output is taken for a microphone, nor a virtual cable while there is another. A name
    that several host APIs list means the best of them: PulseAudio, WASAPI and Core Audio come first. The
    program's own virtual microphone is found only by its full name.

    Raises
    ------
    RtvcError
        Naming what was wanted and what there is.
    """
    usable = [device for device in by_preference(devices) if device.channels(direction)]
    if wanted is None:
        return _default(direction, usable)
    if isinstance(wanted, DeviceIdentity):
        matches = [device for device in usable if _is(wanted, device)]
    else:
        matches = [device for device in usable if wanted in (device.name, device.description, str(device.identity))]
        if not matches:
            part = wanted.casefold()
            matches = [
                device
                for device in usable
                if part in device.description.casefold() or part in device.name.casefold()
                if not device.name.startswith(OWN_PREFIX)
            ]
    if not matches:
        raise RtvcError(f"No {direction} device is called '{wanted}'; there {_listing(usable)}")
    best = [device for device in matches if device.host_api == matches[0].host_api]
    if len({device.name for device in best}) > 1:
        raise RtvcError(f"More than one {direction} device matches '{wanted}'; there {_listing(best)}")
    return best[0]


def by_preference(devices: Iterable[Device]) -> list[Device]:
    """Sort devices by host API, best first: PulseAudio, WASAPI and Core Audio lead, MME is last."""
    return sorted(devices, key=_rank)


def is_cable_microphone(name: str) -> bool:
    """Tell whether an input of this name is the microphone's end of a virtual cable."""
    name = name.casefold()
    begins = tuple(microphone.casefold() for _, _, microphone in CABLES)
    return name.startswith(begins) or VIRTUAL_AUDIO_CABLE.casefold() in name


def live_rate(device: Device, direction: Direction) -> int:
    """Choose the sample rate to open a device at: its own, or the first usual one that it takes.

    Only rates of which 10 ms are whole samples will do. Raises `RtvcError` if it refuses them all.
    """
    if device.host_api == PULSE:
        return device.default_rate if _is_live_rate(device.default_rate) else _USUAL_RATES[0]
    library = portaudio()
    check = library.check_input_settings if direction == "input" else library.check_output_settings
    for rate in (device.default_rate, *_USUAL_RATES):
        if not _is_live_rate(rate):
            continue
        try:
            with portaudio_lock:
                check(
                    device=device.index,
                    channels=min(2, device.channels(direction)),
                    dtype="float32",
                    samplerate=rate,
                    extra_settings=extra_settings(device),
                )
        except library.PortAudioError:
            continue
        return rate
    raise RtvcError(f"{device.description} refuses every usual sample rate: is another program holding it?")


def extra_settings(device: Device) -> object | None:
    """Return what PortAudio wants beside the usual to open a device: on WASAPI, conversion of foreign rates."""
    return portaudio().WasapiSettings(auto_convert=True) if device.host_api == "WASAPI" else None


def _pulse_devices(index: int) -> list[Device]:
    found: list[Device] = []
    with suppress(RtvcError, *server_errors()), connect("rtvc devices") as server:
        info = server.server_info()
        for source in server.source_list():
            found.append(
                Device(
                    host_api=PULSE,
                    name=source.name,
                    description=source.description,
                    inputs=source.channel_count,
                    outputs=0,
                    default_rate=source.sample_spec.rate,
                    index=index,
                    default_input=source.name == info.default_source_name,
                )
            )
        for sink in server.sink_list():
            found.append(
                Device(
                    host_api=PULSE,
                    name=sink.name,
                    description=sink.description,
                    inputs=0,
                    outputs=sink.channel_count,
                    default_rate=sink.sample_spec.rate,
                    index=index,
                    default_output=sink.name == info.default_sink_name,
                )
            )
    return found


def _default(direction: Direction, usable: Sequence[Device]) -> Device:
    candidates = _microphones(usable) if direction == "input" else usable
    candidates = [device for device in candidates if not device.name.startswith(OWN_PREFIX)]
    for device in candidates:
        if device.default_input if direction == "input" else device.default_output:
            return device
    if not candidates:
        raise RtvcError(f"There is no {direction} device: plug one in, or use a file")
    return candidates[0]


def _microphones(inputs: Sequence[Device]) -> list[Device]:
    """Leave out what is no microphone, though the system may take it for one when the last microphone has gone.

    Monitors hear what an output plays, virtual cables what this program plays; and where a sound server answers, what
    other host APIs list may lead to its monitors too.
    """
    microphones = [
        device
        for device in inputs
        if device.host_api == inputs[0].host_api
        if not (device.host_api == PULSE and device.name.endswith(".monitor"))
    ]
    return [device for device in microphones if not is_cable_microphone(device.description)] or microphones


def _is(identity: DeviceIdentity, device: Device) -> bool:
    if identity.host_api != device.host_api:
        return False
    if identity.host_api == "MME":
        return identity.name[:MME_NAME_LENGTH] == device.name[:MME_NAME_LENGTH]
    return identity.name == device.name


def _rank(device: Device) -> int:
    return _PREFERENCE.index(device.host_api) if device.host_api in _PREFERENCE else len(_PREFERENCE)


def _short_host_api(name: str) -> str:
    return name.removeprefix("Windows ")


def _is_live_rate(rate: int) -> bool:
    return rate >= _LOWEST_LIVE_RATE and rate % 100 == 0


def _listing(devices: Sequence[Device]) -> str:
    if not devices:
        return "is none"
    return "are: " + "; ".join(
        device.description if device.description == device.name else f"{device.description} [{device.name}]"
        for device in devices
    )
