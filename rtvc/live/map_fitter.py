"""Learning the speaker and fitting the map to a voice, off the audio path.

The worker passes the features of every step to a `Speaker`. A `MapFitter` reads it on a thread of its own; the worker
picks up the newest map between two steps.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtvc.dsp.stage import Block
from rtvc.errors import RtvcError
from rtvc.features import FeatureSet, Mask, RunningStatistics
from rtvc.live.priority import LONGEST_STEP_SECONDS, Rank, Urgency
from rtvc.packs.pack import ModelPack
from rtvc.settings import Settings
from rtvc.transport import FITTED_ON_FRAMES, Transport
from rtvc.transport.choice import MapChoice
from rtvc.transport.fitting import fit_map
from rtvc.voices.library import VoiceLibrary

REFIT_SECONDS = 1.0
REFIT_GROWTH = 0.05
LONGEST_REFIT_SECONDS = 60.0
"""The map is fitted again when the speech has grown by a twentieth, but by at least 1 s and at most 60 s."""

NICENESS = 10


class Speaker:
    """The statistics of the speaker's features: the population's at first, then their own. An `Observer`.

    Attributes
    ----------
    enrolled
        Features of an enrolment, used instead of learning; None to learn. Any thread may set it.
    speech_frames
        Number of speech frames learnt from.
    microphone
        The microphone that they were heard at; empty if it has no name.
    """

    def __init__(self, pack: ModelPack, enrolled: FeatureSet | None = None) -> None:
        self.enrolled = enrolled
        self.microphone = ""
        self._population, self._frame_rate = pack.population, pack.frame_rate
        self._no_frames = np.zeros((0, pack.feature_dim), np.float32)
        self._version = 0
        self._begin()

    def _begin(self) -> None:
        self._running = RunningStatistics(self._population)
        self.speech_frames = 0
        self._due = REFIT_SECONDS * self._frame_rate

    def hear_at(self, microphone: str) -> None:
        """Forget what was learnt at another microphone. Called by the thread that passes the features."""
        if microphone != self.microphone:
            self.microphone = microphone
            # A fit in progress keeps the old statistics whole, and is repeated because of the new version.
            self._begin()
            self._version += 1

    def __call__(self, features: Block, active: Mask) -> None:
        """Add the active frames of `features` `[n, dim]`."""
        if self.enrolled is not None:
            return
        self._running.add(features, active)
        self.speech_frames += int(np.count_nonzero(active))
        if self.speech_frames >= self._due:
            seconds = REFIT_GROWTH * self.speech_frames / self._frame_rate
            seconds = min(max(seconds, REFIT_SECONDS), LONGEST_REFIT_SECONDS)
            self._due = self.speech_frames + seconds * self._frame_rate
            self._version += 1

    @property
    def origin(self) -> object:
        """What is learnt from: the enrolment, or the speech at this microphone."""
        return self.enrolled or self._running

    @property
    def version(self) -> object:
        """A value that changes with enough speech for another fit, with the enrolment, and with the microphone."""
        return self._version if self.enrolled is None else self.enrolled

    def features(self) -> FeatureSet:
        """Return the enrolment, or the statistics learnt so far, without frames."""
        return self.enrolled or FeatureSet(self._no_frames, self._running.statistics())


@dataclass(frozen=True)
class MapRequest:
    """A request for a map: the voice and the choice of map."""

    voice: str
    choice: MapChoice

    @classmethod
    def of(cls, settings: Settings) -> MapRequest:
        """Return the request of the settings.

        Strength is applied frame by frame, so changing it needs no new map. A strength out of range stays in the
        request, so that the fit refuses it.
        """
        choice = settings.map
        return cls(settings.voice, replace(choice, strength=1.0) if 0 <= choice.strength <= 1 else choice)


class _Superseded(Exception):  # noqa: N818 - not an error
    """Ends a fit whose request was replaced."""


class MapFitter:
    """Keeps the map up to date on a thread of its own: for each new request, and as the speaker is learnt.

    A long fit is abandoned as soon as something else is requested. Until it is done, or if it fails, an MKL map leads
    to the new voice. It runs on a thread of low priority. A fit that was short is urgent when it is repeated, because
    the interpreter cannot serve the worker while this thread holds it.

    Parameters
    ----------
    pack, speaker, library
        The models, the speaker to map from, and the voices.
    urgent
        Ask for real-time scheduling, below the worker's, of fits that are known to be short.

    Attributes
    ----------
    transport
        The newest fitted map; None before the first. A request that fails leaves it in place.
    voice
        The voice that `transport` leads to.
    progress
        Progress of a long fit, 0 … 1; None otherwise.
    error
        Why the latest request failed, as a sentence; empty if it succeeded.
    """

    def __init__(self, pack: ModelPack, speaker: Speaker, library: VoiceLibrary, urgent: bool = False) -> None:
        self.transport: Transport | None = None
        self.voice = ""
        self.progress: float | None = None
        self.error = ""
        self._pack = pack
        self._speaker = speaker
        self._library = library
        self._urgent = urgent
        self._request = MapRequest("", MapChoice())
        self._done: tuple[MapRequest, object] | None = None
        self._target: tuple[tuple[str, int], str, FeatureSet, Path | None] | None = None
        self._reached: tuple[str, object] | None = None
        self._changes = 0
        self._due = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def _version(self) -> object:
        """A value that changes when the same request needs another fit."""
        return self._speaker.version, self._changes

    def read_voices_again(self) -> None:
        """Fit to the recording as it is now, because recordings of voices were changed; returns at once."""
        self._changes += 1
        self._due.set()

    def ask(self, request: MapRequest) -> None:
        """Request a map, and return at once; it is fitted if the request or the speaker's statistics are new."""
        if self._done != (request, self._version) or self._request != request:
            self._request = request
            self._due.set()

    def answered(self, request: MapRequest) -> bool:
        """Whether a map leads from this speaker to the requested voice, if only by MKL, or the request failed."""
        reached = self._reached == (request.voice, self._speaker.origin)
        return reached or self._done == (request, self._version)

    def work(self) -> None:
        """Fit the map of the latest request on the calling thread, unless that is done."""
        self._answer(self._request)

    def _answer(self, request: MapRequest) -> None:
        version = self._version
        if self._done == (request, version):
            return

        def note(share: float) -> None:
            self.progress, self.error = share, ""
            if self._stopping or self._request != request or self._version != version:
                raise _Superseded

        try:
            self._fit(request, note)
            self.error = ""
        except _Superseded:
            return
        except RtvcError as error:
            self.error = str(error)
        except Exception as error:
            # The thread has to survive for the next request.
            self.error = f"An internal error stopped the fit ({error!r}): choose another voice or transport."
        finally:
            self.progress = None
        self._done = (request, version)

    def start(self) -> None:
        """Start the thread."""
        self._stopping, self._done = False, None
        self._thread = threading.Thread(target=self._run, name="rtvc map fitter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the current fit is done or abandoned."""
        self._stopping = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        urgency: Urgency | None = None
        quick: MapRequest | None = None  # its last fit was short
        while True:
            self._due.wait()
            self._due.clear()
            if self._stopping:
                return
            request = self._request
            if urgency is not None and request != quick:
                urgency.give_up()
                urgency = None
            began = time.thread_time()
            self._answer(request)
            seconds = time.thread_time() - began
            if urgency is not None:
                urgency.stepped()
            elif self._urgent and seconds < LONGEST_STEP_SECONDS and request.choice.transport not in FITTED_ON_FRAMES:
                quick, urgency = request, Urgency(seconds, Rank.FITTER)

    def _fit(self, request: MapRequest, progress: Callable[[float], None]) -> None:
        # Read before the features: if enrolment or microphone change in between, the map is fitted once more.
        reached = (request.voice, self._speaker.origin)
        # Read for every request: reading merges the pending frames, which would pile up otherwise.
        source = self._speaker.features()
        if not request.voice:
            raise RtvcError("No voice is chosen: choose one, or set the strength to 0 to send your own voice.")
        wanted = (request.voice, self._changes)
        if self._target is None or self._target[0] != wanted:
            voice = self._library.open(request.voice)
            self._target = (wanted, voice.name, voice.features(self._pack), voice.maps)
        _, name, target, folder = self._target
        on_frames = request.choice.transport in FITTED_ON_FRAMES
        if on_frames and (len(source.frames) == 0 or self._reached != reached):
            self._use(fit_map(self._pack, source, target, MapChoice()), reached)
        former = self.transport

        def chosen() -> Transport:
            return fit_map(self._pack, source, target, request.choice, folder, progress, voice=name, former=former)

        if on_frames:
            with ThreadPoolExecutor(1, "rtvc long fit", _give_way) as aside:
                self._use(aside.submit(chosen).result(), reached)
        else:
            self._use(chosen(), reached)

    def _use(self, transport: Transport, reached: tuple[str, object]) -> None:
        self.transport, self.voice, self._reached = transport, reached[0], reached


def _give_way() -> None:
    """Let a fit of many seconds run behind everything else. Only Linux has a niceness per thread."""
    if sys.platform == "linux":
        os.nice(NICENESS)
