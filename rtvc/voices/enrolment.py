"""The user's own voice at one microphone: the source statistics of the map, known from the first word.

Runs on the calling thread; an `Enrolment` is immutable and may cross threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_data_path

from rtvc.arrays import DamagedArrays, read_arrays, write_arrays
from rtvc.dsp.noise_suppression import NoiseSuppression
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet
from rtvc.packs.pack import ModelPack
from rtvc.storage import atomic_write, delete, make_folder
from rtvc.voices.analysis import analyse_recording, read_recordings

LEAST_SECONDS = 3.0
GOOD_SECONDS = 10.0

LEVELS = tuple(NoiseSuppression)
"""Their places are stored in files."""


@dataclass(frozen=True)
class Enrolment:
    """A speaker at a microphone, under one pack.

    Attributes
    ----------
    microphone
        The microphone's host API and name, as shown to the user.
    features
        Features of the speech.
    level_dbfs
        Level of the speech at the microphone (root mean square).
    speech_seconds
        Duration of the speech.
    noise_suppression
        How much noise was removed from the recording; None if that is not known.
    """

    microphone: str
    features: FeatureSet
    level_dbfs: float
    speech_seconds: float
    noise_suppression: NoiseSuppression | None = None

    @property
    def warning(self) -> str | None:
        """A sentence for the user if the enrolment is shorter than it should be."""
        if self.speech_seconds < GOOD_SECONDS:
            return (
                f"The enrolment contains only {self.speech_seconds:.1f} s of speech: "
                f"the voice will be closer with {GOOD_SECONDS:.0f} s or more."
            )
        return None

    def mismatch(self, noise_suppression: NoiseSuppression) -> str:
        """Return a sentence if noise is removed from the live sound and was not from the enrolment, or vice versa."""
        off = NoiseSuppression.OFF
        if self.noise_suppression is None or (self.noise_suppression is off) == (noise_suppression is off):
            return ""
        if noise_suppression is off:
            return "Your voice was learnt with noise suppression, which is off now: switch it on, or enrol again."
        return "Your voice was learnt without noise suppression, which is on now: switch it off, or enrol again."


def enrol_audio(
    audio: Block,
    rate: int,
    pack: ModelPack,
    microphone: str,
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
) -> Enrolment:
    """Enrol a speaker from a recording `[samples]` at `rate` Hz made with the microphone.

    The recording takes the way of the live sound: noise is suppressed here if it will be live. Raises `RtvcError` if
    it holds less than 3 s of speech, or RNNoise is needed and not installed.
    """
    speech = analyse_recording(audio, rate, pack, noise_suppression)
    if speech.level_dbfs is None or speech.seconds < LEAST_SECONDS:
        raise RtvcError(
            f"The recording contains {speech.seconds:.1f} s of speech; an enrolment needs at least "
            f"{LEAST_SECONDS:.0f} s, better 20 s: check the microphone and record again."
        )
    return Enrolment(microphone, speech.features, speech.level_dbfs, speech.seconds, noise_suppression)


def enrol_files(
    paths: Sequence[Path],
    pack: ModelPack,
    microphone: str,
    noise_suppression: NoiseSuppression = NoiseSuppression.OFF,
) -> Enrolment:
    """Enrol a speaker from recordings made with the microphone; raises as `enrol_audio` and `AudioFile` do."""
    return enrol_audio(*read_recordings(paths), pack, microphone, noise_suppression)


class EnrolmentLibrary:
    """The user's enrolments on disk: one file for each microphone and pack.

    An enrolment is enough to imitate the user's voice, so only the user can read the files (0600) and the folder
    (0700); the modes of an older folder are corrected.

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
        make_folder(self.folder, private=True)
        self._make_private()
        arrays = {
            "level_dbfs": np.array(enrolment.level_dbfs),
            "speech_seconds": np.array(enrolment.speech_seconds),
            **enrolment.features.to_arrays(),
        }
        if enrolment.noise_suppression is not None:
            arrays["noise_suppression"] = np.array(LEVELS.index(enrolment.noise_suppression))
        with atomic_write(path, private=True) as file:
            write_arrays(file, arrays)

    def load(self, microphone: str, pack: ModelPack) -> Enrolment | None:
        """Return the enrolment at a microphone under a pack, or None if there is none.

        Raises `RtvcError` if its file is damaged.
        """
        self._make_private()
        path = self._path(microphone, pack)
        damaged = RtvcError(f"{path} is damaged: enrol again with `rtvc enrol`.")
        try:
            arrays = read_arrays(path)
            features = FeatureSet.from_arrays(arrays)
            level, seconds = float(arrays["level_dbfs"]), float(arrays["speech_seconds"])
            stored = arrays.get("noise_suppression")
            noise_suppression = None if stored is None else LEVELS[int(stored)]
        except FileNotFoundError:
            return None
        except (OSError, DamagedArrays, RtvcError, LookupError, TypeError, ValueError, OverflowError):
            raise damaged from None
        if not features.fits(pack.feature_dim, pack.roles) or not np.isfinite([level, seconds]).all():
            raise damaged
        return Enrolment(microphone, features, level, seconds, noise_suppression)

    def remove(self, microphone: str, pack: ModelPack) -> bool:
        """Delete the enrolment at a microphone; return whether there was one. Raises as `rtvc.storage.delete`."""
        path = self._path(microphone, pack)
        existed = path.exists()
        if existed:
            delete(path)
        return existed

    def _make_private(self) -> None:
        with suppress(OSError):
            self.folder.chmod(0o700)
            for path in self.folder.glob("*.npz"):
                path.chmod(0o600)

    def _path(self, microphone: str, pack: ModelPack) -> Path:
        # A device can have any name, so the name is hashed before it becomes part of a path.
        name = hashlib.sha256(microphone.encode(errors="surrogatepass")).hexdigest()[:16]
        return self.folder / f"{name}-{pack.digest[:16]}.npz"
