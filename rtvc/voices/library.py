"""The voices on disk: those that came with the program, and the user's own.

Each of the user's voices is a folder with two entries. `voice.json` describes it and names its contents. The contents
are a folder with `reference.wav` (one channel, at most 48 kHz and 5 min), the cached `features-<pack>.npz`, and
cached maps. A voice is replaced by writing new contents beside the old ones and renaming a new `voice.json` over the
old one, so a process killed at any moment leaves one whole voice. Early voices have their contents beside
`voice.json`.

Everything here runs on the calling thread.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from platformdirs import user_data_path

from rtvc.audio_file import audio_writer, is_file
from rtvc.dsp.noise_suppression import NoiseSuppression, suppress_noise
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.names import check_name, did_you_mean, normal, shortened
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_folder, atomic_write, make_folder
from rtvc.voices.analysis import read_recordings
from rtvc.voices.voice import Blend, Target, Voice, features_name, reference_features, write_features

DESCRIPTION = "voice.json"
REFERENCE = "reference.wav"
SHIPPED_MAPS = ".maps"
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
LONGEST_TEXT = 500
"""Characters of a credit or a description."""

LARGEST_WEIGHT = 1000.0
MOST_PARTS = 16

_EXAMPLE = "Willow:0.7,Alder:0.3"
_CONTENTS = re.compile(r"[0-9a-f]{16}")
_LARGEST_DESCRIPTION = 65_536
_ABANDONED_SECONDS = 3600.0
"""Contents that no `voice.json` names, and that nobody has written to for this long, belong to a killed process."""


class VoiceLibrary:
    """The shipped voices and the user's own, by name.

    Parameters
    ----------
    folder
        Where the user's voices lie; by default in the user's data folder.
    paths
        Whether `open` also takes paths of audio files.
    """

    def __init__(self, folder: Path | None = None, *, paths: bool = True) -> None:
        self._paths = paths
        self.folder = folder or user_data_path("rtvc", appauthor=False) / "voices"

    def list(self) -> list[Voice]:
        """Return all voices: the user's own first, then the shipped ones, each sorted by name."""
        own = (_own_voice(name, folder) for name, folder in sorted(self._own_folders().items()))
        shipped = (replace(voice, maps=self.folder / SHIPPED_MAPS / voice.name) for voice in shipped_voices())
        return [*own, *shipped]

    def find(self, name: str) -> Voice:
        """Return the voice of this name; raise `RtvcError` that suggests another one if there is none."""
        voices = self._by_name()
        if (voice := voices.get(normal(name))) is not None:
            return voice
        suggestion = did_you_mean(name, voices) or (
            f" Choose one of {', '.join(sorted(voices))}, or add one with `rtvc voices add`."
        )
        raise RtvcError(f"There is no voice {shortened(name)}.{suggestion}")

    def open(self, name: str) -> Target:
        """Return a voice by its name, by the path of an audio file, or a blend such as `Willow:0.7,Alder:0.3`.

        A stored voice takes precedence over a file of the same name in the working directory; a path with a
        separator is always a file. The parts of a blend are names or paths. Raises `RtvcError` if there is no such
        voice, and if a blend has weights outside 0 to 1000 or more than 16 voices.
        """
        if normal(name) in self._by_name() or (self._paths and is_file(Path(name))):
            return self._single(name)
        parts = blend_parts(name)
        if parts is None:
            if "," in name and Path(name).suffix.lower() not in AUDIO_SUFFIXES:
                raise RtvcError(
                    f"{shortened(name)} is not a blend: write one as {_EXAMPLE}, each voice with its weight."
                )
            return self._single(name)
        weights: dict[str, float] = {}
        for part, weight in parts:
            if not (weight == 0 or 1 / LARGEST_WEIGHT <= weight <= LARGEST_WEIGHT):
                raise RtvcError(
                    f"{weight:g} cannot be the weight of {shortened(part)}: "
                    f"write 0 or a number from {1 / LARGEST_WEIGHT} to {LARGEST_WEIGHT:.0f}, as in {_EXAMPLE}."
                )
            weights[part] = weights.get(part, 0.0) + weight
        if not any(weights.values()):
            raise RtvcError(f"{shortened(name)}: the weights of a blend cannot all be zero; write one as {_EXAMPLE}.")
        if len(weights) > MOST_PARTS:
            raise RtvcError(f"A blend has at most {MOST_PARTS} voices, and this one has {len(weights)}.")
        return Blend(name, tuple((self._single(part), weight) for part, weight in weights.items()))

    def add(
        self,
        name: str,
        recordings: Sequence[Path],
        pack: ModelPack,
        replace: bool = False,
        credit: str = "",
        description: str = "",
        noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
        register: str = "",
    ) -> Voice:
        """Store a voice made of one or more recordings, with its features under `pack`.

        The reference is stored with its noise suppressed.

        Raises `RtvcError` if the name is not allowed or taken, a recording cannot be a reference, or the voice cannot
        be written. An earlier voice of this name then stays as it was.
        """
        name = check_voice_name(name)
        self._check_free(name, replace)
        noise_suppression.check()
        audio, rate = read_recordings(recordings)
        audio = suppress_noise(audio, rate, noise_suppression)
        features = reference_features(audio, rate, pack, ", ".join(str(path) for path in recordings))
        described = {"credit": _clean(credit), "description": _clean(description), "register": _clean(register)}
        return self._store(name, audio, rate, described, replace, {features_name(pack): features})

    def duplicate(self, name: str, new_name: str) -> Voice:
        """Store a copy of any voice under another name; raises as `find` and `add` do."""
        voice, new_name = self.find(name), check_voice_name(new_name)
        self._check_free(new_name)
        described = {"credit": voice.credit, "description": voice.description, "register": voice.register}
        return self._store(new_name, *read_recordings([voice.reference]), described)

    def remove(self, name: str) -> None:
        """Delete one of the user's voices; raise `RtvcError` if there is none of this name."""
        folder = self._own_folder(name, "remove")
        with _changing(name, self.folder):
            if folder.is_symlink():
                folder.unlink()
                return
            # Without its description, the folder is no voice, even if the process is killed here.
            (folder / DESCRIPTION).unlink()
            shutil.rmtree(folder, ignore_errors=True)

    def rename(self, name: str, new_name: str) -> None:
        """Give one of the user's voices another name; raise `RtvcError` if it is not allowed or taken."""
        new_name, old = check_voice_name(new_name), self._own_folder(name, "rename")
        new = self.folder / new_name
        # On a file system that ignores case, "willow" and "Willow" are the same folder.
        if new_name in self._by_name() or (new.exists() and not new.samefile(old)):
            raise RtvcError(f"A voice named {new_name!r} already exists: choose another name.")
        with _changing(name, self.folder):
            old.rename(new)

    def _by_name(self) -> dict[str, Voice]:
        return {voice.name: voice for voice in reversed(self.list())}

    def _single(self, name: str) -> Voice:
        if (voice := self._by_name().get(normal(name))) is not None:
            return voice
        if not self._paths:
            return self.find(name)
        path = Path(name)
        separators = [separator for separator in (os.sep, os.altsep) if separator]
        if is_file(path) or path.suffix.lower() in AUDIO_SUFFIXES or any(mark in name for mark in separators):
            return Voice(path.stem, path)
        return self.find(name)

    def _own_folders(self) -> dict[str, Path]:
        """Return the folders of the user's voices by name; a name that cannot be printed is left out."""
        folders = (path.parent for path in self.folder.glob(f"[!.]*/{DESCRIPTION}") if is_file(path))
        return {normal(folder.name): folder for folder in folders if folder.name.isprintable()}

    def _own_folder(self, name: str, verb: str) -> Path:
        if (folder := self._own_folders().get(normal(name))) is not None:
            return folder
        if normal(name) in {voice.name for voice in shipped_voices()}:
            raise RtvcError(f"The voice {name!r} came with the program; you cannot {verb} it.")
        suggestion = did_you_mean(name, self._own_folders()) or " `rtvc voices list` shows what there is."
        raise RtvcError(f"You have no voice {shortened(name)} to {verb}.{suggestion}")

    def _check_free(self, name: str, replace: bool = False) -> None:
        # A file system that ignores case may hold the voice under another spelling.
        if not replace and (name in self._by_name() or is_file(self.folder / name / DESCRIPTION)):
            raise RtvcError(
                f"A voice named {name!r} already exists: choose another name, or replace it with --force."
            )

    def _store(
        self,
        name: str,
        audio: Block,
        rate: int,
        described: Mapping[str, object],
        replace: bool = False,
        features: Mapping[str, FeatureSet] | None = None,
    ) -> Voice:
        target = self._own_folders().get(name, self.folder / name)
        contents, replaced = secrets.token_hex(8), str(_describe(target).get("contents", ""))
        with _changing(name, self.folder):
            make_folder(self.folder)
            target.mkdir(mode=0o700, exist_ok=True)
            try:
                with atomic_folder(target / contents, private=True) as folder:
                    with audio_writer(folder / REFERENCE, rate, subtype="PCM_24") as writer:
                        writer.write(audio)
                    for file_name, feature_set in (features or {}).items():
                        write_features(folder / file_name, feature_set)
                # This one rename decides, against a kill and against another process that adds the same name.
                with atomic_write(target / DESCRIPTION, overwrite=replace) as file:
                    file.write(json.dumps({**described, "contents": contents}, indent=2).encode())
            except BaseException:
                shutil.rmtree(target / contents, ignore_errors=True)
                with suppress(OSError):
                    target.rmdir()
                self._check_free(name, replace)
                raise
        _remove_replaced(target, contents, replaced)
        return _own_voice(name, target)


