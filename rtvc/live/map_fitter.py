"""Learning the speaker and fitting the map towards a voice, off the audio path.

A `Speaker` is told of every step by the thread that processes blocks. A `MapFitter` reads it on a thread of its own;
the worker picks up the newest map between two blocks.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.chain.voice_converter import unchanged
from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITTED_ON_FRAMES, Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.voices.library import VoiceLibrary
from rtvc.voices.statistics import FeatureSet, Mask, RunningStatistics

REFIT_SECONDS = 1

NICENESS = 10


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


@dataclass(frozen=True)
class MapRequest:
    """Which map to fit: towards which voice (none, if empty), by which choice."""

    voice: str
    choice: MapChoice

    @classmethod
    def of(cls, settings: Settings) -> MapRequest:
        """Return what the settings ask for. Strength is applied frame by frame: a valid one needs no other map."""
        choice = settings.map
        return cls(settings.voice, replace(choice, strength=1.0) if 0 <= choice.strength <= 1 else choice)


class _Superseded(Exception):  # noqa: N818 - not an error
    """Ends a fit that is no longer wanted."""


class MapFitter:
    """Keeps the map up to date on a thread of its own: for each new request, and as the speaker is learnt.

    A fit that takes long is given up as soon as something else is requested. While it lasts, and where it
    cannot be done, a new voice is reached by MKL, so that the speaker's own voice is never heard in its place.

    Parameters
    ----------
    pack, speaker, library
        The models, whom to map, and where voices are found.

    Attributes
    ----------
    transport
        The newest map. It stays when a request cannot be met.
    progress
        Share of a fit that takes long, 0 … 1; None while there is none.
    trouble
        Why the latest request could not be met, in one sentence; empty if it was.
    """

    def __init__(self, pack: ModelPack, speaker: Speaker, library: VoiceLibrary) -> None:
        self.transport: Transport = unchanged
        self.progress: float | None = None
        self.trouble = ""
        self._pack = pack
        self._speaker = speaker
        self._library = library
        self._request = MapRequest("", MapChoice())
        self._done: tuple[MapRequest, object] | None = None
        self._target: tuple[str, FeatureSet, Path | None] | None = None
        self._reached: tuple[str, FeatureSet | None] = ("", None)
        self._due = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def ask(self, request: MapRequest) -> None:
        """Have a map fitted if it is a new request or more is known of the speaker; returns at once."""
        if self._done != (request, self._speaker.version) or self._request != request:
            self._request = request
            self._due.set()

    def answered(self, request: MapRequest) -> bool:
        """Tell whether the map leads from this speaker to the requested voice (by MKL, so far), or no map can."""
        return self._reached == (request.voice, self._speaker.enrolled) or (
            self._done is not None and self._done == (request, self._speaker.version)
        )

    def work(self) -> None:
        """Fit the map of the latest request, unless that has been done, on the calling thread."""
        request, version = self._request, self._speaker.version
        if self._done == (request, version):
            return

        def note(share: float) -> None:
            self.progress, self.trouble = share, ""
            if self._stopping or self._request != request or self._speaker.version != version:
                raise _Superseded

        try:
            self._fit(request, note)
            self.trouble = ""
        except _Superseded:
            return
        except RtvcError as error:
            self.trouble = str(error)
        except Exception as error:
            # Whatever it was, the thread has to live for the next request.
            self.trouble = f"The program itself failed at this voice ({error!r}): choose another voice or transport."
        finally:
            self.progress = None
        self._done = (request, version)

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

    def _fit(self, request: MapRequest, progress: Callable[[float], None]) -> None:
        # Read before the features: if the enrolment changes in between, the map is fitted once more.
        reached = (request.voice, self._speaker.enrolled)
        # Taken even where it is not needed: it counts in what the speaker has said, which would pile up otherwise.
        source = self._speaker.features()
        if not request.voice:
            self.transport, self._reached = unchanged, reached
            return
        if self._target is None or self._target[0] != request.voice:
            voice = self._library.open(request.voice)
            self._target = (request.voice, voice.features(self._pack), voice.maps)
        _, target, folder = self._target
        on_frames = request.choice.transport in FITTED_ON_FRAMES
        if on_frames and (len(source.frames) == 0 or self._reached != reached):
            self.transport, self._reached = fit_map(self._pack, source, target, MapChoice()), reached
        fitted = fit_map(self._pack, source, target, request.choice, folder, progress)
        self.transport, self._reached = fitted, reached
