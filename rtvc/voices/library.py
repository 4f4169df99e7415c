"""Voices: a name, a reference recording, and its features under every pack that was used with it.

The shipped voices are read-only; a user's own lie in one folder each below the user's data folder:
`voice.json`, `reference.wav` (one channel, as given, one recording after the other), `features-<digest>.npz`
for each pack, made when first needed, and the maps that `rtvc.live.map_fitter` keeps. All files are written aside and
renamed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from platformdirs import user_data_path

from rtvc.chain.voice_converter import analyse
from rtvc.dsp.decibels import amplitude
from rtvc.dsp.level import speech_level
from rtvc.dsp.resample import resample
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.files.audio_file import AudioFile, audio_writer, is_file
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, atomic_write, make_folder, sweep
from rtvc.transport.mkl import barycentre
from rtvc.voices.statistics import FeatureSet, FeatureStatistics

LEAST_SECONDS = 1.0
GOOD_SECONDS = 4.0
DESCRIPTION = "voice.json"
REFERENCE = "reference.wav"
SHIPPED_MAPS = ".maps"
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")

_NAME = re.compile(r"\w[\w .-]{0,62}\w|\w")
_WEIGHTED = re.compile(r"(.+):(\d+|\d*\.\d+)")
_BLEND = "Willow:0.7,Alder:0.3"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Voice:
    """A target voice: what to call it, its reference recording, and where what is worked out from it may be kept.

    `folder`, for features, is None for a voice that is not the user's (an audio file named on the command line, a
    shipped voice). `maps`, for maps that take long to fit, is None for an audio file alone.
    """

    name: str
    reference: Path
    folder: Path | None = None
    credit: str = ""
    maps: Path | None = None

    @cached_property
    def recording(self) -> AudioFile:
        """The reference recording."""
        return AudioFile(self.reference)

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the features of the reference's speech under a pack.

        Raises `RtvcError` if it holds less than a second of speech.
        """
        stored = self.folder and self.folder / _features_name(pack)
        if stored is not None and (kept := _load(stored)) is not None:
            return kept
        features = reference_features(self.recording.read(), self.recording.rate, pack, str(self.reference))
        if stored is not None:
            # A disk that is full or not ours costs another analysis next time, and nothing now.
            with suppress(RtvcError):
                _save(stored, features)
        return features

    def speech_seconds(self, pack: ModelPack) -> float:
        """Return how much speech the reference holds."""
        return self.features(pack).statistics.count / pack.frame_rate

    def warning(self, pack: ModelPack) -> str | None:
        """Return what the user should know of the reference, if anything."""
        seconds = self.speech_seconds(pack)
        if seconds < GOOD_SECONDS:
            return (
                f"{self.name} holds only {seconds:.1f} s of speech: "
                f"the voice will be closer with {GOOD_SECONDS:.0f} s or more."
            )
        return None


@dataclass(frozen=True)
class Blend:
    """A voice between several: the Wasserstein barycentre of their statistics, by the weights of `parts`."""

    name: str
    parts: tuple[tuple[Voice, float], ...]

    @property
    def maps(self) -> Path | None:
        """Where maps towards it may be kept: with the first of the voices that has a place for them."""
        return next((voice.maps for voice, _ in self.parts if voice.maps is not None), None)

    def features(self, pack: ModelPack) -> FeatureSet:
        """Return the frames of all parts with the statistics of the voice between them."""
        sets = [(voice.features(pack), weight) for voice, weight in self.parts]
        statistics = barycentre([(features.statistics, weight) for features, weight in sets])
        return FeatureSet(np.concatenate([features.frames for features, weight in sets if weight > 0]), statistics)

    def warning(self, pack: ModelPack) -> str | None:
        """Return what the user should know of the first reference that falls short, if one does."""
        return next(filter(None, (voice.warning(pack) for voice, _ in self.parts)), None)


Target = Voice | Blend
"""Whom to sound like."""


