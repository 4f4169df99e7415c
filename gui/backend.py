"""The real backend: what the panel asks of `rtvc`. Its slow methods run in the pool's threads, several at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from platformdirs import user_music_path

from gui.options import Options, Provider
from gui.protocol import PackFigures, Sound, VirtualMicrophoneState
from gui.tasks import Control
from gui.view_state import PackEntry
from rtvc.app.preferences import PreferenceFile, Preferences, Wiring
from rtvc.devices import portaudio
from rtvc.devices.live_port import LivePort
from rtvc.devices.microphone import microphone_blocks
from rtvc.devices.portaudio import PULSE, Device, DeviceIdentity
from rtvc.devices.virtual_cable import DESCRIPTION, explain_virtual_cable, find_virtual_cable
from rtvc.devices.virtual_microphone import SINK, SOURCE, virtual_microphone
from rtvc.dsp.decibels import decibels
from rtvc.dsp.speech_activity import SpeechActivity
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer
from rtvc.files.conversion import Conversion, convert_file
from rtvc.live.engine import Engine
from rtvc.packs import catalogue
from rtvc.packs.download import RemoteFile
from rtvc.packs.pack import ModelPack, embedded_packs, find_pack, installed_packs, pack_names
from rtvc.packs.runtime import Runtime, cuda_works
from rtvc.settings import Settings
from rtvc.voices.enrolment import Enrolment, EnrolmentLibrary, enrol_audio
from rtvc.voices.library import VoiceLibrary, shipped_voices
from rtvc.voices.voice import Voice

TONE_HERTZ = 440.0
TONE_SECONDS = 1.5
TONE_AMPLITUDE = 0.2


class LocalBackend:
    """A `gui.protocol.Backend` on this machine.

    Parameters
    ----------
    preferences, library, enrolments
        Where things are kept; by default in the user's folders.
    """

    def __init__(
        self,
        preferences: PreferenceFile | None = None,
        library: VoiceLibrary | None = None,
        enrolments: EnrolmentLibrary | None = None,
    ) -> None:
        self._preferences = preferences or PreferenceFile()
        self._library = library or VoiceLibrary()
        self._enrolments = enrolments or EnrolmentLibrary()
        self._microphone = virtual_microphone()
        self._scratch = tempfile.TemporaryDirectory(prefix="rtvc-panel-", ignore_cleanup_errors=True)
        self._pack = lru_cache(maxsize=2)(find_pack)

    def load(self) -> Preferences:
        """Return what was chosen last."""
        return self._preferences.load()

    def save(self, preferences: Preferences) -> None:
        """Remember choices."""
        self._preferences.save(preferences)

    def devices(self, refresh: bool) -> Sequence[Device]:
        """List the devices."""
        if refresh:
            portaudio.refresh()
        return portaudio.list_devices()

    def virtual_microphone(self) -> VirtualMicrophoneState:
        """Look for the virtual microphone, or an installed virtual cable."""
        listed = portaudio.list_devices()
        if self._microphone is None:
            cable = find_virtual_cable(listed)
            return VirtualMicrophoneState(cable.microphone if cable else "", False, explain_virtual_cable())
        if any(device.name == SINK for device in listed):
            return VirtualMicrophoneState(DESCRIPTION, False, "")
        if any(device.host_api == portaudio.PULSE for device in listed):
            made = "It is made when you switch on; make it now to choose it in Discord or OBS beforehand."
            return VirtualMicrophoneState("", True, made)
        return VirtualMicrophoneState("", False, explain_virtual_cable())

    def create_virtual_microphone(self) -> None:
        """Make it; it lasts until `close`."""
        if self._microphone is None:
            raise RtvcError(explain_virtual_cable())
        self._microphone.open()

    def open_engine(self, wiring: Wiring, settings: Settings, options: Options) -> Engine:
        """Load the models and make an engine that has yet to be started."""
        provider = None if options.provider is Provider.AUTOMATIC else options.provider.value
        pack = self._pack(wiring.pack).bound(Runtime(options.threads, provider))
        microphone = _plugged_in(wiring.microphone)
        port = LivePort(
            wiring.microphone,
            wiring.output,
            wiring.monitor,
            virtual_microphone=self._microphone,
            buffer_seconds=options.profile.buffer_seconds,
        )
        return Engine(
            pack,
            port,
            settings,
            enrolment=self._enrolments.load(str(microphone.identity), pack),
            library=self._library,
            step=options.profile.step(pack.defaults.step),
        )

    def figures(self, pack: str) -> PackFigures:
        """Open a pack and tell of it."""
        opened = self._pack(pack)
        learned, _ = opened.roles.groups(opened.feature_dim)
        return PackFigures(len(learned), opened.defaults.block_size, opened.sample_rate)

    def voices(self) -> Sequence[Voice]:
        """List the voices."""
        return self._library.list()

    def add_voice(self, name: str, recordings: Sequence[Path], pack: str) -> str | None:
        """Store a voice; return what the user should know of the recording, if anything."""
        opened = self._pack(pack)
        return self._library.add(name, recordings, opened).warning(opened)

    def rename_voice(self, name: str, new_name: str) -> None:
        """Rename one of the user's own voices."""
        self._library.rename(name, new_name)

    def remove_voice(self, name: str) -> None:
        """Delete one of the user's own voices."""
        self._library.remove(name)

    def reference(self, voice: Voice) -> Sound:
        """Read a voice's reference."""
        return Sound(voice.recording.read(), voice.recording.rate)

    def preview(self, voice: Voice, wiring: Wiring, settings: Settings, control: Control) -> Sound:
        """Convert the reference of a shipped voice, another than this one, into this voice."""
        sentence = next(shipped for shipped in shipped_voices() if shipped.name != voice.name)
        pack = self._pack(wiring.pack)
        with tempfile.TemporaryDirectory(dir=self._scratch.name) as folder:
            output = Path(folder) / "preview.wav"
            # The sound is not there before it is all converted, so its progress is not shown as that of playing.
            convert_file(
                sentence.reference,
                voice,
                output,
                pack,
                Conversion(settings.map),
                progress=lambda share: control.check(),
                fitting=control.progress,
            )
            converted = AudioFile(output)
            return Sound(converted.read(), converted.rate)

    def record(self, microphone: DeviceIdentity | None, seconds: float, control: Control) -> Path:
        """Record the microphone into a scratch file."""
        device = _plugged_in(microphone)
        heard, rate, total = [], 1, 0
        for block, rate in microphone_blocks(device, seconds):
            heard.append(block)
            total += len(block)
            control.progress(total / rate / seconds)
        path = Path(tempfile.mkdtemp(dir=self._scratch.name)) / "recording.wav"
        with audio_writer(path, rate, subtype="PCM_24") as writer:
            writer.write(np.concatenate(heard))
        return path

    def enrol(
        self, wiring: Wiring, seconds: float, hear: Callable[[float, float, float], None], control: Control
    ) -> Enrolment:
        """Record the microphone and learn the user's voice."""
        pack = self._pack(wiring.pack)
        device = _plugged_in(wiring.microphone)
        heard: list[Block] = []
        rate, speech, total = 1, 0, 0
        activity: SpeechActivity | None = None
        for block, rate in microphone_blocks(device, seconds):
            activity = activity or SpeechActivity(rate // pack.frame_rate, rate)
            speech += int(np.count_nonzero(activity.process(block)))
            heard.append(block)
            total += len(block)
            hear(
                decibels(float(np.sqrt(np.mean(block**2)))),
                decibels(float(np.max(np.abs(block)))),
                speech / pack.frame_rate,
            )
            control.progress(min(1.0, total / rate / seconds))
        enrolment = enrol_audio(np.concatenate(heard), rate, pack, str(device.identity))
        control.check()
        self._enrolments.save(enrolment, pack)
        return enrolment

    def enrolment(self, wiring: Wiring) -> Enrolment | None:
        """Return what was learnt of the user's voice at the microphone, if anything."""
        device = portaudio.find_device(wiring.microphone, "input", portaudio.list_devices())
        return self._enrolments.load(str(device.identity), self._pack(wiring.pack))

    def keep_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        """Keep what was learnt of the user's voice."""
        self._enrolments.save(enrolment, self._pack(pack))

    def forget_enrolment(self, enrolment: Enrolment, pack: str) -> None:
        """Delete what was learnt of the user's voice."""
        self._enrolments.remove(enrolment.microphone, self._pack(pack))

    def test_tone(self, control: Control) -> float:
        """Play a tone into the virtual microphone and listen there; return the level heard in dBFS."""
        if self._microphone is not None:
            port = LivePort(DeviceIdentity(PULSE, SOURCE), virtual_microphone=self._microphone)
        elif (cable := find_virtual_cable(portaudio.list_devices())) is not None:
            port = LivePort(cable.microphone)
        else:
            raise RtvcError(explain_virtual_cable())
        with closing(port):
            port.open()
            capture, playback = port.capture, port.playback
            tone = np.sin(2 * np.pi * TONE_HERTZ * np.arange(round(TONE_SECONDS * playback.rate)) / playback.rate)
            playback.ring.write((TONE_AMPLITUDE * tone).astype(np.float32))
            loudest = np.float32(0)
            block = np.zeros(capture.block, np.float32)
            for _ in range(round(TONE_SECONDS * capture.rate / capture.block)):
                control.check()
                if not capture.wait(len(block), TONE_SECONDS):
                    break
                capture.ring.read_into(block)
                loudest = max(loudest, np.sqrt(np.mean(block**2)))
        return decibels(float(loudest))

    def packs(self) -> Sequence[PackEntry]:
        """List the model packs there are and those that can be had."""
        entries = [_described(embedded_packs() / name, "shipped") for name in pack_names(embedded_packs())]
        installed = pack_names(installed_packs())
        entries += [_described(installed_packs() / name, "installed") for name in installed]
        for name, known in catalogue.KNOWN.items():
            if name not in installed:
                size = sum(file.size for file in known.files)
                entries.append(PackEntry(name, "available", known.description, known.licence, size / 1e6))
        return entries

    def obtain_pack(self, name: str, folder: Path | None, say: Callable[[str], None], control: Control) -> None:
        """Fetch the checkpoints of a pack, unless a folder holds them, and build it."""
        try:
            from export.build import Models, build_pack
        except ImportError as error:
            raise RtvcError(
                f'Building packs needs PyTorch ({error}): run `pip install -e ".[export]"` in the folder of rtvc.'
            ) from None
        known = catalogue.known_pack(name)

        def fetched(file: RemoteFile, size: int) -> None:
            say(f"Downloading {file.name}: {size / 1e6:.0f} of {file.size / 1e6:.0f} MB")
            control.progress(size / file.size)

        def built(line: str) -> None:
            control.progress(-1.0)
            say(line)

        if folder is None:
            paths = catalogue.fetch(known, progress=fetched)
        else:
            say("Checking the files …")
            paths, _ = catalogue.take(known, folder)
        built("Loading the checkpoints …")
        models = Models.load(paths[known.encoder], paths[known.vocoder])
        built("Building; this takes some minutes …")
        speech = [voice.reference for voice in shipped_voices()]
        build_pack(known, models, speech, installed_packs() / name, say=built)
        self._pack.cache_clear()

    def verify_pack(self, name: str) -> None:
        """Check a pack's digests and run it."""
        catalogue.verify(name)

    def remove_pack(self, name: str) -> None:
        """Delete an installed pack."""
        catalogue.remove(name)
        self._pack.cache_clear()

    def cuda_works(self) -> bool:
        """Tell whether a graphics card can run the models."""
        return cuda_works()

    def recordings_folder(self) -> Path:
        """Return where recordings go."""
        folder = user_music_path() / "rtvc"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RtvcError(f"{folder} cannot be made ({error.strerror}): recordings would go there.") from None
        return folder

    def close(self) -> None:
        """Let go of everything, the virtual microphone too."""
        self._scratch.cleanup()
        if self._microphone is not None:
            self._microphone.close()


def _plugged_in(microphone: DeviceIdentity | None) -> Device:
    """Find a microphone among the devices that there are now, not those of when PortAudio looked last."""
    portaudio.refresh()
    return portaudio.find_device(microphone, "input", portaudio.list_devices())


def _described(folder: Path, origin: Literal["shipped", "installed"]) -> PackEntry:
    """Tell of a pack on disk, sound or not."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    try:
        pack = ModelPack(folder)
    except RtvcError as error:
        return PackEntry(folder.name, origin, megabytes=size, problem=str(error))
    latency_ms = 1000 * pack.latency / pack.sample_rate
    return PackEntry(folder.name, origin, pack.card.description, pack.card.licence, size, latency_ms)
