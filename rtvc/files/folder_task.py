"""One recording of a folder, as a task that any process can do: a worker of this machine, or one of a Dask cluster.

`convert_task` runs on a worker's thread. A process opens the pack once, and each of the latest voices once.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from rtvc.errors import RtvcError
from rtvc.files.conversion import Conversion, Outcome
from rtvc.files.file_conversion import convert_file
from rtvc.packs.pack import ModelPack, find_pack
from rtvc.packs.runtime import Runtime
from rtvc.storage import make_folder
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.voice import Target, Voice

VOICES_KEPT = 32
"""Voices that a worker keeps open: a few MiB each."""


@dataclass(frozen=True)
class Recipe:
    """All that a result depends on beside its source, as the manifest names it.

    Attributes
    ----------
    voice, voice_sha256
        The voice as the user named it, and the digest of its reference.
    pack, pack_sha256
        The model pack, and the digest of its graphs.
    settings
        The `Conversion` as JSON.
    rtvc
        Version of rtvc.
    """

    voice: str
    voice_sha256: str
    pack: str
    pack_sha256: str
    settings: str
    rtvc: str

    @classmethod
    def of(cls, voice: str, target: Target, pack: ModelPack, conversion: Conversion) -> Recipe:
        """Return the recipe of a conversion."""
        settings = json.dumps(asdict(conversion), sort_keys=True, default=str)
        return cls(voice, voice_digest(target), pack.name, pack.digest, settings, version("rtvc"))


@dataclass(frozen=True)
class Digests:
    """SHA-256 of a source and of the output that was made of it."""

    source: str
    output: str


@dataclass(frozen=True)
class Task:
    """One recording to convert.

    Attributes
    ----------
    source, output
        What to read and to write.
    recipe
        The voice and the rest.
    overwrite
        Whether an existing output may be replaced.
    recorded
        Digests of an earlier conversion by the same recipe, whose output exists: if both still hold, it is finished.
    """

    source: Path
    output: Path
    recipe: Recipe
    overwrite: bool = False
    recorded: Digests | None = None


@dataclass(frozen=True)
class FolderJob:
    """What the tasks of a folder have in common: models, how they run, and how to convert."""

    pack: str
    runtime: Runtime
    conversion: Conversion


@dataclass(frozen=True)
class Record:
    """What became of a task: an outcome, or an error; neither where an earlier conversion still holds."""

    task: Task
    digests: Digests | None = None
    outcome: Outcome | None = None
    error: str = ""


def convert_task(task: Task, job: FolderJob) -> Record:
    """Convert one recording, unless that is done already. Errors that users can cause are part of the record."""
    try:
        pack = open_pack(job.pack, task.recipe.pack_sha256, job.runtime)
        voice = _open_voice(task.recipe.voice, task.recipe.voice_sha256)
        overwrite, source = task.overwrite, file_digest(task.source)
        if task.recorded is not None and os.path.lexists(task.output):
            found = Digests(source, file_digest(task.output))
            if found == task.recorded:
                return Record(task, found)
            if found.output != task.recorded.output:
                raise RtvcError(f"{task.output}: was changed after its conversion; use --force to replace it.")
            overwrite = True  # Its source has changed since.
        make_folder(task.output.parent)
        outcome = convert_file(task.source, voice, task.output, pack, job.conversion, overwrite=overwrite)
        return Record(task, Digests(source, file_digest(task.output)), outcome)
    except RtvcError as error:
        return Record(task, error=str(error))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; raise `RtvcError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RtvcError(f"{path}: cannot be read ({error.strerror}).") from None


def voice_digest(voice: Target) -> str:
    """Return a digest of a voice's reference, or of the parts of a blend and their weights."""
    if isinstance(voice, Voice):
        return file_digest(voice.reference)
    parts = [f"{weight} {voice_digest(part)}" for part, weight in voice.parts]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def open_pack(name: str, digest: str, runtime: Runtime) -> ModelPack:
    """Return a pack, opened once in this process; raise `RtvcError` if it has another digest."""
    pack = find_pack(name, runtime)
    if pack.digest != digest:
        raise RtvcError(f"The model pack {name} differs between this worker and the machine that planned the work.")
    return pack


@lru_cache(maxsize=VOICES_KEPT)
def _open_voice(name: str, digest: str) -> Target:
    voice = VoiceLibrary().open(name)
    if voice_digest(voice) != digest:
        raise RtvcError(f"The voice {name} differs between this worker and the machine that planned the work.")
    return voice