class VoiceLibrary:
    """The shipped voices and the user's own, by name.

    Parameters
    ----------
    folder
        Where the user's voices lie; by default in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_path("rtvc", appauthor=False) / "voices"
        sweep(self.folder)

    def list(self) -> list[Voice]:
        """Return all voices: the user's own first, then the shipped ones, each in order of their names."""
        own = sorted(path.parent.name for path in self.folder.glob(f"[!.]*/{DESCRIPTION}"))
        shipped = (replace(voice, maps=self.folder / SHIPPED_MAPS / voice.name) for voice in shipped_voices())
        return [*(self._own(name) for name in own), *shipped]

    def find(self, name: str) -> Voice:
        """Return a voice by its name; raise `RtvcError` that lists the names there are."""
        voices = {voice.name: voice for voice in reversed(self.list())}
        if name not in voices:
            raise RtvcError(
                f"There is no voice {name!r}: choose one of {', '.join(sorted(voices))}, "
                "or add one with `rtvc voices add`."
            )
        return voices[name]

    def open(self, name: str) -> Target:
        """Return a stored voice by its name, or one that is made of the audio file of this path.

        `A:0.7,B:0.3` is the voice between A and B, each again a name or a path. Raises `RtvcError` if it is none of
        these.
        """
        if is_file(Path(name)):
            return self._single(name)
        parts = [_WEIGHTED.fullmatch(part.strip()) for part in name.split(",")]
        weights = [(part[1], float(part[2])) for part in parts if part]
        if len(weights) < len(parts):
            if len(parts) > 1 and Path(name).suffix.lower() not in AUDIO_SUFFIXES:
                raise RtvcError(f"{name!r} is not a blend: write one as {_BLEND}, each voice with its share.")
            return self._single(name)
        if not any(weight for _, weight in weights):
            raise RtvcError(f"{name!r}: the weights of a blend cannot all be zero; write one as {_BLEND}.")
        return Blend(name, tuple((self._single(part), weight) for part, weight in weights))

    def _single(self, name: str) -> Voice:
        path = Path(name)
        if is_file(path) or path.suffix.lower() in AUDIO_SUFFIXES:
            return Voice(path.stem, path)
        return self.find(name)

    def add(self, name: str, recordings: Sequence[Path], pack: ModelPack, replace: bool = False) -> Voice:
        """Store a voice made of one or more recordings, with its features under `pack`.

        Raises `RtvcError` if the name is not fit for a folder or taken, a recording is not fit for a voice, or the
        voice cannot be written. A voice that was to be replaced is then still there.
        """
        check_name(name)
        target = self.folder / name
        # The file system may take another spelling for the same name.
        if not replace and (name in {voice.name for voice in self.list()} or target.exists()):
            raise RtvcError(f"There is a voice {name!r} already: choose another name, or replace it with --force.")
        sources = [AudioFile(path) for path in recordings]
        rate = max(source.rate for source in sources)
        audio = np.concatenate([resample(source.read(), source.rate, rate) for source in sources])
        features = reference_features(audio, rate, pack, ", ".join(str(path) for path in recordings))
        make_folder(self.folder)
        with atomic_folder(target, overwrite=replace) as folder:
            with audio_writer(folder / REFERENCE, rate, subtype="PCM_24") as writer:
                writer.write(audio)
            _save(folder / _features_name(pack), features)
            described = {"name": name, "recordings": [str(path) for path in recordings]}
            (folder / DESCRIPTION).write_text(json.dumps(described, indent=2), encoding="utf-8")
        return self._own(name)

    def remove(self, name: str) -> None:
        """Delete one of the user's voices; raise `RtvcError` if there is none of this name."""
        if not (self.folder / check_name(name) / DESCRIPTION).exists():
            if name in {voice.name for voice in shipped_voices()}:
                raise RtvcError(f"The voice {name!r} came with the program and cannot be removed.")
            raise RtvcError(f"You have no voice {name!r} to remove: `rtvc voices list` shows what there is.")
        with self._writing(name):
            shutil.rmtree(self.folder / name)

    def rename(self, name: str, new_name: str) -> None:
        """Give one of the user's voices another name; raise `RtvcError` if it is not fit or taken."""
        new, old = self.folder / check_name(new_name), self.folder / check_name(name)
        other = new.exists() and not (old.exists() and new.samefile(old))
        if new_name in {voice.name for voice in self.list()} or other:
            raise RtvcError(f"There is a voice {new_name!r} already: choose another name.")
        if not (old / DESCRIPTION).exists():
            raise RtvcError(f"You have no voice {name!r} to rename.")
        with self._writing(name):
            old.rename(new)

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Turn what the disk refuses into an `RtvcError`."""
        try:
            yield
        except OSError as error:
            raise RtvcError(
                f"The voice {name!r} cannot be changed ({error.strerror}): "
                f"see that there is room in {self.folder}, and that you may write there."
            ) from None

    def _own(self, name: str) -> Voice:
        folder = self.folder / name
        return Voice(name, folder / REFERENCE, folder, maps=folder)


def shipped_voices() -> list[Voice]:
    """Return the voices that come with the program."""
    folder = Path(str(files("rtvc"))) / "assets" / "voices"
    credits = json.loads((folder / "credits.json").read_text(encoding="utf-8"))
    return [Voice(name, folder / entry["file"], credit=entry["credit"]) for name, entry in sorted(credits.items())]


def check_name(name: str) -> str:
    """Return a voice's name if it can safely be a folder's; raise `RtvcError` otherwise."""
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise RtvcError(
            f"{name!r} cannot be a voice's name: use up to 64 letters, digits, spaces, dots, "
            "hyphens and underscores, with a letter or digit at both ends."
        )
    return name


def reference_features(audio: Block, rate: int, pack: ModelPack, where: str) -> FeatureSet:
    """Bring a reference `[samples]` to the pack's rate and level, and return the features of its speech."""
    level = speech_level([audio], rate)
    if level is None:
        raise RtvcError(f"{where}: holds no speech; a voice needs at least {LEAST_SECONDS:.0f} s, better 5 s.")
    levelled = resample(audio, rate, pack.sample_rate) * np.float32(amplitude(pack.level_dbfs - level))
    features = analyse(levelled, pack)
    seconds = features.statistics.count / pack.frame_rate
    if seconds < LEAST_SECONDS:
        raise RtvcError(
            f"{where}: holds {seconds:.1f} s of speech; a voice needs at least {LEAST_SECONDS:.0f} s, better 5 s."
        )
    return features


def _features_name(pack: ModelPack) -> str:
    return f"features-{pack.digest[:16]}.npz"


def _save(path: Path, features: FeatureSet) -> None:
    with atomic_write(path) as file:
        np.savez(file, frames=features.frames, **features.statistics.to_arrays())  # type: ignore[arg-type]


def _load(path: Path) -> FeatureSet | None:
    """Return features that were kept, or None if there are none of use."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return FeatureSet(arrays["frames"], FeatureStatistics.from_arrays(dict(arrays)))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, RtvcError):
        return None