def shipped_voices() -> list[Voice]:
    """Return the voices that come with the program, sorted by name."""
    folder = Path(str(files("rtvc"))) / "assets" / "voices"
    credits = json.loads((folder / "credits.json").read_text(encoding="utf-8"))
    return [
        Voice(
            name,
            folder / entry["file"],
            credit=entry["credit"],
            description=entry.get("description", ""),
            register=entry.get("register", ""),
        )
        for name, entry in sorted(credits.items())
    ]


def blend_parts(name: str) -> list[tuple[str, float]] | None:
    """Return the voices and weights of a blend such as `Willow:0.7,Alder:0.3`; None if the name is not one."""
    parts = []
    for part in name.split(","):
        voice, _, weight = part.rpartition(":")
        try:
            parts.append((voice.strip(), float(weight)))
        except ValueError:
            return None
    return parts if all(voice for voice, _ in parts) else None


def voice_names(chosen: str) -> set[str]:
    """Return the names of the voices that a choice consists of: itself, or the parts of a blend."""
    return {voice for voice, _ in blend_parts(chosen) or [(chosen, 1.0)]}


def with_new_name(chosen: str, name: str, new_name: str) -> str:
    """Return a choice, of a voice or of a blend, after a voice was given a new name."""
    if chosen == name:
        return new_name
    parts = [part.rpartition(":") for part in chosen.split(",")]
    return ",".join(f"{new_name if voice.strip() == name else voice}{mark}{weight}" for voice, mark, weight in parts)


