"""Listing microphones and outputs, and finding a device again later.

PortAudio's list is a snapshot taken when it starts, and its indices change, so a device is stored as a
`DeviceIdentity`. On Linux the sources and sinks of PulseAudio (or PipeWire) are listed one by one under
the host API "PulseAudio". PortAudio itself sees the server as a single device; `DeviceStream` routes each stream.

Any thread may call these functions, except an audio callback. PortAudio is not thread-safe, so every call into it
holds `portaudio_lock`, but for the question whether an open stream is still active.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, NamedTuple

from rtvc.devices.pulse import connect, server_errors
from rtvc.devices.virtual_cable import is_cable_microphone
from rtvc.errors import RtvcError
from rtvc.names import did_you_mean

Direction = Literal["input", "output"]

PULSE = "PulseAudio"
OWN_PREFIX = "rtvc_"
"""Prefix of the sink and source of rtvc's own virtual microphone, which are never a default device."""

JACK = "JACK"
"""PortAudio's host API, without the rest of its name; also that of PipeWire's own JACK library (`pw-jack`)."""

MME_NAME_LENGTH = 31
_PREFERENCE = (PULSE, "WASAPI", "Core Audio", "ASIO", "ALSA", JACK, "DirectSound", "WDM-KS", "MME")
_USUAL_RATES = (48_000, 44_100, 96_000, 32_000, 24_000, 16_000, 88_200, 192_000)
_LOWEST_LIVE_RATE = 8_000


class DeviceIdentity(NamedTuple):
    """What stays the same while devices come and go. Store this, never an index."""

    host_api: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.host_api})"


@dataclass(frozen=True)
class Device:
    """A device in the current list.

    Attributes
    ----------
    host_api, name
        Its identity.
    description
        Its name for the user.
    inputs, outputs
        Maximum number of channels it records and plays.
    default_rate
        Its own sample rate in Hz.
    index
        PortAudio's index, valid until the next `refresh`.
    default_input, default_output
        Whether it is the system's default.
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
        """Return its number of channels in a direction; 0 if it has none."""
        return self.inputs if direction == "input" else self.outputs


def portaudio() -> ModuleType:
    """Import sounddevice, which starts PortAudio; raise `RtvcError` where the library is missing."""
    try:
        import sounddevice
    except OSError:
        raise RtvcError("PortAudio is missing: install it (Debian and Ubuntu: apt install libportaudio2).") from None
    module: ModuleType = sounddevice
    return module


portaudio_lock = threading.RLock()
open_streams: set[object] = set()
"""The streams that are open. Whoever opens or closes one registers it here."""


def refresh() -> None:
    """Make PortAudio look for devices again. Does nothing while a stream is open: reinitialising would end it."""
    library = portaudio()
    with portaudio_lock:
        if open_streams:
            return
        if library._initialized:  # False if the last attempt failed
            library._terminate()
        library._initialize()


def list_devices() -> list[Device]:
    """List all devices: PortAudio's as of the last `refresh`, PulseAudio's sinks and sources as they are now."""
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
    """Find a device by its identity, its name, or a unique part of its name; None finds the default.

    The default is never the monitor of an output, and a virtual cable only if there is nothing else. A name that
    several host APIs list means the best of them (`by_preference`). rtvc's own virtual microphone is found only by
    its full name.

    Raises
    ------
    RtvcError
        If nothing matches, or more than one device does; the message lists what there is.
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
        meant = did_you_mean(str(wanted), (device.description for device in usable))
        raise RtvcError(f"No {direction} device is called '{wanted}'. Available: {_listing(usable)}.{meant}")
    best = [device for device in matches if device.host_api == matches[0].host_api]
    if len({device.name for device in best}) > 1:
        raise RtvcError(f"More than one {direction} device matches '{wanted}'. Available: {_listing(best)}.")
    return best[0]


def by_preference(devices: Iterable[Device]) -> list[Device]:
    """Sort devices by host API, best first: PulseAudio, WASAPI and Core Audio lead, MME is last."""
    return sorted(devices, key=_rank)


def live_rate(device: Device, direction: Direction) -> int:
    """Return the sample rate in Hz to open a device at: its own, or the first usual one that it accepts.

    10 ms must be a whole number of samples. Raises `RtvcError` if the device refuses every such rate.
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
    raise RtvcError(f"{device.description} rejects every common sample rate: close other programs that use it.")


def extra_settings(device: Device) -> object | None:
    """Return PortAudio's host-specific settings for a device: on WASAPI, conversion of sample rates."""
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
        raise RtvcError(f"There is no {direction} device: plug one in, or use a recording.")
    return candidates[0]


def _microphones(inputs: Sequence[Device]) -> list[Device]:
    """Leave out inputs that are not microphones, which the system may make its default if there is no microphone.

    Monitors record what an output plays; virtual cables record what rtvc plays. Where a sound server answers, the
    inputs of other host APIs may lead to its monitors, too.
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
    return name.removeprefix("Windows ").removesuffix(" Audio Connection Kit")


def _is_live_rate(rate: int) -> bool:
    return rate >= _LOWEST_LIVE_RATE and rate % 100 == 0


def _listing(devices: Sequence[Device]) -> str:
    if not devices:
        return "none"
    return "; ".join(
        device.description if device.description == device.name else f"{device.description} [{device.name}]"
        for device in devices
    )
