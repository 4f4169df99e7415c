"""What the panel needs of everything behind it: live engines, voices, devices and packs, and a player for samples.

The tests put fakes in their place. Calls that are marked *slow* may take seconds and are made in a pool thread, with
a `Control` where they can tell their progress; all others return at once and are made on the GUI thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gui.options import Options
from gui.tasks import Control
from gui.view_state import PackEntry
from rtvc.app.preferences import Preferences, Wiring
from rtvc.devices.portaudio import Device, DeviceIdentity
from rtvc.dsp.stage import Block
from rtvc.live.snapshot import Snapshot
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment
from rtvc.voices.voice import Voice


@dataclass(frozen=True)
class VirtualMicrophoneState:
    """What the listeners' side is.

    Attributes
    ----------
    name
        What Discord and OBS list it as; empty where there is none yet.
    can_create
        Whether `create_virtual_microphone` can make it.
    explanation
        What the user can do where it cannot.
    """

    name: str
    can_create: bool
    explanation: str


@dataclass(frozen=True)
class PackFigures:
    """What the panel shows of a pack: how many dimensions K is about, its own K, its sample rate."""

    learned_dim: int
    block_size: int
    sample_rate: int


@dataclass(frozen=True)
class Sound:
    """Samples `[n]` and how many make a second."""

    audio: Block
    rate: int


class LiveEngine(Protocol):
    """The live engine, as `rtvc.live.engine.Engine` is one."""

    settings: Settings
    enrolment: Enrolment | None

    def start(self) -> None:
        """Begin; returns at once, and the snapshot tells how it went."""

    def stop(self) -> None:
        """End and close the devices (slow)."""

    def snapshot(self) -> Snapshot:
        """Tell how things are; at once, from any thread."""

    def start_recording(self, microphone: Path, output: Path) -> None:
        """Record both sides from now on; raise `RtvcError` where the files cannot be written."""

    def stop_recording(self) -> None:
        """Finish the recording (slow)."""

    def recent_audio(self, seconds: float) -> tuple[Block, Block]:
        """Return the last seconds of the microphone and of the output, at the pack's rate."""


class Player(Protocol):
    """Plays samples to the user, and to nobody else; on the GUI thread."""

    def rate(self) -> int:
        """Return the rate at which sounds are to be given; raise `RtvcError` if there is nothing to play on."""

    def play(self, sound: Sound, progress: Callable[[float], None], finished: Callable[[], None]) -> None:
        """Begin to play; raise `RtvcError` if there is nothing to play on."""

    def stop(self) -> None:
        """Be silent; neither function is called any more."""


class Backend(Protocol):
    """Everything behind the panel but a live engine itself and the player."""

    def load(self) -> Preferences:
        """Return what was chosen last; raise `RtvcError` if it cannot be read or is damaged."""

    def save(self, preferences: Preferences) -> None:
        """Remember choices; raise `RtvcError` if they cannot be written."""

    def devices(self, refresh: bool) -> Sequence[Device]:
        """List the devices (slow). With `refresh`, no stream may be open."""

    def virtual_microphone(self) -> VirtualMicrophoneState:
        """Look for the virtual microphone (slow)."""

    def create_virtual_microphone(self) -> None:
        """Make it (slow), where `VirtualMicrophoneState.can_create` says so; it lasts until `close`."""

    def open_engine(self, wiring: Wiring, settings: Settings, options: Options) -> LiveEngine:
        """Load the models and make an engine that has yet to be started (slow)."""

    def figures(self, pack: str) -> PackFigures:
        """Open a pack and tell of it (slow)."""

    def voices(self) -> Sequence[Voice]:
        """List the voices."""

    def add_voice(self, name: str, recordings: Sequence[Path], pack: str) -> str | None:
        """Store a voice (slow); return what the user should know of the recording, if anything."""

    def rename_voice(self, name: str, new_name: str) -> None:
        """Rename one of the user's own voices."""

    def remove_voice(self, name: str) -> None:
        """Delete one of the user's own voices."""

    def reference(self, voice: Voice) -> Sound:
        """Read a voice's reference (slow)."""

    def preview(self, voice: Voice, wiring: Wiring, settings: Settings, control: Control) -> Sound:
        """Convert the fixed sentence into a voice (slow)."""

    def record(self, microphone: DeviceIdentity | None, seconds: float, control: Control) -> Path:
        """Record the microphone into a scratch file (slow)."""

    def recordings_folder(self) -> Path:
        """Return where recordings go, and make sure that it is there; raise `RtvcError` if it cannot be."""

    def packs(self) -> Sequence[PackEntry]:
        """List the model packs there are and those that can be had (slow)."""

    def obtain_pack(self, name: str, folder: Path | None, say: Callable[[str], None], control: Control) -> None:
        """Fetch the checkpoints of a pack, unless a folder holds them, and build it (slow); `say` hears how."""

    def verify_pack(self, name: str) -> None:
        """Check a pack's digests and run it (slow); raise `RtvcError` if it is not sound."""

    def remove_pack(self, name: str) -> None:
        """Delete an installed pack."""

    def enrol(
        self, wiring: Wiring, seconds: float, hear: Callable[[float, float, float], None], control: Control
    ) -> Enrolment:
        """Record the microphone, and learn and keep the user's voice (slow).

        `hear` is told the level and the peak in dBFS, and the seconds of speech so far.
        """

    def enrolment(self, wiring: Wiring) -> Enrolment | None:
        """Return what was learnt of the user's voice at the microphone (slow), if anything."""

    def keep_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        """Keep what was learnt of the user's voice (slow)."""

    def forget_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        """Delete what was learnt of the user's voice (slow)."""

    def test_tone(self, control: Control) -> float:
        """Play a tone into the virtual microphone and listen there (slow); return the level heard in dBFS."""

    def cuda_works(self) -> bool:
        """Tell whether a graphics card can run the models (slow)."""

    def close(self) -> None:
        """Let go of everything, the virtual microphone too."""
