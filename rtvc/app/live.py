"""Opening a live engine, as `rtvc live` and the panel's power button do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from platformdirs import user_music_path

from rtvc.app.models import open_pack
from rtvc.devices.live_port import LivePort, Wanted
from rtvc.devices.port import AudioPort
from rtvc.devices.virtual_microphone import VirtualMicrophone
from rtvc.dsp.effect_parts import load_pedalboard
from rtvc.dsp.noise_suppression import load_rnnoise
from rtvc.errors import RtvcError
from rtvc.live.engine import Engine
from rtvc.packs.runtime import Runtime
from rtvc.settings import Settings
from rtvc.storage import make_folder
from rtvc.voices.enrolment import EnrolmentLibrary
from rtvc.voices.library import VoiceLibrary


class LatencyProfile(StrEnum):
    """How much delay to trade for fewer interruptions."""

    LOWEST = "lowest"
    BALANCED = "balanced"
    SAFE = "safe"

    @classmethod
    def _missing_(cls, value: object) -> LatencyProfile | None:
        return cls.SAFE if value == "quality" else None  # as stored by earlier versions

    def step(self, default: int) -> int:
        """Return the frames per step, given the pack's default."""
        return {LatencyProfile.LOWEST: 1, LatencyProfile.BALANCED: default, LatencyProfile.SAFE: 2 * default}[self]

    @property
    def follow_jitter(self) -> bool:
        """Whether the queue before the output gets as short as the measured jitter allows."""
        return self is LatencyProfile.LOWEST

    @property
    def buffer_seconds(self) -> float:
        """Buffer to ask of each device, in seconds; half of it is a block, up to 10 ms."""
        return {LatencyProfile.LOWEST: 0.008, LatencyProfile.BALANCED: 0.02, LatencyProfile.SAFE: 0.04}[self]


@dataclass(frozen=True)
class RemoteServer:
    """A server that computes in place of this computer, see `rtvc serve`.

    Attributes
    ----------
    url
        Its address.
    token_file
        A copy of its token file; None if it asks for no token.
    bypass_when_lost
        Send the speaker's own voice, not silence, while the server is lost.
    """

    url: str
    token_file: Path | None = None
    bypass_when_lost: bool = False


@dataclass(frozen=True)
class LiveSetup:
    """What a live engine is built from. Changing any of it means opening a new engine.

    Attributes
    ----------
    microphone, output, monitor
        Devices, by identity or by part of their name. None is the default microphone, the virtual microphone, and
        no monitor.
    pack
        Name of a model pack, or its folder.
    profile
        Frames per step and device buffers.
    step
        Frames per step in place of the profile's; None for the profile's.
    runtime
        Threads and provider of the graphs.
    server
        A server that computes; None for this computer. `rtvc.remote.opening.open_engine` follows it.
    """

    microphone: Wanted = None
    output: Wanted = None
    monitor: Wanted = None
    pack: str = "mini"
    profile: LatencyProfile = LatencyProfile.BALANCED
    step: int | None = None
    runtime: Runtime = field(default_factory=Runtime)
    server: RemoteServer | None = None


def open_live(
    setup: LiveSetup,
    settings: Settings,
    *,
    virtual_microphone: VirtualMicrophone | None = None,
    port: AudioPort | None = None,
    voices: VoiceLibrary | None = None,
    enrolments: EnrolmentLibrary | None = None,
) -> Engine:
    """Open the models and return an engine that is ready to be started.

    `Engine.start` opens the devices, looks up the enrolment of the microphone that opened, and fits the map; what
    fails then is told by `Engine.snapshot`.

    Parameters
    ----------
    setup, settings
        What to build the engine from, and what to start with.
    virtual_microphone
        From `rtvc.app.virtual_microphone.virtual_microphone`; the caller closes it after the engine has stopped.
        None where an installed virtual cable takes its place.
    port
        Takes the place of the devices of `setup`, such as a `FilePort`.
    voices, enrolments
        Where they are stored; None for the user's data folder.

    Raises
    ------
    RtvcError
        If the pack cannot be opened, or a library that the settings need is not installed.
    """
    if setup.server is not None:
        raise RtvcError("open_live computes on this computer: rtvc.remote.opening.open_engine asks a server.")
    settings.check_libraries()
    for load in (load_pedalboard, load_rnnoise):
        with suppress(RtvcError):
            load()  # up to 20 ms that no later choice takes from the sound
    pack = open_pack(setup.pack).bound(setup.runtime)
    if port is None:
        port = LivePort(
            setup.microphone,
            setup.output,
            setup.monitor,
            virtual_microphone=virtual_microphone,
            buffer_seconds=setup.profile.buffer_seconds,
        )
    return Engine(
        pack,
        port,
        settings,
        enrolments=enrolments or EnrolmentLibrary(),
        library=voices,
        step=setup.step or setup.profile.step(pack.defaults.step),
        follow_jitter=setup.profile.follow_jitter,
    )


def recordings_folder(chosen: str | None = None) -> Path:
    """Return the folder for recordings of live sessions, created if need be; raise `RtvcError` if that fails.

    `chosen` is the user's own folder; None for `rtvc` in the music folder.
    """
    folder = Path(chosen) if chosen else user_music_path() / "rtvc"
    make_folder(folder, private=True)
    return folder
