"""The user's own voice at a microphone: what a map starts from, known from the first word on.

Belongs to the thread of the command line or the panel; an `Enrolment` is immutable and may cross threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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
from rtvc.files.audio_file import AudioFile
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write, make_folder
from rtvc.voices.statistics import FeatureSet, FeatureStatistics

LEAST_SECONDS = 3.0
GOOD_SECONDS = 10.0


@dataclass(frozen=True)
class Enrolment:
    """A speaker at a microphone, under one pack.

    Attributes
    ----------
    microphone
        Which microphone: its host API and name, as people read them.
    features
        The features of their speech.
    level_dbfs
        The level at which their speech came from the microphone.
    speech_seconds
        How much speech that was.
    """

    microphone: str
    features: FeatureSet
    level_dbfs: float
    speech_seconds: float

    @property
    def warning(self) -> str | None:
        """What the user should know of it, if anything."""
        if self.speech_seconds < GOOD_SECONDS:
            return (
                f"The enrolment holds only {self.speech_seconds:.1f} s of speech: "
                f"the voice will be closer with {GOOD_SECONDS:.0f} s or more."
            )
        return None


def enrol_audio(audio: Block, rate: int, pack: ModelPack, microphone: str) -> Enrolment:
    """Learn a speaker from a recording `[samples]` made by the microphone.

    Raises `RtvcError` if it holds less than 3 s of speech.
    """
    level = speech_level([audio], rate)
    gain = 1.0 if level is None else amplitude(pack.level_dbfs - level)
    features = analyse(resample(audio, rate, pack.sample_rate) * np.float32(gain), pack)
    seconds = features.statistics.count / pack.frame_rate
    if level is None or seconds < LEAST_SECONDS:
        raise RtvcError(
            f"The recording holds {seconds:.1f} s of speech; an enrolment needs at least {LEAST_SECONDS:.0f} s, "
            "better 20 s: check the microphone and speak on."
        )
    return Enrolment(microphone, features, level, seconds)


def enrol_files(paths: Sequence[Path], pack: ModelPack, microphone: str) -> Enrolment:
    """Learn a speaker from recordings made by the microphone; raises as `enrol_audio` and `AudioFile` do."""
    sources = [AudioFile(path) for path in paths]
    rate = max(source.rate for source in sources)
    audio = np.concatenate([resample(source.read(), source.rate, rate) for source in sources])
    return enrol_audio(audio, rate, pack, microphone)


class EnrolmentLibrary:
    """The user's enrolments on disk, one file for each microphone and pack, written aside and renamed.

    Parameters
    ----------
    folder
        Where they lie; by default in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_path("rtvc", appauthor=False) / "enrolments"

    def save(self, enrolment: Enrolment, pack: ModelPack) -> None:
        """Store an enrolment in place of an earlier one at that microphone; raise `RtvcError` if that fails."""
        path = self._path(enrolment.microphone, pack)
        make_folder(path.parent, private=True)
        with atomic_write(path, private=True) as file:
            np.savez(
                file,
                level_dbfs=np.array(enrolment.level_dbfs),
                speech_seconds=np.array(enrolment.speech_seconds),
                frames=enrolment.features.frames,
                **enrolment.features.statistics.to_arrays(),  # type: ignore[arg-type]
            )

    def load(self, microphone: str, pack: ModelPack) -> Enrolment | None:
        """Return the enrolment at a microphone under a pack, or None if there is none.

        Raises `RtvcError` if its file is damaged.
        """
        path = self._path(microphone, pack)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                features = FeatureSet(arrays["frames"], FeatureStatistics.from_arrays(dict(arrays)))
                level, seconds = float(arrays["level_dbfs"]), float(arrays["speech_seconds"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, RtvcError):
            raise RtvcError(f"{path} is damaged: enrol again with `rtvc enrol`.") from None
        if features.statistics.dim != pack.feature_dim or not np.isfinite(level):
            raise RtvcError(f"{path} is damaged: enrol again with `rtvc enrol`.")
        return Enrolment(microphone, features, level, seconds)

    def remove(self, microphone: str, pack: ModelPack) -> bool:
        """Delete the enrolment at a microphone; return whether there was one."""
        path = self._path(microphone, pack)
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed

    def _path(self, microphone: str, pack: ModelPack) -> Path:
        # A device may have any name, which must not become a path.
        name = hashlib.sha256(microphone.encode()).hexdigest()[:16]
        return self.folder / f"{name}-{pack.digest[:16]}.npz"
