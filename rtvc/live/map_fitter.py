"""Learning the speaker and fitting the map towards a voice, off the audio path.

A `Speaker` is told of every step by the thread that processes blocks. A `MapFitter` reads it on a thread of its own;
the worker picks up the newest map between two blocks.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rtvc.chain.voice_converter import unchanged
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.storage import atomic_write, make_folder
from rtvc.transport import FITTED_ON_FRAMES, KEPT, Transport, fit
from rtvc.transport.flow_matching import FlowTransport
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.statistics import FeatureSet, Mask, RunningStatistics

REFIT_SECONDS = 1

NICENESS = 10

MOST_KEPT = 8
"""Maps that a voice keeps; the one that was not used for longest goes first."""


class Speaker:
    """What is known of the speaker's features: the population's at first, then their own; an `Observer`.

    Attributes
    ----------
    enrolled
        Set, by anyone, to learn no more and take these instead; None to go on learning.
    speech_frames
        Frames of speech that were learnt from.
    """

    def __init__(self, pack: ModelPack, enrolled: FeatureSet | None = None) -> None:
        self.enrolled = enrolled
        self.speech_frames = 0
        self._running = RunningStatistics(pack.population)
        self._nothing = np.zeros((0, pack.feature_dim), np.float32)
        self._interval = REFIT_SECONDS * pack.frame_rate
        self._frames = 0

    def __call__(self, features: Block, active: Mask) -> None:
        """Count in the active rows."""
        self._frames += len(features)
        if self.enrolled is None:
            self._running.add(features, active)
            self.speech_frames += int(np.count_nonzero(active))

    @property
    def version(self) -> object:
        """Something that changes about once a second of sound while the speaker is being learnt, and on enrolment."""
        return self._frames // self._interval if self.enrolled is None else self.enrolled

    def features(self) -> FeatureSet:
        """Return what is known now; without enrolment that is statistics without the frames themselves."""
        return self.enrolled or FeatureSet(self._nothing, self._running.statistics())


def fit_map(
    pack: ModelPack,
    source: FeatureSet,
    target: FeatureSet,
    transport: str,
    options: Mapping[str, Any],
    folder: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Transport:
    """Fit the map of a name from the source to the target; the pack fills in what the options leave open.

    For a transport of `rtvc.transport.KEPT`, the map is read from `folder` if it was kept there after a fit from the
    same frames and statistics with the same options under the same pack. Otherwise `progress` is told the share done,
    0 … 1, on the calling thread, and may end the fit by an exception; and the map is kept.
    """
    if transport == "mkl":
        options = {"block_size": pack.defaults["block_size"], **options}
    if transport not in KEPT:
        return fit(transport, source, target, **options)
    path = None
    if folder is not None:
        path = folder / f"{transport}-{_digest(pack, source, target, options)}.npz"
        if (kept := _read(path, KEPT[transport])) is not None:
            return kept
    fitted = fit(transport, source, target, progress=progress, **options)
    if path is not None:
        assert isinstance(fitted, KEPT[transport])
        # A disk that is full or not ours costs another fit next time, and nothing now.
        with suppress(RtvcError):
            _keep(path, fitted.to_arrays())
    return fitted


def _digest(pack: ModelPack, source: FeatureSet, target: FeatureSet, options: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([pack.digest, options], sort_keys=True).encode())
    for side in (source, target):
        for array in (side.frames, *side.statistics.to_arrays().values()):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path, kind: type[FlowTransport]) -> Transport | None:
    """Return a map that was kept, or None if there is none of use; note that it was used."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            kept = kind.from_arrays(dict(arrays))
        path.touch()
    except (OSError, ValueError, EOFError, BadZipFile, RtvcError):
        return None
    return kept