def check_voice_name(name: str) -> str:
    """Return a voice's name in composed form (NFC); raise `RtvcError` if it is not allowed."""
    name = check_name(name)
    if name.lower().endswith(AUDIO_SUFFIXES):
        raise RtvcError(f"{name!r} cannot be a voice's name: names with this suffix are audio files.")
    return name


def _own_voice(name: str, folder: Path) -> Voice:
    described = _describe(folder)
    contents = folder / str(described["contents"]) if "contents" in described else _newest_contents(folder)
    texts = {key: str(described.get(key, "")) for key in ("credit", "description", "register")}
    return Voice(name, contents / REFERENCE, contents, contents, **{key: _clean(text) for key, text in texts.items()})


def _describe(folder: Path) -> dict[str, object]:
    """Return the description of a voice; empty where it is damaged, and where `contents` could be any path."""
    try:
        with (folder / DESCRIPTION).open("rb") as file:
            described = json.loads(file.read(_LARGEST_DESCRIPTION))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(described, dict) or not _CONTENTS.fullmatch(str(described.get("contents", "0" * 16))):
        return {}
    return described


def _newest_contents(folder: Path) -> Path:
    """Return the contents of a voice whose description is damaged or, as in early voices, does not name them."""
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        found = [(path.stat().st_mtime, path) for path in folder.iterdir() if _CONTENTS.fullmatch(path.name)]
    return max(found, default=(0.0, folder))[1]


def _remove_replaced(folder: Path, contents: str, replaced: str) -> None:
    """Delete earlier contents, and those that a killed process left."""
    for entry in folder.iterdir():
        if entry.name == contents:
            continue
        with suppress(OSError):
            abandoned = time.time() - entry.stat().st_mtime > _ABANDONED_SECONDS
            if entry.name == replaced or (_CONTENTS.fullmatch(entry.name) and abandoned):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name == REFERENCE or entry.suffix == ".npz":
                entry.unlink()


def _clean(text: str) -> str:
    """Return a text for people on one line, without control characters."""
    return "".join(character if character.isprintable() else " " for character in text[:LONGEST_TEXT]).strip()


@contextmanager
def _changing(name: str, folder: Path) -> Iterator[None]:
    """Turn an `OSError` into an `RtvcError`."""
    try:
        yield
    except OSError as error:
        raise RtvcError(
            f"The voice {name!r} cannot be changed ({error.strerror}): "
            f"check the free space in {folder} and the permission to write there."
        ) from None
