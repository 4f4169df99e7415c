"""Target voices: adding, recording and previewing them. `VoiceLibrary` lists, renames and removes them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtvc.app.devices import find_microphone
from rtvc.app.models import open_pack
from rtvc.audio_file import AudioFile, audio_writer
from rtvc.devices.live_port import Wanted
from rtvc.devices.microphone import microphone_blocks
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.files.conversion import Conversion
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport.pitch import UNCHANGED_PITCH
from rtvc.voices import exchange
from rtvc.voices.analysis import cut_warning
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice


@dataclass(frozen=True)
class Sound:
    """Samples `[n]` at a sample rate in Hz."""

    audio: Block
    rate: int


@dataclass(frozen=True)
class AddedVoice:
    """A voice that was stored.

    Attributes
    ----------
    voice
        The voice.
    speech_seconds
        How much speech its recordings hold.
    warning
        What the user should know about the recordings; None if they are fine.
    """

    voice: Voice
    speech_seconds: float
    warning: str | None


def add_voice(
    name: str,
    recordings: Sequence[Path],
    pack: str,
    *,
    replace: bool = False,
    credit: str = "",
    description: str = "",
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
    voices: VoiceLibrary | None = None,
) -> AddedVoice:
    """Store a voice and compute its features under a pack; raises as `VoiceLibrary.add` does."""
    opened = open_pack(pack)
    voice = (voices or VoiceLibrary()).add(name, recordings, opened, replace, credit, description, noise_suppression)
    return _added(voice, opened, cut_warning(recordings))


def clean_voice(name: str, pack: str, *, voices: VoiceLibrary | None = None) -> AddedVoice:
    """Remove the noise from the reference of one of the user's voices; raises as `VoiceLibrary.add` does."""
    opened, library = open_pack(pack), voices or VoiceLibrary()
    voice = library.find(name)
    cleaned = library.add(
        name,
        [voice.reference],
        opened,
        replace=True,
        credit=voice.credit,
        description=voice.description,
        noise_suppression=NoiseSuppression.STRONG,
        register=voice.register,
    )
    return _added(cleaned, opened)


def import_voice(
    file: Path, pack: str, *, name: str | None = None, replace: bool = False, voices: VoiceLibrary | None = None
) -> AddedVoice:
    """Store the voice in a `.rtvcvoice` file under its own name or another; raises as `exchange.import_voice`."""
    opened = open_pack(pack)
    return _added(exchange.import_voice(voices or VoiceLibrary(), file, opened, name, replace), opened)


def _added(voice: Voice, pack: ModelPack, cut: str | None = None) -> AddedVoice:
    return AddedVoice(voice, voice.speech_seconds(pack), voice.warning(pack) or cut)


def record_reference(
    microphone: Wanted, seconds: float, folder: Path, *, progress: Callable[[float], None] = lambda share: None
) -> Path:
    """Record the microphone into a new file in a folder, as a reference for `add_voice`.

    `progress` is told the share done, 0 to 1; an exception that it raises abandons the recording. Raises `RtvcError`
    if the microphone is missing or fails.
    """
    device = find_microphone(microphone)
    path = Path(tempfile.mkdtemp(dir=folder)) / "recording.wav"
    blocks, rate, samples = [], 1, 0
    for block, rate in microphone_blocks(device, seconds):
        blocks.append(block)
        samples += len(block)
        progress(min(1.0, samples / rate / seconds))
    with audio_writer(path, rate, subtype="PCM_24") as writer:
        writer.write(np.concatenate(blocks))
    return path


def reference(voice: Voice) -> Sound:
    """Read a voice's reference recording."""
    return Sound(voice.recording.read(), voice.recording.rate)


def preview(
    voice: Voice,
    pack: str,
    settings: Settings,
    *,
    speech: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
    fitting: Callable[[float], None] = lambda share: None,
) -> Sound:
    """Convert a recording into this voice: `speech`, or else a shipped sentence that another voice speaks.

    `progress` and `fitting` are told the share of the conversion and of a long fit that is done, 0 to 1; an exception
    that they raise abandons the preview. Raises as `convert_file` does.
    """
    if speech is None:
        speech = next(shipped for shipped in shipped_voices() if shipped.name != voice.name).reference
    models = open_pack(pack)
    possible = not settings.pitch.problem(models.roles, models.name)
    pitch = settings.pitch if possible else UNCHANGED_PITCH
    conversion = Conversion(
        settings.map, pitch_semitones=pitch.semitones, intonation=pitch.intonation, formants=pitch.formants
    )
    with tempfile.TemporaryDirectory(prefix="rtvc-preview-") as folder:
        output = Path(folder) / "preview.wav"
        convert_file(
            speech,
            voice,
            output,
            models,
            conversion,
            progress=progress,
            fitting=fitting,
        )
        converted = AudioFile(output)
        return Sound(converted.read(), converted.rate)