def _keep(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write arrays aside and rename them, and delete the maps that were not used for longest."""
    make_folder(path.parent)
    with atomic_write(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    kept = [other for name in KEPT for other in path.parent.glob(f"{name}-*.npz")]
    for other in sorted(kept, key=lambda other: other.stat().st_mtime)[:-MOST_KEPT]:
        other.unlink(missing_ok=True)


@dataclass(frozen=True)
class MapWish:
    """Which map: towards which voice (none, if empty), by which transport, and K of MKL (None: the pack's)."""

    voice: str
    transport: str
    block_size: int | None

    @classmethod
    def of(cls, settings: Settings) -> MapWish:
        """Return what the settings ask for."""
        return cls(settings.voice, settings.transport, settings.block_size)


class _Superseded(Exception):  # noqa: N818 - not an error
    """Ends a fit that nobody waits for any more."""


class MapFitter:
    """Keeps the map up to date on a thread of its own: for each new wish, and as the speaker is learnt.

    A fit that takes long is given up as soon as something else is wished for. While it lasts, and where it cannot be
    done, a new voice is reached by MKL, so that the speaker's own voice is never heard in its place.

    Parameters
    ----------
    pack, speaker, library
        The models, whom to map, and where voices are found.

    Attributes
    ----------
    transport
        The newest map. It stays when a wish cannot be met.
    progress
        Share of a fit that takes long, 0 … 1; None while there is none.
    trouble
        Why the latest wish could not be met, in one sentence; empty if it was.
    """

    def __init__(self, pack: ModelPack, speaker: Speaker, library: VoiceLibrary) -> None:
        self.transport: Transport = unchanged
        self.progress: float | None = None
        self.trouble = ""
        self._pack = pack
        self._speaker = speaker
        self._library = library
        self._wish = MapWish("", "mkl", None)
        self._done: tuple[MapWish, object] | None = None
        self._target: tuple[str, FeatureSet, Path | None] | None = None
        self._reached: tuple[str, FeatureSet | None] = ("", None)
        self._due = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def ask(self, wish: MapWish) -> None:
        """Have a map fitted if it is a new wish or more is known of the speaker; returns at once."""
        if self._done != (wish, self._speaker.version) or self._wish != wish:
            self._wish = wish
            self._due.set()

    def answered(self, wish: MapWish) -> bool:
        """Tell whether the map leads from this speaker to the wished voice, if only by MKL so far, or no map can."""
        return self._reached == (wish.voice, self._speaker.enrolled) or (
            self._done is not None and self._done == (wish, self._speaker.version)
        )

    def work(self) -> None:
        """Fit the map of the latest wish, unless that has been done, on the calling thread."""
        wish, version = self._wish, self._speaker.version
        if self._done == (wish, version):
            return

        def note(share: float) -> None:
            self.progress, self.trouble = share, ""
            if self._stopping or self._wish != wish or self._speaker.version != version:
                raise _Superseded

        try:
            self._fit(wish, note)
            self.trouble = ""
        except _Superseded:
            return
        except RtvcError as error:
            self.trouble = str(error)
        except Exception as error:
            # Whatever it was, the thread has to live for the next wish.
            self.trouble = f"The program itself failed at this voice ({error!r}): choose another voice or transport."
        finally:
            self.progress = None
        self._done = (wish, version)

    def start(self) -> None:
        """Begin to work on a thread."""
        self._stopping, self._done = False, None
        self._thread = threading.Thread(target=self._run, name="rtvc map fitter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread once it has fitted what it is fitting."""
        self._stopping = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        if sys.platform == "linux":
            # Only here does a thread have a niceness of its own: a fit of many seconds must not hold up the sound.
            os.nice(NICENESS)
        while True:
            self._due.wait()
            self._due.clear()
            if self._stopping:
                return
            self.work()

    def _fit(self, wish: MapWish, progress: Callable[[float], None]) -> None:
        # Read before the features: if the enrolment changes in between, the map is fitted once more.
        reached = (wish.voice, self._speaker.enrolled)
        # Taken even where it is not needed: it counts in what the speaker has said, which would pile up otherwise.
        source = self._speaker.features()
        if not wish.voice:
            self.transport, self._reached = unchanged, reached
            return
        if self._target is None or self._target[0] != wish.voice:
            voice = self._library.open(wish.voice)
            self._target = (wish.voice, voice.features(self._pack), voice.maps)
        _, target, folder = self._target
        if wish.transport in FITTED_ON_FRAMES and (len(source.frames) == 0 or self._reached != reached):
            self.transport, self._reached = fit_map(self._pack, source, target, "mkl", {}), reached
        options = {} if wish.block_size is None or wish.transport != "mkl" else {"block_size": wish.block_size}
        fitted = fit_map(self._pack, source, target, wish.transport, options, folder, progress)
        self.transport, self._reached = fitted, reached
